#pragma once
// A host for a plugin's unit tests: scripted HTTP, values in memory, a clock that only moves when
// told, seeded randomness.
//
// Usage:   FakeHost host;
//          host.answerHttp({.status = 200, .pieces = {"{\"ok\":", "true}"}});
//          PluginUnderTest plugin(omni_plugin_entry_myplugin, host);   // the entry of the static
//          twin FakeCall call(host);                                       // one call of the
//          account "account" RequestBuilder request;  request.user("hello"); RecordingSink sink;
//          EXPECT_EQ(plugin.complete(call, request.build(), sink), OMNI_OK);
//
// Thread-safety: FakeHost, FakeCall::cancel() and PluginUnderTest may be used from any thread;
// accessors return copies. Ownership: a FakeCall and a PluginUnderTest must not outlive their host.
// Units: milliseconds. Errors: a request without a scripted answer fails as OMNI_FAILURE_NETWORK
// and is named in unexpectedRequests().

#include <omniroute/sdk.hpp>
#include <omniroute/testing/recording_sink.hpp>
#include <omniroute/testing/request_builder.hpp>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace omni::sdk::testing {

struct ScriptedAnswer {
  uint32_t status = 200;
  std::vector<Header> headers = {};
  std::vector<std::string> pieces = {};  // each reaches on_body by itself
  // Set: the transfer breaks off with this OMNI_FAILURE_* after the pieces, or instead of any
  // answer when `no_response`.
  std::optional<uint32_t> break_with = std::nullopt;
  bool no_response = false;
  // Runs before piece i is handed over: to move the clock or cancel the call in the middle of a
  // body.
  std::function<void(size_t piece)> before_piece = nullptr;
};

struct RecordedRequest {
  std::string account;
  std::string method;
  std::string url;
  std::vector<Header> headers;
  std::string body;
  bool idempotent = false;
  bool finish = false;  // OMNI_HTTP_FINISH: a cancellation no longer stops it, here as in the host
  int64_t first_byte_timeout_ms = 0;
  int64_t idle_timeout_ms = 0;

  // Case-insensitive; empty when absent.
  std::string header(std::string_view name) const {
    HttpResponse lookup;
    lookup.headers = headers;
    return std::string(lookup.header(name));
  }
};

struct CapturedError {
  uint32_t kind = 0;
  uint32_t upstream_status = 0;
  int64_t retry_after_ms = -1;
  int64_t reset_at_ms = -1;
  std::string message;
  std::string detail;
  std::string reason;
  std::string field;
  uint32_t scope = OMNI_SCOPE_DEFAULT;
};

struct StoredValue {
  std::string text;
  bool secret = false;
  bool operator==(const StoredValue&) const = default;
};

// One commit() as the host got it; removed keys have no value.
struct Commit {
  std::string account;
  std::vector<Change> changes;
};

struct LogLine {
  uint32_t level = 0;
  std::string message;
};

class FakeCall;

class FakeHost {
 public:
  using HttpHandler = std::function<ScriptedAnswer(const RecordedRequest&)>;
  using Values = std::map<std::string, StoredValue, std::less<>>;

  inline explicit FakeHost(uint64_t seed = 1);
  FakeHost(const FakeHost&) = delete;
  FakeHost& operator=(const FakeHost&) = delete;

  const omni_host_t* raw() const { return &raw_; }
  // To pretend to be an older or broken host.
  omni_host_t& rawForChange() { return raw_; }

  // ---- HTTP. Queued answers are used in order, one a request; the handler answers what finds the
  // queue empty.
  void answerHttp(ScriptedAnswer answer) {
    std::lock_guard guard(mutex_);
    answers_.push_back(std::move(answer));
  }
  void handleHttp(HttpHandler handler) {
    std::lock_guard guard(mutex_);
    handler_ = std::move(handler);
  }
  std::vector<RecordedRequest> requests() const { return copy(requests_); }
  std::vector<std::string> unexpectedRequests() const { return copy(unexpected_); }

  // ---- the accounts' records
  void setValue(std::string_view key, std::string_view text, bool secret = false,
                std::string_view account = "account") {
    std::lock_guard guard(mutex_);
    accounts_[std::string(account)][std::string(key)] = {std::string(text), secret};
  }
  std::optional<StoredValue> value(std::string_view key,
                                   std::string_view account = "account") const {
    std::lock_guard guard(mutex_);
    const auto record = accounts_.find(account);
    if (record == accounts_.end()) return std::nullopt;
    const auto found = record->second.find(key);
    if (found == record->second.end()) return std::nullopt;
    return found->second;
  }
  std::vector<Commit> commits() const { return copy(commits_); }
  // The next commits fail with this status and change nothing; OMNI_OK ends that.
  void failCommits(omni_status_t status) {
    std::lock_guard guard(mutex_);
    commit_status_ = status;
  }

