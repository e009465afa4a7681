#include "service/plugins/plugin_provider.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "service/plugins/account_draft.hpp"
#include "service/plugins/host_table.hpp"
#include "service/plugins/request_view.hpp"

namespace omni::plugins {

namespace {

static_assert(static_cast<uint32_t>(chat::EventKind::Started) == OMNI_EVENT_STARTED);
static_assert(static_cast<uint32_t>(chat::EventKind::Text) == OMNI_EVENT_TEXT);
static_assert(static_cast<uint32_t>(chat::EventKind::Reasoning) == OMNI_EVENT_REASONING);
static_assert(static_cast<uint32_t>(chat::EventKind::ReasoningSignature) ==
              OMNI_EVENT_REASONING_SIGNATURE);
static_assert(static_cast<uint32_t>(chat::EventKind::RedactedReasoning) ==
              OMNI_EVENT_REDACTED_REASONING);
static_assert(static_cast<uint32_t>(chat::EventKind::ToolStart) == OMNI_EVENT_TOOL_START);
static_assert(static_cast<uint32_t>(chat::EventKind::ToolArguments) == OMNI_EVENT_TOOL_ARGUMENTS);
static_assert(static_cast<uint32_t>(chat::EventKind::ToolEnd) == OMNI_EVENT_TOOL_END);
static_assert(static_cast<uint32_t>(chat::EventKind::Usage) == OMNI_EVENT_USAGE);
static_assert(static_cast<uint32_t>(chat::EventKind::Finish) == OMNI_EVENT_FINISH);
static_assert(static_cast<uint32_t>(chat::Finish::Stop) == OMNI_FINISH_STOP);
static_assert(static_cast<uint32_t>(chat::Finish::Length) == OMNI_FINISH_LENGTH);
static_assert(static_cast<uint32_t>(chat::Finish::ToolCalls) == OMNI_FINISH_TOOL_CALLS);
static_assert(static_cast<uint32_t>(chat::Finish::ContentFilter) == OMNI_FINISH_CONTENT_FILTER);
static_assert(static_cast<uint32_t>(chat::Finish::ContextLength) == OMNI_FINISH_CONTEXT_LENGTH);
static_assert(static_cast<uint32_t>(chat::Finish::Pause) == OMNI_FINISH_PAUSE);

constexpr size_t kMaxControlOutput = 16u << 20;

// Runs a function of the plugin. One that lets an exception out has broken the ABI, but must not
// take the service with it.
template <typename F>
omni_status_t enter(const HostContext& context, std::string_view what, F&& body) {
  try {
    return body();
  } catch (const std::exception& error) {
    context.misbehaved(fmt::format("{} threw: {}", what, error.what()));
  } catch (...) {
    context.misbehaved(fmt::format("{} threw", what));
  }
  return OMNI_INTERNAL;
}

struct SinkContext {
  omni_call_t& call;
  chat::EventSink& sink;
  RequestView& request;
  bool finished = false;
};

void onRequestDone(void* raw) noexcept {
  if (!raw) return;
  auto& context = *static_cast<SinkContext*>(raw);
  if (!context.call.usable("request_done")) return;
  try {
    context.request.release();
    context.sink.requestDone();
  } catch (...) {  // freeing memory fails only in a sink's own work; nothing depends on it
  }
}

omni_status_t onEvent(void* raw, const omni_event_t* event) noexcept {
  if (!raw || !event || event->struct_size < sizeof(omni_event_t)) return OMNI_INVALID;
  auto& context = *static_cast<SinkContext*>(raw);
  if (!context.call.usable("on_event")) return OMNI_INVALID;
  try {
    if (context.call.told_cancelled) return OMNI_CANCELLED;
    // A plugin of a later minor version may say more than this host understands.
    if (event->kind > OMNI_EVENT_FINISH) return OMNI_OK;
    if (context.finished) {
      context.call.host.misbehaved("an event after the last one was left out");
      return OMNI_OK;
    }
    chat::Usage usage;
    chat::ChatEvent out;
    out.kind = static_cast<chat::EventKind>(event->kind);
    out.text = toView(event->text);
    out.id = toView(event->id);
    out.name = toView(event->name);
    out.finish = event->finish > OMNI_FINISH_PAUSE ? chat::Finish::Stop
                                                   : static_cast<chat::Finish>(event->finish);
    if (out.kind == chat::EventKind::Usage) {
      if (!event->usage) {
        context.call.host.misbehaved("a usage event without numbers was left out");
        return OMNI_OK;
      }
      usage.input_tokens = event->usage->input_tokens;
      usage.output_tokens = event->usage->output_tokens;
      usage.cache_read_tokens = event->usage->cache_read_tokens;
      usage.cache_write_tokens = event->usage->cache_write_tokens;
      usage.credits = event->usage->credits;
      usage.estimated = event->usage->estimated != 0;
      out.usage = &usage;
    }
    // What follows the finish is the call's end, which takes it along; see omni_call::release().
    if (out.kind == chat::EventKind::Finish) {
      context.sink.hold();
      context.call.holding = true;
    }
    if (!context.sink.onEvent(out)) {
      context.call.told_cancelled = true;
      return OMNI_CANCELLED;
    }
    if (out.kind == chat::EventKind::Finish) context.finished = true;
    // Content after the answer was read: whether more follows at once, only the plugin knows.
    if (!context.call.in_http && out.kind != chat::EventKind::Finish &&
        out.kind != chat::EventKind::Usage)
      context.call.release();
    return OMNI_OK;
  } catch (const std::exception& error) {
    context.call.host.log(LogLevel::Error, error.what());
  } catch (...) {
    context.call.host.log(LogLevel::Error, "unknown exception in the event sink");
  }
  return OMNI_INTERNAL;
}

void appendOutput(void* raw, omni_str_t bytes) noexcept {
  auto& out = *static_cast<std::string*>(raw);
  try {
    // One byte above the limit is kept, so that the caller sees that it was passed.
    if (out.size() <= kMaxControlOutput)
      out.append(toView(bytes).substr(0, kMaxControlOutput + 1 - out.size()));
  } catch (...) {  // no memory: the answer is cut, which its reader sees as broken JSON
  }
}

// Version 4 of RFC 9562.
std::string newUuid(Random& random) {
  unsigned char bytes[16];
  random.fill(bytes, sizeof(bytes));
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3f) | 0x80);
  std::string out;
  for (size_t i = 0; i < sizeof(bytes); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    out += fmt::format("{:02x}", bytes[i]);
  }
  return out;
}

}  // namespace

