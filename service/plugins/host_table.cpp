#include "service/plugins/host_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "core/base/milliseconds.hpp"
#include "core/base/trace_context.hpp"
#include "service/plugins/request_view.hpp"

namespace omni::plugins {

namespace {

static_assert(static_cast<uint32_t>(FailureKind::Internal) == OMNI_FAILURE_INTERNAL);
static_assert(static_cast<uint32_t>(FailureKind::Network) == OMNI_FAILURE_NETWORK);
static_assert(static_cast<uint32_t>(FailureKind::Timeout) == OMNI_FAILURE_TIMEOUT);
static_assert(static_cast<uint32_t>(FailureKind::Upstream) == OMNI_FAILURE_UPSTREAM);
static_assert(static_cast<uint32_t>(FailureKind::AuthInvalid) == OMNI_FAILURE_AUTH_INVALID);
static_assert(static_cast<uint32_t>(FailureKind::ReauthRequired) == OMNI_FAILURE_REAUTH_REQUIRED);
static_assert(static_cast<uint32_t>(FailureKind::Suspended) == OMNI_FAILURE_SUSPENDED);
static_assert(static_cast<uint32_t>(FailureKind::NotAuthorized) == OMNI_FAILURE_NOT_AUTHORIZED);
static_assert(static_cast<uint32_t>(FailureKind::Quota) == OMNI_FAILURE_QUOTA);
static_assert(static_cast<uint32_t>(FailureKind::RateLimited) == OMNI_FAILURE_RATE_LIMITED);
static_assert(static_cast<uint32_t>(FailureKind::Capacity) == OMNI_FAILURE_CAPACITY);
static_assert(static_cast<uint32_t>(FailureKind::ContextLength) == OMNI_FAILURE_CONTEXT_LENGTH);
static_assert(static_cast<uint32_t>(FailureKind::ModelUnavailable) ==
              OMNI_FAILURE_MODEL_UNAVAILABLE);
static_assert(static_cast<uint32_t>(FailureKind::BadRequest) == OMNI_FAILURE_BAD_REQUEST);
static_assert(static_cast<uint32_t>(FailureKind::EmptyResponse) == OMNI_FAILURE_EMPTY_RESPONSE);
static_assert(static_cast<uint32_t>(FailureKind::Protocol) == OMNI_FAILURE_PROTOCOL);
static_assert(static_cast<uint32_t>(FailureKind::Conflict) == OMNI_FAILURE_CONFLICT);
static_assert(static_cast<uint32_t>(FailureKind::NotFound) == OMNI_FAILURE_NOT_FOUND);
static_assert(static_cast<uint32_t>(FailureScope::Default) == OMNI_SCOPE_DEFAULT);
static_assert(static_cast<uint32_t>(FailureScope::Account) == OMNI_SCOPE_ACCOUNT);
static_assert(static_cast<uint32_t>(FailureScope::AccountModel) == OMNI_SCOPE_ACCOUNT_MODEL);

constexpr size_t kMaxLogLine = 4096;
constexpr size_t kMaxErrorText = 8192;

HostContext& contextOf(void* context) {
  return *static_cast<HostContext*>(context);
}

template <typename F>
omni_status_t guarded(omni_call_t* call, const char* service, F&& body) noexcept {
  if (!call) return OMNI_INVALID;
  if (!call->usable(service)) return OMNI_INVALID;
  try {
    return body();
  } catch (const std::exception& error) {
    call->host.log(LogLevel::Error, error.what());
  } catch (...) {
    call->host.log(LogLevel::Error, "unknown exception in a host service");
  }
  return OMNI_INTERNAL;
}

// One line, of bounded length: a plugin's text may hold what an upstream sent.
std::string oneLine(std::string_view text, size_t limit) {
  std::string out(text.substr(0, limit));
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return out;
}

void hostLog(void* context, uint32_t level, omni_str_t message) noexcept {
  HostContext& host = contextOf(context);
  try {
    const std::string line = oneLine(toView(message), kMaxLogLine);
    if (level >= OMNI_LOG_ERROR && host.initialising.load()) host.init_error = line;
    host.log(static_cast<LogLevel>(std::min(level, OMNI_LOG_ERROR)), line);
  } catch (...) {  // a line that cannot be logged must not fail the plugin
  }
}

int64_t hostNow(void* context) noexcept {
  return contextOf(context).deps.clock.nowMs();
}

void hostRandom(void* context, void* out, size_t size) noexcept {
  if (out && size > 0) contextOf(context).deps.random.fill(out, size);
}

omni_status_t hostSetting(void* context, omni_str_t key, const omni_writer_t* out) noexcept {
  if (!out || !out->write) return OMNI_INVALID;
  HostContext& host = contextOf(context);
  try {
    if (!host.deps.setting) return OMNI_UNSUPPORTED;
    const auto value = host.deps.setting(host.plugin, toView(key));
    if (!value) return OMNI_UNSUPPORTED;
    out->write(out->context, toStr(*value));
    return OMNI_OK;
  } catch (...) {
    return OMNI_INTERNAL;
  }
}

const void* hostExtension(void*, omni_str_t) noexcept {
  return nullptr;
}

void hostSetError(omni_call_t* call, const omni_error_t* error) noexcept {
  guarded(call, "set_error", [&]() -> omni_status_t {
    if (!error || error->struct_size < sizeof(omni_error_t)) {
      call->host.misbehaved("set_error was given no error or a short one");
      return OMNI_INVALID;
    }
    Error out;
    if (error->kind <= OMNI_FAILURE_NOT_FOUND)
      out.kind = static_cast<FailureKind>(error->kind);
    else
      call->host.misbehaved("set_error was given an unknown kind");
    out.message = std::string(toView(error->message).substr(0, kMaxErrorText));
    out.detail = std::string(toView(error->detail).substr(0, kMaxErrorText));
    out.reason = std::string(toView(error->reason).substr(0, kMaxErrorText));
    out.field = std::string(toView(error->field).substr(0, kMaxErrorText));
    out.upstream_status = static_cast<int>(error->upstream_status);
    // What no clock can mean was not said; the host's sums with the rest cannot overflow.
    const auto meant = [](int64_t ms) { return ms >= 0 && ms <= kFarthestMs ? ms : -1; };
    out.retry_after_ms = meant(error->retry_after_ms);
    out.reset_at_ms = meant(error->reset_at_ms);
    if (error->scope <= OMNI_SCOPE_ACCOUNT_MODEL)
      out.scope = static_cast<FailureScope>(error->scope);
    call->error = std::move(out);
    return OMNI_OK;
  });
}

uint32_t hostIsCancelled(omni_call_t* call) noexcept {
  if (!call || !call->usable("is_cancelled")) return 1;
  return call->cancelled() ? 1 : 0;
}

// While an upstream's answer is read, also when that ends with an exception.
class InHttp {
 public:
  explicit InHttp(omni_call_t& call) : call_(call) { call_.in_http = true; }
  ~InHttp() { call_.in_http = false; }
  InHttp(const InHttp&) = delete;
  InHttp& operator=(const InHttp&) = delete;