  // ---- clock, settings, extensions, log
  void setNowMs(int64_t ms) { now_ms_ = ms; }
  void advanceMs(int64_t ms) { now_ms_ += ms; }
  int64_t nowMs() const { return now_ms_; }
  void setSetting(std::string_view key, std::string_view text) {
    std::lock_guard guard(mutex_);
    settings_[std::string(key)] = text;
  }
  void setExtension(std::string_view name, const void* table) {
    std::lock_guard guard(mutex_);
    extensions_[std::string(name)] = table;
  }
  std::vector<LogLine> logs() const { return copy(logs_); }
  // Whether any log line holds `text`: to assert that no secret was logged.
  bool logged(std::string_view text) const {
    std::lock_guard guard(mutex_);
    for (const LogLine& line : logs_)
      if (line.message.find(text) != std::string::npos) return true;
    return false;
  }
  // Uses of a call from a thread other than the call's own.
  uint32_t wrongThreadUses() const { return wrong_thread_; }

 private:
  friend class FakeCall;

  static FakeHost& self(void* context) { return *static_cast<FakeHost*>(context); }
  inline static FakeCall& entered(omni_call_t* call);

  template <typename T>
  T copy(const T& member) const {
    std::lock_guard guard(mutex_);
    return member;
  }
  ScriptedAnswer nextAnswer(const RecordedRequest& request) {
    HttpHandler handler;
    {
      std::lock_guard guard(mutex_);
      requests_.push_back(request);
      if (!answers_.empty()) {
        ScriptedAnswer answer = std::move(answers_.front());
        answers_.pop_front();
        return answer;
      }
      handler = handler_;
      if (!handler) unexpected_.push_back(request.method + " " + request.url);
    }
    if (handler) return handler(request);
    ScriptedAnswer none;
    none.no_response = true;
    none.break_with = OMNI_FAILURE_NETWORK;
    return none;
  }
  static void write(const omni_writer_t* out, std::string_view text) {
    out->write(out->context, toStr(text));
  }

  inline static omni_status_t http(omni_call_t* call, const omni_http_request_t* request,
                                   const omni_http_sink_t* sink) noexcept;
  inline static omni_status_t getValue(omni_call_t* call, omni_str_t key,
                                       const omni_writer_t* out) noexcept;
  inline static omni_status_t commitChanges(omni_call_t* call, const omni_change_t* changes,
                                            size_t count) noexcept;
  inline static omni_status_t lock(omni_call_t* call, omni_str_t name) noexcept;
  inline static void unlock(omni_call_t* call, omni_str_t name) noexcept;

  omni_host_t raw_{};
  mutable std::mutex mutex_;
  std::condition_variable lock_freed_;
  std::set<std::pair<std::string, std::string>> held_locks_;  // account, name
  std::deque<ScriptedAnswer> answers_;
  HttpHandler handler_;
  std::vector<RecordedRequest> requests_;
  std::vector<std::string> unexpected_;
  std::map<std::string, Values, std::less<>> accounts_;
  std::vector<Commit> commits_;
  omni_status_t commit_status_ = OMNI_OK;
  std::map<std::string, std::string, std::less<>> settings_;
  std::map<std::string, const void*, std::less<>> extensions_;
  std::vector<LogLine> logs_;
  std::mt19937_64 random_;
  std::atomic<int64_t> now_ms_ = 1'700'000'000'000;
  std::atomic<uint32_t> wrong_thread_ = 0;
};

// One call of one account. Ending it frees the locks it still holds, as the host does.
class FakeCall {
 public:
  explicit FakeCall(FakeHost& host, std::string account = "account")
      : host_(host), account_(std::move(account)) {}
  FakeCall(const FakeCall&) = delete;
  FakeCall& operator=(const FakeCall&) = delete;
  ~FakeCall() { end(); }

  omni_call_t* raw() { return reinterpret_cast<omni_call_t*>(this); }
  const std::string& account() const { return account_; }

  void cancel() {
    {
      std::lock_guard guard(host_.mutex_);
      cancelled_ = true;
    }
    host_.lock_freed_.notify_all();
  }
  // The last error the plugin reported.
  std::optional<CapturedError> error() const {
    std::lock_guard guard(host_.mutex_);
    return error_;
  }
  // How often the plugin asked whether the call is cancelled.
  uint32_t cancelQueries() const { return cancel_queries_; }

  // From now on only the calling thread may use the call; uses by others are counted by the host.
  void bindToThisThread() { thread_ = std::this_thread::get_id(); }
  void end() {
    {
      std::lock_guard guard(host_.mutex_);
      for (const std::string& name : held_) host_.held_locks_.erase({account_, name});
      held_.clear();
      thread_ = std::thread::id();
    }
    host_.lock_freed_.notify_all();
  }

