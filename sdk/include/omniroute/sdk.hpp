#pragma once
// The header-only C++ face of the plugin ABI: derive from omni::sdk::Provider, end one source file
// with OMNI_PLUGIN(...).
//
// Thread-safety: complete() and control() are called concurrently from any thread; a Call belongs
// to one call on one thread. Errors: return Failure values; an exception that escapes a plugin
// becomes OMNI_INTERNAL and is logged, never crosses.

#include <omniroute/abi.h>

#include <cmath>
#include <cstddef>
#include <cstring>
#include <exception>
#include <expected>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace omni::sdk {

inline omni_str_t toStr(std::string_view text) {
  return {text.data(), text.size()};
}
inline std::string_view toView(omni_str_t text) {
  return text.data ? std::string_view(text.data, text.size) : std::string_view();
}

// What a failed call reports. `kind` is one of OMNI_FAILURE_*; `cancelled` wins over everything
// else.
struct Failure {
  uint32_t kind = OMNI_FAILURE_INTERNAL;
  std::string message;  // for the client, no secret
  std::string detail;   // for the log, no secret
  std::string reason;   // upstream's own code
  std::string field;
  uint32_t upstream_status = 0;
  int64_t retry_after_ms = -1;
  int64_t reset_at_ms = -1;
  uint32_t scope = OMNI_SCOPE_DEFAULT;
  bool cancelled = false;
  bool reported = false;  // the host has the details already (its own HTTP failure)

  static Failure cancelledCall() {
    Failure f;
    f.cancelled = true;
    return f;
  }
};

template <typename T = void>
using Result = std::expected<T, Failure>;

inline std::unexpected<Failure> fail(uint32_t kind, std::string message) {
  Failure f;
  f.kind = kind;
  f.message = std::move(message);
  return std::unexpected(std::move(f));
}

// The host's account-independent services. Cheap to copy; valid until the plugin is destroyed.
// Thread-safe.
class Host {
 public:
  explicit Host(const omni_host_t* host) : host_(host) {}
  void log(uint32_t level, std::string_view message) const {
    host_->log(host_->context, level, toStr(message));
  }
  int64_t nowMs() const { return host_->now_ms(host_->context); }
  void randomBytes(void* out, size_t size) const { host_->random_bytes(host_->context, out, size); }
  std::optional<std::string> setting(std::string_view key) const {
    std::string value;
    omni_writer_t writer = stringWriter(value);
    if (host_->setting(host_->context, toStr(key), &writer) != OMNI_OK) return std::nullopt;
    return value;
  }
  const void* extension(std::string_view name) const {
    return host_->get_extension(host_->context, toStr(name));
  }
  const omni_host_t* raw() const { return host_; }

  static omni_writer_t stringWriter(std::string& out) {
    return {&out, [](void* context, omni_str_t bytes) {
              static_cast<std::string*>(context)->append(bytes.data ? bytes.data : "", bytes.size);
            }};
  }

 private:
  const omni_host_t* host_;
};

struct Header {
  std::string name;
  std::string value;
};

struct HttpRequest {
  std::string method = "POST";
  std::string url;
  std::vector<Header> headers;
  std::string_view body;  // borrowed until on_response is called or http() returns
  bool idempotent = false;
  bool finish = false;  // uses something up: OMNI_HTTP_FINISH
  int64_t first_byte_timeout_ms = 0;
  int64_t idle_timeout_ms = 0;
};

struct HttpResponse {
  uint32_t status = 0;
  std::vector<Header> headers;
  std::string body;  // only filled by Call::fetch
  // Case-insensitive; empty when absent.
  std::string_view header(std::string_view name) const {
    for (const Header& h : headers) {
      if (h.name.size() != name.size()) continue;
      bool same = true;
      for (size_t i = 0; i < name.size() && same; ++i)
        same = (h.name[i] | 0x20) == (name[i] | 0x20);
      if (same) return h.value;
    }
    return {};
  }
};

struct Change {
  std::string key;
  std::optional<std::string> value;  // nullopt removes
  bool secret = false;
};

// One call, bound to one account. Not thread-safe, not to be kept after the call.
class Call {
 public:
  Call(const omni_host_t* host, omni_call_t* call) : host_(host), call_(call) {}

  Host host() const { return Host(host_); }
  bool cancelled() const { return host_->is_cancelled(call_) != 0; }