class PluginProvider::Running {
 public:
  explicit Running(PluginProvider& owner) : owner_(owner) {
    std::lock_guard lock(owner_.mutex_);
    open_ = owner_.open_;
    if (open_) ++owner_.running_;
  }
  ~Running() {
    if (!open_) return;
    std::lock_guard lock(owner_.mutex_);
    if (--owner_.running_ == 0) owner_.idle_.notify_all();
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  Result<> check() const {
    if (open_) return {};
    return makeError(FailureKind::Unavailable, "the service is stopping");
  }

 private:
  PluginProvider& owner_;
  bool open_ = false;
};

PluginProvider::PluginProvider(const omni_plugin_entry_t& entry, const Deps& deps,
                               AccountLocks& locks)
    : entry_(entry),
      deps_(deps),
      context_{deps, locks, entry.id, {}, {}, {}},
      host_(makeHostTable(context_)) {}

PluginProvider::~PluginProvider() {
  stop();
}

Result<> PluginProvider::start() {
  context_.initialising = true;
  const omni_status_t status =
      enter(context_, "init", [&] { return entry_.init(&host_, &plugin_); });
  context_.initialising = false;
  if (status == OMNI_OK && plugin_) {
    std::lock_guard lock(mutex_);
    open_ = true;
    return {};
  }
  plugin_ = nullptr;
  std::string why = status == OMNI_OK ? "its init gave no plugin"
                                      : fmt::format("its init failed with status {}", status);
  if (!context_.init_error.empty()) why += ": " + context_.init_error;
  return makeError(FailureKind::Unavailable, std::move(why));
}

void PluginProvider::stop() {
  {
    std::unique_lock lock(mutex_);
    if (!open_) return;
    open_ = false;
    context_.stopping = true;
    idle_.wait(lock, [&] { return running_ == 0; });
  }
  unwritten_.flushAll(deps_.store, generations_);
  enter(context_, "deinit", [&] {
    entry_.deinit(plugin_);
    return OMNI_OK;
  });
  plugin_ = nullptr;
}

Result<> PluginProvider::owns(std::string_view connection_id) {
  auto provider = deps_.store.providerOf(connection_id);
  if (!provider) return std::unexpected(std::move(provider.error()));
  if (*provider == context_.plugin) return {};
  return makeError(FailureKind::NotFound,
                   fmt::format("this is not an account of the provider \"{}\"", context_.plugin));
}

Result<> PluginProvider::complete(std::string_view connection_id, const chat::ChatRequest& request,
                                  chat::EventSink& sink, const CancelToken& cancel) {
  return completeAs(connection_id, request.model, request, sink, cancel);
}

Result<> PluginProvider::completeAs(std::string_view connection_id, std::string_view model,
                                    const chat::ChatRequest& request, chat::EventSink& sink,
                                    const CancelToken& cancel) {
  Running running(*this);
  if (auto open = running.check(); !open) return open;
  if (auto own = owns(connection_id); !own) return own;
  if (auto done = unwritten_.flush(deps_.store, generations_, connection_id); !done) return done;
  RequestView view(request, model);
  StoredRecord record(deps_.store, generations_, unwritten_, connection_id);
  omni_call_t call(context_, record, cancel);
  call.sink = &sink;
  SinkContext sink_context{call, sink, view};
  omni_sink_t raw{};
  raw.struct_size = sizeof(raw);
  raw.context = &sink_context;
  raw.on_event = &onEvent;
  raw.request_done = &onRequestDone;
  const omni_status_t status = enter(
      context_, "complete", [&] { return entry_.complete(plugin_, &call, &view.raw(), &raw); });
  // After a finish the stream's own end follows, and shares the write.
  if (status != OMNI_OK || !sink_context.finished) call.release();
  if (status == OMNI_OK && !sink_context.finished) {
    context_.misbehaved("complete succeeded without a finish event");
    return makeError(
        FailureKind::Internal,
        fmt::format("the provider plugin \"{}\" made an error; see the log", context_.plugin));
  }
  return call.finish(status, "complete");
}

Result<std::string> PluginProvider::invoke(AccountRecord& record, std::string_view method,
                                           std::string_view input, const CancelToken& cancel) {
  omni_call_t call(context_, record, cancel);
  std::string output;
  const omni_writer_t writer{&output, &appendOutput};
  const omni_status_t status = enter(context_, method, [&] {
    return entry_.control(plugin_, &call, toStr(method), toStr(input), &writer);
  });
  if (auto done = call.finish(status, method); !done)
    return std::unexpected(std::move(done.error()));
  if (output.size() > kMaxControlOutput) {
    context_.misbehaved(fmt::format("{} gave too long an answer", method));
    return makeError(
        FailureKind::Internal,
        fmt::format("the provider plugin \"{}\" made an error; see the log", context_.plugin));
  }
  return output;
}

Result<std::string> PluginProvider::control(std::string_view connection_id, std::string_view method,
                                            std::string_view input, const CancelToken& cancel) {
  Running running(*this);
  if (auto open = running.check(); !open) return std::unexpected(std::move(open.error()));
  if (auto own = owns(connection_id); !own) return std::unexpected(std::move(own.error()));
  if (auto done = unwritten_.flush(deps_.store, generations_, connection_id); !done)
    return std::unexpected(std::move(done.error()));
  StoredRecord record(deps_.store, generations_, unwritten_, connection_id);
  return invoke(record, method, input, cancel);
}

Result<std::string> PluginProvider::invokeDraft(DraftRecord& record, std::string_view method,
                                                std::string_view input, const CancelToken& cancel) {
  Running running(*this);
  if (auto open = running.check(); !open) return std::unexpected(std::move(open.error()));
  return invoke(record, method, input, cancel);
}

Result<std::unique_ptr<AccountDraft>> PluginProvider::resume(std::string_view state) {
  boost::system::error_code failed;
  const boost::json::value parsed = boost::json::parse(state, failed);
  const boost::json::object* object = failed ? nullptr : parsed.if_object();
  const boost::json::value* id = object ? object->if_contains("id") : nullptr;
  const boost::json::value* replaces = object ? object->if_contains("replaces") : nullptr;
  if (!id || !id->is_string() || !replaces || !replaces->is_bool())
    return makeError(FailureKind::Protocol, "the kept sign-in cannot be read");
  const std::string connection(id->get_string());
  std::unique_ptr<PluginDraft> draft;
  if (replaces->get_bool()) {
    auto base = deps_.store.get(connection);
    if (!base) return std::unexpected(std::move(base.error()));
    draft = std::make_unique<PluginDraft>(*this, connection, &*base);
  } else {
    draft = std::make_unique<PluginDraft>(*this, connection, nullptr);
  }
  if (auto done = draft->restore(*object); !done) return std::unexpected(std::move(done.error()));
  return draft;
}

Result<std::unique_ptr<AccountDraft>> PluginProvider::draft(std::string_view replace_id) {
  if (replace_id.empty())
    return std::make_unique<PluginDraft>(*this, newUuid(deps_.random), nullptr);
  auto base = deps_.store.get(replace_id);
  if (!base) return std::unexpected(std::move(base.error()));
  if (base->provider != context_.plugin)
    return makeError(FailureKind::NotFound,
                     fmt::format("this is not an account of the provider \"{}\"", context_.plugin));
  return std::make_unique<PluginDraft>(*this, base->id, &*base);
}

}  // namespace omni::plugins