 private:
  friend class FakeHost;

  FakeHost& host_;
  std::string account_;
  std::atomic<bool> cancelled_ = false;
  std::atomic<uint32_t> cancel_queries_ = 0;
  std::atomic<std::thread::id> thread_{};
  std::optional<CapturedError> error_;
  std::set<std::string> held_;
};

// Calls a plugin's entry the way the host does: init, calls, deinit.
class PluginUnderTest {
 public:
  PluginUnderTest(const omni_plugin_entry_t& entry, const FakeHost& host) : entry_(entry) {
    init_status_ = entry.init(host.raw(), &plugin_);
  }
  PluginUnderTest(const PluginUnderTest&) = delete;
  PluginUnderTest& operator=(const PluginUnderTest&) = delete;
  ~PluginUnderTest() {
    if (plugin_) entry_.deinit(plugin_);
  }

  omni_status_t initStatus() const { return init_status_; }
  omni_plugin_t* raw() const { return plugin_; }

  omni_status_t complete(FakeCall& call, const omni_request_t& request,
                         const RecordingSink& sink) const {
    call.bindToThisThread();
    const omni_status_t status = entry_.complete(plugin_, call.raw(), &request, sink.raw());
    call.end();
    return status;
  }
  // The answer is appended to `output`, also when the method fails.
  omni_status_t control(FakeCall& call, std::string_view method, std::string_view input,
                        std::string* output = nullptr) const {
    std::string ignored;
    const omni_writer_t writer = Host::stringWriter(output ? *output : ignored);
    call.bindToThisThread();
    const omni_status_t status =
        entry_.control(plugin_, call.raw(), toStr(method), toStr(input), &writer);
    call.end();
    return status;
  }
  const void* extension(std::string_view name) const {
    return entry_.get_extension(plugin_, toStr(name));
  }

 private:
  const omni_plugin_entry_t& entry_;
  omni_plugin_t* plugin_ = nullptr;
  omni_status_t init_status_ = OMNI_INTERNAL;
};

// ---- implementation
// -----------------------------------------------------------------------------------------------------

inline FakeCall& FakeHost::entered(omni_call_t* raw) {
  FakeCall& call = *reinterpret_cast<FakeCall*>(raw);
  const std::thread::id bound = call.thread_;
  if (bound != std::thread::id() && bound != std::this_thread::get_id()) ++call.host_.wrong_thread_;
  return call;
}

inline FakeHost::FakeHost(uint64_t seed) : random_(seed) {
  raw_.struct_size = sizeof(raw_);
  raw_.abi_major = OMNI_ABI_MAJOR;
  raw_.abi_minor = OMNI_ABI_MINOR;
  raw_.context = this;
  raw_.log = [](void* context, uint32_t level, omni_str_t message) {
    FakeHost& host = self(context);
    std::lock_guard guard(host.mutex_);
    host.logs_.push_back({level, std::string(toView(message))});
  };
  raw_.now_ms = [](void* context) -> int64_t { return self(context).now_ms_; };
  raw_.random_bytes = [](void* context, void* out, size_t size) {
    FakeHost& host = self(context);
    std::lock_guard guard(host.mutex_);
    for (size_t i = 0; i < size; ++i)
      static_cast<unsigned char*>(out)[i] = static_cast<unsigned char>(host.random_());
  };
  raw_.setting = [](void* context, omni_str_t key, const omni_writer_t* out) -> omni_status_t {
    FakeHost& host = self(context);
    std::optional<std::string> text;
    {
      std::lock_guard guard(host.mutex_);
      if (auto found = host.settings_.find(toView(key)); found != host.settings_.end())
        text = found->second;
    }
    if (!text) return OMNI_UNSUPPORTED;
    write(out, *text);
    return OMNI_OK;
  };
  raw_.get_extension = [](void* context, omni_str_t name) -> const void* {
    FakeHost& host = self(context);
    std::lock_guard guard(host.mutex_);
    auto found = host.extensions_.find(toView(name));
    return found == host.extensions_.end() ? nullptr : found->second;
  };
  raw_.set_error = [](omni_call_t* raw_call, const omni_error_t* error) {
    FakeCall& call = entered(raw_call);
    std::lock_guard guard(call.host_.mutex_);
    call.error_ = CapturedError{error->kind,
                                error->upstream_status,
                                error->retry_after_ms,
                                error->reset_at_ms,
                                std::string(toView(error->message)),
                                std::string(toView(error->detail)),
                                std::string(toView(error->reason)),
                                std::string(toView(error->field)),
                                error->scope};
  };
  raw_.is_cancelled = [](omni_call_t* raw_call) -> uint32_t {
    FakeCall& call = entered(raw_call);
    ++call.cancel_queries_;
    return call.cancelled_ ? 1 : 0;
  };
  raw_.http = &http;
  raw_.get_value = &getValue;
  raw_.commit = &commitChanges;
  raw_.lock = &lock;
  raw_.unlock = &unlock;
}

