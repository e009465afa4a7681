#pragma once
// Kiro's event stream -> chat events. Wire source: kiro-protocol F.2 to F.7.

#include <map>
#include <omniroute/sdk.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/kiro/event_stream.hpp"

namespace omni::kiro {

// One answer. Not thread-safe. feed() as bytes arrive, finish() at the end of the body.
class Reply {
 public:
  // `tool_names` (see Translated) must outlive it.
  Reply(sdk::EventSink& sink, const std::map<std::string, std::string, std::less<>>& tool_names)
      : sink_(sink), tool_names_(tool_names) {}

  sdk::Result<> feed(std::string_view bytes);
  sdk::Result<> finish();
  bool anyContent() const { return content_; }

 private:
  struct Tool {
    std::string id;
    std::string name;
    std::string arguments;  // handed on only when complete: nobody must run half a call
    bool done = false;
  };

  sdk::Result<> onFrame(const Frame& frame);
  sdk::Result<> onTool(std::string_view payload);
  sdk::Result<> onMetadata(std::string_view payload);
  Tool& tool(std::string_view id, std::string_view name);
  uint32_t finishReason() const;

  sdk::EventSink& sink_;
  const std::map<std::string, std::string, std::less<>>& tool_names_;
  EventStreamDecoder decoder_;
  std::vector<Tool> tools_;
  omni_usage_t usage_{-1, -1, -1, -1, -1.0, 0, 0};
  std::string stop_reason_;
  double context_percent_ = -1;
  size_t characters_ = 0;
  bool started_ = false;
  bool content_ = false;
  bool tail_ = false;  // a closing frame was seen: the answer is complete
  bool refused_ = false;
};

}  // namespace omni::kiro