  std::optional<std::string> value(std::string_view key) const {
    std::string out;
    omni_writer_t writer = Host::stringWriter(out);
    if (host_->get_value(call_, toStr(key), &writer) != OMNI_OK) return std::nullopt;
    return out;
  }

  // Durable and atomic: all or nothing.
  Result<> commit(const std::vector<Change>& changes) const {
    std::vector<omni_change_t> raw;
    raw.reserve(changes.size());
    for (const Change& c : changes)
      raw.push_back(
          {toStr(c.key),
           c.value ? omni_str_t{c.value->data(), c.value->size()} : omni_str_t{nullptr, 0},
           c.secret ? OMNI_VALUE_SECRET : OMNI_VALUE_PLAIN, 0});
    return status(host_->commit(call_, raw.data(), raw.size()),
                  "the account record could not be saved");
  }

  // Streams the body to on_body as it arrives; on_response may stop the transfer by returning
  // false.
  Result<> http(const HttpRequest& request,
                const std::function<Result<>(const HttpResponse&)>& on_response,
                const std::function<Result<>(std::string_view)>& on_body) const {
    struct Context {
      const std::function<Result<>(const HttpResponse&)>* on_response;
      const std::function<Result<>(std::string_view)>* on_body;
      std::optional<Failure> failure;
    } context{&on_response, &on_body, std::nullopt};
    std::vector<omni_header_t> headers;
    headers.reserve(request.headers.size());
    for (const Header& h : request.headers) headers.push_back({toStr(h.name), toStr(h.value)});
    omni_http_request_t raw{};
    raw.struct_size = sizeof(raw);
    raw.flags =
        (request.idempotent ? OMNI_HTTP_IDEMPOTENT : 0u) | (request.finish ? OMNI_HTTP_FINISH : 0u);
    raw.method = toStr(request.method);
    raw.url = toStr(request.url);
    raw.headers = headers.data();
    raw.header_count = headers.size();
    raw.body = toStr(request.body);
    raw.first_byte_timeout_ms = request.first_byte_timeout_ms;
    raw.idle_timeout_ms = request.idle_timeout_ms;
    omni_http_sink_t sink{};
    sink.struct_size = sizeof(sink);
    sink.context = &context;
    sink.on_response = [](void* ctx, uint32_t status_code, const omni_header_t* list,
                          size_t count) noexcept {
      auto* c = static_cast<Context*>(ctx);
      return guarded(*c, [&] {
        HttpResponse response;
        response.status = status_code;
        response.headers.reserve(count);
        for (size_t i = 0; i < count; ++i)
          response.headers.push_back(
              {std::string(toView(list[i].name)), std::string(toView(list[i].value))});
        return (*c->on_response)(response);
      });
    };
    sink.on_body = [](void* ctx, omni_str_t bytes) noexcept {
      auto* c = static_cast<Context*>(ctx);
      return guarded(*c, [&] { return (*c->on_body)(toView(bytes)); });
    };
    omni_status_t code = host_->http(call_, &raw, &sink);
    if (context.failure) return std::unexpected(std::move(*context.failure));
    return status(code, "the upstream could not be reached");
  }

  // The whole answer, at most max_body bytes.
  Result<HttpResponse> fetch(const HttpRequest& request, size_t max_body = 4u << 20) const {
    HttpResponse response;
    auto done = http(
        request,
        [&](const HttpResponse& head) -> Result<> {
          response = head;
          return {};
        },
        [&](std::string_view bytes) -> Result<> {
          if (response.body.size() + bytes.size() > max_body)
            return fail(OMNI_FAILURE_PROTOCOL, "the upstream's answer is too large");
          response.body.append(bytes);
          return {};
        });
    if (!done) return std::unexpected(std::move(done.error()));
    return response;
  }

  // Holds the account's single-flight lock `name` until destroyed.
  class Lock {
   public:
    Lock(const omni_host_t* host, omni_call_t* call, std::string name)
        : host_(host), call_(call), name_(std::move(name)) {}
    Lock(Lock&& other) noexcept
        : host_(other.host_),
          call_(std::exchange(other.call_, nullptr)),
          name_(std::move(other.name_)) {}
    Lock& operator=(Lock&&) = delete;
    ~Lock() {
      if (call_) host_->unlock(call_, toStr(name_));
    }

   private:
    const omni_host_t* host_;
    omni_call_t* call_;
    std::string name_;
  };
  Result<Lock> lock(std::string name) const {
    auto got = status(host_->lock(call_, toStr(name)), "the account is busy");
    if (!got) return std::unexpected(std::move(got.error()));
    return Lock(host_, call_, std::move(name));
  }