inline omni_status_t FakeHost::http(omni_call_t* raw_call, const omni_http_request_t* request,
                                    const omni_http_sink_t* sink) noexcept {
  FakeCall& call = entered(raw_call);
  if (call.cancelled_) return OMNI_CANCELLED;
  RecordedRequest recorded;
  recorded.account = call.account_;
  recorded.method = toView(request->method);
  recorded.url = toView(request->url);
  for (size_t i = 0; i < request->header_count; ++i)
    recorded.headers.push_back({std::string(toView(request->headers[i].name)),
                                std::string(toView(request->headers[i].value))});
  recorded.body = toView(request->body);
  recorded.idempotent = request->flags & OMNI_HTTP_IDEMPOTENT;
  recorded.finish = request->flags & OMNI_HTTP_FINISH;
  recorded.first_byte_timeout_ms = request->first_byte_timeout_ms;
  recorded.idle_timeout_ms = request->idle_timeout_ms;
  const ScriptedAnswer answer = call.host_.nextAnswer(recorded);
  auto broken = [&] {
    omni_error_t error{};
    error.struct_size = sizeof(error);
    error.kind = *answer.break_with;
    error.retry_after_ms = -1;
    error.reset_at_ms = -1;
    error.message = toStr("the scripted transfer broke off");
    call.host_.raw_.set_error(raw_call, &error);
    return OMNI_FAILED;
  };
  if (answer.no_response) return answer.break_with ? broken() : OMNI_CANCELLED;
  std::vector<omni_header_t> headers;
  headers.reserve(answer.headers.size());
  for (const Header& h : answer.headers) headers.push_back({toStr(h.name), toStr(h.value)});
  omni_status_t status =
      sink->on_response(sink->context, answer.status, headers.data(), headers.size());
  for (size_t i = 0; i < answer.pieces.size() && status == OMNI_OK; ++i) {
    if (answer.before_piece) answer.before_piece(i);
    status = call.cancelled_ && !recorded.finish
                 ? OMNI_CANCELLED
                 : sink->on_body(sink->context, toStr(answer.pieces[i]));
  }
  if (status == OMNI_OK && answer.break_with) return broken();
  return status;
}

inline omni_status_t FakeHost::getValue(omni_call_t* raw_call, omni_str_t key,
                                        const omni_writer_t* out) noexcept {
  FakeCall& call = entered(raw_call);
  const auto stored = call.host_.value(toView(key), call.account_);
  if (!stored) return OMNI_UNSUPPORTED;
  write(out, stored->text);
  return OMNI_OK;
}

inline omni_status_t FakeHost::commitChanges(omni_call_t* raw_call, const omni_change_t* changes,
                                             size_t count) noexcept {
  FakeCall& call = entered(raw_call);
  FakeHost& host = call.host_;
  std::lock_guard guard(host.mutex_);
  if (host.commit_status_ != OMNI_OK) return host.commit_status_;
  Commit commit{call.account_, {}};
  Values& values = host.accounts_[call.account_];
  for (size_t i = 0; i < count; ++i) {
    std::string key(toView(changes[i].key));
    const bool secret = changes[i].kind == OMNI_VALUE_SECRET;
    if (changes[i].value.data) {
      std::string text(toView(changes[i].value));
      values[key] = {text, secret};
      commit.changes.push_back({std::move(key), std::move(text), secret});
    } else {
      values.erase(key);
      commit.changes.push_back({std::move(key), std::nullopt, secret});
    }
  }
  host.commits_.push_back(std::move(commit));
  return OMNI_OK;
}

inline omni_status_t FakeHost::lock(omni_call_t* raw_call, omni_str_t name) noexcept {
  FakeCall& call = entered(raw_call);
  FakeHost& host = call.host_;
  const std::pair<std::string, std::string> key(call.account_, toView(name));
  std::unique_lock guard(host.mutex_);
  host.lock_freed_.wait(guard, [&] { return call.cancelled_ || !host.held_locks_.contains(key); });
  if (call.cancelled_) return OMNI_CANCELLED;
  host.held_locks_.insert(key);
  call.held_.insert(key.second);
  return OMNI_OK;
}

inline void FakeHost::unlock(omni_call_t* raw_call, omni_str_t name) noexcept {
  FakeCall& call = entered(raw_call);
  FakeHost& host = call.host_;
  {
    std::lock_guard guard(host.mutex_);
    const std::string text(toView(name));
    if (call.held_.erase(text) == 0) return;
    host.held_locks_.erase({call.account_, text});
  }
  host.lock_freed_.notify_all();
}

}  // namespace omni::sdk::testing
