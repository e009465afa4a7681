#pragma once
// A sink that keeps every event and watches that the plugin keeps the rules of the stream.
//
// Thread-safety: none; one sink belongs to one call. Ownership: events are copied, raw() is valid
// while the sink lives.

#include <omniroute/sdk.hpp>

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace omni::sdk::testing {

struct RecordedEvent {
  uint32_t kind = 0;
  std::string text;
  std::string id;
  std::string name;
  std::optional<omni_usage_t> usage;
  uint32_t finish = 0;
};

struct RecordedToolCall {
  std::string id;
  std::string name;
  std::string arguments;
  bool ended = false;
};

class RecordingSink {
 public:
  RecordingSink() {
    raw_.struct_size = sizeof(raw_);
    raw_.context = this;
    raw_.on_event = [](void* context, const omni_event_t* event) noexcept {
      return static_cast<RecordingSink*>(context)->take(event);
    };
    raw_.request_done = [](void* context) noexcept {
      auto& self = *static_cast<RecordingSink*>(context);
      self.events_at_request_done_.push_back(self.events_.size());
    };
  }
  RecordingSink(const RecordingSink&) = delete;
  RecordingSink& operator=(const RecordingSink&) = delete;

  const omni_sink_t* raw() const { return &raw_; }

  // Takes `count` events and answers OMNI_CANCELLED to the one after them, as a client that went
  // away.
  void cancelAfter(size_t count) { cancel_after_ = count; }

  // Whether the sink has answered OMNI_CANCELLED.
  bool sawCancel() const { return cancelled_; }

  const std::vector<RecordedEvent>& events() const { return events_; }
  // For each call of request_done, how many events had come by then.
  const std::vector<size_t>& eventsAtRequestDone() const { return events_at_request_done_; }
  // Which rules of the stream were broken, in words; empty: none.
  const std::vector<std::string>& violations() const { return violations_; }

  size_t count(uint32_t kind) const {
    size_t n = 0;
    for (const RecordedEvent& event : events_) n += event.kind == kind;
    return n;
  }
  std::string text() const { return joined(OMNI_EVENT_TEXT); }
  std::string reasoning() const { return joined(OMNI_EVENT_REASONING); }
  std::vector<RecordedToolCall> toolCalls() const {
    std::vector<RecordedToolCall> calls;
    for (const RecordedEvent& event : events_) {
      if (event.kind == OMNI_EVENT_TOOL_START) calls.push_back({event.id, event.name, {}, false});
      for (RecordedToolCall& call : calls) {
        if (call.id != event.id) continue;
        if (event.kind == OMNI_EVENT_TOOL_ARGUMENTS) call.arguments += event.text;
        if (event.kind == OMNI_EVENT_TOOL_END) call.ended = true;
      }
    }
    return calls;
  }
  // The last usage; nullopt when there was none.
  std::optional<omni_usage_t> usage() const {
    std::optional<omni_usage_t> last;
    for (const RecordedEvent& event : events_)
      if (event.usage) last = event.usage;
    return last;
  }
  // OMNI_FINISH_*; nullopt before the FINISH event.
  std::optional<uint32_t> finish() const {
    for (const RecordedEvent& event : events_)
      if (event.kind == OMNI_EVENT_FINISH) return event.finish;
    return std::nullopt;
  }

 private:
  omni_status_t take(const omni_event_t* raw) noexcept {
    if (!raw || raw->struct_size < sizeof(omni_event_t)) {
      violations_.push_back("an event is NULL or its struct_size is too small");
      return OMNI_INVALID;
    }
    if (cancelled_)
      violations_.push_back("an event came after the sink had answered OMNI_CANCELLED");
    if (finished_) violations_.push_back("an event came after FINISH");
    if (cancel_after_ && events_.size() >= *cancel_after_) {
      cancelled_ = true;
      return OMNI_CANCELLED;
    }
    RecordedEvent event;
    event.kind = raw->kind;
    event.text = toView(raw->text);
    event.id = toView(raw->id);
    event.name = toView(raw->name);
    if (raw->usage) event.usage = *raw->usage;
    event.finish = raw->finish;
    watch(event);
    events_.push_back(std::move(event));
    return OMNI_OK;
  }

  void watch(const RecordedEvent& event) {
    switch (event.kind) {
      case OMNI_EVENT_TOOL_START:
        if (event.id.empty() || event.name.empty())
          violations_.push_back("TOOL_START lacks an id or a name");
        if (!known_tools_.insert(event.id).second)
          violations_.push_back("TOOL_START repeats the id of an earlier tool call");
        open_tools_.insert(event.id);
        break;
      case OMNI_EVENT_TOOL_ARGUMENTS:
        if (!open_tools_.contains(event.id))
          violations_.push_back("TOOL_ARGUMENTS names no open tool call");
        break;
      case OMNI_EVENT_TOOL_END:
        if (open_tools_.erase(event.id) == 0)
          violations_.push_back("TOOL_END names no open tool call");
        break;
      case OMNI_EVENT_USAGE:
        if (!event.usage) violations_.push_back("USAGE carries no usage");
        break;
      case OMNI_EVENT_FINISH:
        finished_ = true;
        if (!open_tools_.empty()) violations_.push_back("FINISH came while a tool call was open");
        if (event.finish > OMNI_FINISH_PAUSE)
          violations_.push_back("FINISH carries an unknown reason");
        break;
      default:
        if (event.kind > OMNI_EVENT_FINISH) violations_.push_back("an event has an unknown kind");
    }
  }

  std::string joined(uint32_t kind) const {
    std::string out;
    for (const RecordedEvent& event : events_)
      if (event.kind == kind) out += event.text;
    return out;
  }

  omni_sink_t raw_{};
  std::vector<size_t> events_at_request_done_;
  std::vector<RecordedEvent> events_;
  std::vector<std::string> violations_;
  std::set<std::string> known_tools_;
  std::set<std::string> open_tools_;
  std::optional<size_t> cancel_after_;
  bool cancelled_ = false;
  bool finished_ = false;
};

}  // namespace omni::sdk::testing