  void report(const Failure& failure) const {
    omni_error_t error{};
    error.struct_size = sizeof(error);
    error.kind = failure.kind;
    error.upstream_status = failure.upstream_status;
    error.scope = failure.scope;
    error.retry_after_ms = failure.retry_after_ms;
    error.reset_at_ms = failure.reset_at_ms;
    error.message = toStr(failure.message);
    error.detail = toStr(failure.detail);
    error.reason = toStr(failure.reason);
    error.field = toStr(failure.field);
    host_->set_error(call_, &error);
  }

 private:
  template <typename C, typename F>
  static omni_status_t guarded(C& context, F&& body) noexcept {
    try {
      Result<> result = body();
      if (result) return OMNI_OK;
      context.failure = std::move(result.error());
      return OMNI_CANCELLED;
    } catch (...) {
      return OMNI_INTERNAL;
    }
  }
  static Result<> status(omni_status_t code, const char* what) {
    if (code == OMNI_OK) return {};
    Failure f;
    f.message = what;
    f.cancelled = code == OMNI_CANCELLED;
    f.reported = code == OMNI_FAILED;
    return std::unexpected(std::move(f));
  }

  const omni_host_t* host_;
  omni_call_t* call_;
};

// Where a provider sends its events. Each method returns false when the client is gone: return
// Failure::cancelledCall().
class EventSink {
 public:
  explicit EventSink(const omni_sink_t* sink) : sink_(sink) {}
  bool started() { return send(OMNI_EVENT_STARTED); }
  bool text(std::string_view delta) { return send(OMNI_EVENT_TEXT, delta); }
  bool reasoning(std::string_view delta) { return send(OMNI_EVENT_REASONING, delta); }
  bool reasoningSignature(std::string_view value) {
    return send(OMNI_EVENT_REASONING_SIGNATURE, value);
  }
  bool redactedReasoning(std::string_view base64) {
    return send(OMNI_EVENT_REDACTED_REASONING, base64);
  }
  bool toolStart(std::string_view id, std::string_view name) {
    return send(OMNI_EVENT_TOOL_START, {}, id, name);
  }
  bool toolArguments(std::string_view id, std::string_view fragment) {
    return send(OMNI_EVENT_TOOL_ARGUMENTS, fragment, id);
  }
  bool toolEnd(std::string_view id) { return send(OMNI_EVENT_TOOL_END, {}, id); }
  bool usage(const omni_usage_t& usage) {
    omni_event_t event = make(OMNI_EVENT_USAGE);
    event.usage = &usage;
    return emit(event);
  }
  // `stop_sequence`: the one of the request's stop sequences that ended the answer, if one did.
  bool finish(uint32_t reason, std::string_view stop_sequence = {}) {
    omni_event_t event = make(OMNI_EVENT_FINISH);
    event.finish = reason;
    event.text = toStr(stop_sequence);
    return emit(event);
  }
  // The request is read no more: the host may free it while the answer runs. Its pointers are
  // invalid afterwards.
  void requestDone() {
    constexpr size_t known = offsetof(omni_sink_t, request_done) + sizeof(sink_->request_done);
    if (sink_->struct_size >= known && sink_->request_done) sink_->request_done(sink_->context);
  }

 private:
  static omni_event_t make(uint32_t kind) {
    omni_event_t event{};
    event.struct_size = sizeof(event);
    event.kind = kind;
    return event;
  }
  bool send(uint32_t kind, std::string_view text = {}, std::string_view id = {},
            std::string_view name = {}) {
    omni_event_t event = make(kind);
    event.text = toStr(text);
    event.id = toStr(id);
    event.name = toStr(name);
    return emit(event);
  }
  bool emit(const omni_event_t& event) {
    return sink_->on_event(sink_->context, &event) == OMNI_OK;
  }
  const omni_sink_t* sink_;
};

// Reads host-built arrays with the host's stride, so that a newer host with longer structs stays
// readable.
template <typename T>
const T& at(const T* array, size_t index, uint32_t stride) {
  return *reinterpret_cast<const T*>(reinterpret_cast<const char*>(array) + index * stride);
}

