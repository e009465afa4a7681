#pragma once
// Between a reply and the host's sink: it can hold events back until it is known that the answer is
// wanted. One answer, not thread-safe.

#include <omniroute/sdk.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace omni::kiro {

class ReplySink {
 public:
  ReplySink(sdk::EventSink& sink, bool hold) : sink_(sink), hold_(hold) {}

  // Each returns false when the client is gone.
  bool send(uint32_t kind, std::string_view text, std::string_view id = {},
            std::string_view name = {}) {
    if (!hold_) return pass(kind, text, id, name);
    held_.push_back({kind, std::string(text), std::string(id), std::string(name)});
    return true;
  }
  // Lets everything through from now on.
  bool release() {
    hold_ = false;
    for (const Held& e : held_)
      if (!pass(e.kind, e.text, e.id, e.name)) return false;
    held_.clear();
    return true;
  }
  bool holding() const { return hold_; }
  sdk::EventSink& host() { return sink_; }

 private:
  struct Held {
    uint32_t kind;
    std::string text, id, name;
  };
  bool pass(uint32_t kind, std::string_view text, std::string_view id, std::string_view name) {
    switch (kind) {
      case OMNI_EVENT_TEXT:
        return sink_.text(text);
      case OMNI_EVENT_REASONING:
        return sink_.reasoning(text);
      case OMNI_EVENT_REASONING_SIGNATURE:
        return sink_.reasoningSignature(text);
      case OMNI_EVENT_REDACTED_REASONING:
        return sink_.redactedReasoning(text);
      case OMNI_EVENT_TOOL_START:
        return sink_.toolStart(id, name);
      case OMNI_EVENT_TOOL_ARGUMENTS:
        return sink_.toolArguments(id, text);
      case OMNI_EVENT_TOOL_END:
        return sink_.toolEnd(id);
      default:
        return true;
    }
  }

  sdk::EventSink& sink_;
  bool hold_;
  std::vector<Held> held_;
};

}  // namespace omni::kiro