 private:
  omni_call_t& call_;
};

omni_status_t hostHttp(omni_call_t* call, const omni_http_request_t* request,
                       const omni_http_sink_t* sink) noexcept {
  if (!request || request->struct_size < sizeof(omni_http_request_t) || !sink ||
      sink->struct_size < sizeof(omni_http_sink_t) || !sink->on_response || !sink->on_body ||
      (request->header_count > 0 && !request->headers))
    return OMNI_INVALID;
  return guarded(call, "http", [&]() -> omni_status_t {
    if (auto may = call->record.mayCall(); !may) return call->failed(std::move(may.error()));
    HttpCall out;
    out.method = toView(request->method);
    out.url = toView(request->url);
    out.headers.reserve(request->header_count + 1);
    for (size_t i = 0; i < request->header_count; ++i)
      out.headers.push_back({toView(request->headers[i].name), toView(request->headers[i].value)});
    // The client's trace goes on through the provider; a plugin cannot know of it.
    std::string traceparent;
    if (const TraceContext* trace = TraceScope::trace()) {
      unsigned char span[8];
      call->host.deps.random.fill(span, sizeof(span));
      std::string span_id;
      for (const unsigned char byte : span) span_id += fmt::format("{:02x}", byte);
      traceparent = trace->header(span_id);
      out.headers.push_back({"traceparent", traceparent});
    }
    out.body = toView(request->body);
    out.idempotent = (request->flags & OMNI_HTTP_IDEMPOTENT) != 0;
    out.finish = (request->flags & OMNI_HTTP_FINISH) != 0;
    out.first_byte_timeout_ms = request->first_byte_timeout_ms;
    out.idle_timeout_ms = request->idle_timeout_ms;

    omni_status_t stopped = OMNI_OK;
    auto stop = [&stopped](omni_status_t status) -> Result<> {
      stopped = status;
      if (status == OMNI_OK) return {};
      return makeError(FailureKind::Cancelled, "stopped by the plugin");
    };
    auto on_response = [&](int status, const std::vector<HttpHeader>& headers) -> Result<> {
      std::vector<omni_header_t> raw;
      raw.reserve(headers.size());
      for (const HttpHeader& header : headers)
        raw.push_back({toStr(header.name), toStr(header.value)});
      return stop(
          sink->on_response(sink->context, static_cast<uint32_t>(status), raw.data(), raw.size()));
    };
    out.before_wait = [call] { call->release(); };
    auto on_body = [&](std::string_view bytes) -> Result<> {
      if (call->sink) call->sink->hold();
      call->holding = call->sink != nullptr;
      return stop(sink->on_body(sink->context, toStr(bytes)));
    };
    call->release();  // a second request: what the first one gave does not wait for it
    // Provider and account: two plugins never share a connection either.
    auto done = [&] {
      const InHttp reading(*call);
      return call->host.deps.upstream.call(call->host.plugin + "/" + call->record.id(), out,
                                           on_response, on_body, call->token);
    }();
    // After a whole answer the call's own end follows at once, and shares the write.
    if (!done) call->release();
    if (stopped != OMNI_OK) return stopped;
    return done ? OMNI_OK : call->failed(std::move(done.error()));
  });
}

omni_status_t hostGetValue(omni_call_t* call, omni_str_t key, const omni_writer_t* out) noexcept {
  if (!out || !out->write) return OMNI_INVALID;
  return guarded(call, "get_value", [&]() -> omni_status_t {
    auto value = call->record.value(toView(key));
    if (!value) return call->failed(std::move(value.error()));
    if (!*value) return OMNI_UNSUPPORTED;
    out->write(out->context, toStr(**value));
    return OMNI_OK;
  });
}

omni_status_t hostCommit(omni_call_t* call, const omni_change_t* changes, size_t count) noexcept {
  if (count > 0 && !changes) return OMNI_INVALID;
  return guarded(call, "commit", [&]() -> omni_status_t {
    std::vector<ValueChange> out;
    out.reserve(count);
    for (size_t i = 0; i < count; ++i) {
      const omni_change_t& change = changes[i];
      if (toView(change.key).empty() || change.kind > OMNI_VALUE_SECRET) {
        call->host.misbehaved("commit was given a change without key or of unknown kind");
        return OMNI_INVALID;
      }
      ValueChange& added = out.emplace_back();
      added.key = std::string(toView(change.key));
      if (change.value.data) added.value = std::string(toView(change.value));
      added.secret = change.kind == OMNI_VALUE_SECRET;
    }
    if (out.empty()) return OMNI_OK;
    call->release();
    auto done = call->record.commit(out);
    return done ? OMNI_OK : call->failed(std::move(done.error()));
  });
}

// NUL occurs in no id, so no lock name reaches into another account.
std::string lockKey(const omni_call_t* call, omni_str_t name) {
  std::string key = call->host.plugin + "/" + call->record.id();
  key += '\0';
  key += toView(name);
  return key;
}

omni_status_t hostLock(omni_call_t* call, omni_str_t name) noexcept {
  return guarded(call, "lock", [&]() -> omni_status_t {
    const std::string key = lockKey(call, name);
    if (call->locks.contains(key)) {
      call->host.misbehaved("a call locked the same name twice");
      return OMNI_INVALID;
    }
    call->release();
    if (auto got = call->host.locks.acquire(key, call->token); !got)
      return call->failed(std::move(got.error()));
    call->locks.insert(key);
    return OMNI_OK;
  });
}

void hostUnlock(omni_call_t* call, omni_str_t name) noexcept {
  guarded(call, "unlock", [&]() -> omni_status_t {
    const std::string key = lockKey(call, name);
    if (call->locks.erase(key) == 0) {
      call->host.misbehaved("a call unlocked what it did not hold");
      return OMNI_INVALID;
    }
    call->host.locks.release(key);
    return OMNI_OK;
  });
}

}  // namespace

omni_host_t makeHostTable(HostContext& context) {
  omni_host_t table{};
  table.struct_size = sizeof(table);
  table.abi_major = OMNI_ABI_MAJOR;
  table.abi_minor = OMNI_ABI_MINOR;
  table.context = &context;
  table.log = &hostLog;
  table.now_ms = &hostNow;
  table.random_bytes = &hostRandom;
  table.setting = &hostSetting;
  table.get_extension = &hostExtension;
  table.set_error = &hostSetError;
  table.is_cancelled = &hostIsCancelled;
  table.http = &hostHttp;
  table.get_value = &hostGetValue;
  table.commit = &hostCommit;
  table.lock = &hostLock;
  table.unlock = &hostUnlock;
  return table;
}

}  // namespace omni::plugins