// Derive from it. The constructor receives the host; it may throw (the plugin is then refused with
// the reason).
class Provider {
 public:
  virtual ~Provider() = default;
  // [any] Streams the answer; success only after sink.finish().
  virtual Result<> complete(Call& call, const omni_request_t& request, EventSink& sink) = 0;
  // [any] JSON object in, JSON object out; nullopt-like "unsupported" is OMNI_UNSUPPORTED via
  // Failure-free std::nullopt.
  virtual Result<std::optional<std::string>> control(Call& call, std::string_view method,
                                                     std::string_view input) {
    (void)call, (void)method, (void)input;
    return std::nullopt;
  }
  virtual const void* extension(std::string_view name) {
    (void)name;
    return nullptr;
  }
};

namespace detail {

struct Instance {
  Host host;
  std::unique_ptr<Provider> provider;
};

inline omni_status_t finishCall(Call& call, const Failure& failure) {
  if (failure.cancelled) return OMNI_CANCELLED;
  if (!failure.reported) call.report(failure);
  return OMNI_FAILED;
}

template <typename F>
omni_status_t guard(const Host& host, F&& body) noexcept {
  try {
    return body();
  } catch (const std::exception& error) {
    host.log(OMNI_LOG_ERROR, std::string("exception in plugin: ") + error.what());
  } catch (...) {
    host.log(OMNI_LOG_ERROR, "unknown exception in plugin");
  }
  return OMNI_INTERNAL;
}

template <typename P>
omni_status_t init(const omni_host_t* host, omni_plugin_t** plugin) noexcept {
  if (!host || !plugin || host->struct_size < sizeof(omni_host_t)) return OMNI_INVALID;
  return guard(Host(host), [&] {
    auto instance =
        std::make_unique<Instance>(Instance{Host(host), std::make_unique<P>(Host(host))});
    *plugin = reinterpret_cast<omni_plugin_t*>(instance.release());
    return OMNI_OK;
  });
}
inline void deinit(omni_plugin_t* plugin) noexcept {
  delete reinterpret_cast<Instance*>(plugin);
}

inline omni_status_t complete(omni_plugin_t* plugin, omni_call_t* call,
                              const omni_request_t* request, const omni_sink_t* sink) noexcept {
  if (!plugin || !call || !request || !sink || !sink->on_event ||
      request->struct_size < sizeof(omni_request_t))
    return OMNI_INVALID;
  auto* self = reinterpret_cast<Instance*>(plugin);
  return guard(self->host, [&]() -> omni_status_t {
    Call c(self->host.raw(), call);
    EventSink s(sink);
    auto result = self->provider->complete(c, *request, s);
    return result ? OMNI_OK : finishCall(c, result.error());
  });
}

inline omni_status_t control(omni_plugin_t* plugin, omni_call_t* call, omni_str_t method,
                             omni_str_t input, const omni_writer_t* output) noexcept {
  if (!plugin || !call || !output || !output->write) return OMNI_INVALID;
  auto* self = reinterpret_cast<Instance*>(plugin);
  return guard(self->host, [&]() -> omni_status_t {
    Call c(self->host.raw(), call);
    auto result = self->provider->control(c, toView(method), toView(input));
    if (!result) return finishCall(c, result.error());
    if (!*result) return OMNI_UNSUPPORTED;
    output->write(output->context, toStr(**result));
    return OMNI_OK;
  });
}

inline const void* extension(omni_plugin_t* plugin, omni_str_t name) noexcept {
  if (!plugin) return nullptr;
  try {
    return reinterpret_cast<Instance*>(plugin)->provider->extension(toView(name));
  } catch (...) {
    return nullptr;
  }
}

template <typename P>
constexpr omni_plugin_entry_t makeEntry(const char* id, const char* version) {
  return {sizeof(omni_plugin_entry_t),
          OMNI_ABI_MAJOR,
          OMNI_ABI_MINOR,
          0,
          id,
          version,
          &init<P>,
          &deinit,
          &complete,
          &control,
          &extension};
}

}  // namespace detail
}  // namespace omni::sdk

// Exports the entry under the one symbol the host looks for. With OMNI_STATIC_TWIN defined as a
// name, the entry gets that name instead, so that several plugins can be linked into one test
// program.
#if defined(OMNI_STATIC_TWIN)
#define OMNI_ENTRY_NAME OMNI_STATIC_TWIN
#else
#define OMNI_ENTRY_NAME omni_plugin_entry_v1
#endif
#define OMNI_PLUGIN(ProviderClass, id, version)                     \
  extern "C" OMNI_EXPORT const omni_plugin_entry_t OMNI_ENTRY_NAME; \
  const omni_plugin_entry_t OMNI_ENTRY_NAME =                       \
      ::omni::sdk::detail::makeEntry<ProviderClass>(id, version);
