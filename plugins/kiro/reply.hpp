#pragma once
// Kiro's event stream -> chat events. Wire source: kiro-protocol F.2 to F.8.

#include <omniroute/sdk.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/kiro/event_stream.hpp"
#include "plugins/kiro/reply_sink.hpp"
#include "plugins/kiro/reply_text.hpp"
#include "plugins/kiro/translate.hpp"

namespace omni::kiro {

struct ReplyOptions {
  const ToolNames* tool_names = nullptr;  // see Translated; must outlive the reply
  int64_t context_window = 0;             // tokens of the model; 0: unknown
  Emulation emulation;
  std::vector<std::string> stop;
  // Whether an answer that does not do what `emulation` asks for is withheld, so that the model can
  // be asked once more.
  bool withhold = false;
};

enum class ReplyEnd {
  Complete,
  Unmet,  // withheld: nothing has gone out. Ask again.
};

// One answer. Not thread-safe. feed() as bytes arrive, finish() at the end of the body.
class Reply {
 public:
  Reply(sdk::EventSink& sink, ReplyOptions options);

  // A failure ends the answer: PROTOCOL for damaged frames, or what an exception frame says.
  sdk::Result<> feed(std::string_view bytes);
  // The answer is complete although upstream has not ended: a stop sequence has come. The rest need
  // not be read.
  bool stopped() const { return !stop_.matched().empty(); }
  sdk::Result<ReplyEnd> finish();
  bool anyContent() const { return content_; }
  // Whether finish() may say Unmet.
  bool mayBeUnmet() const { return may_be_unmet_; }

 private:
  struct Tool {
    std::string id;
    std::string name;
    std::string input;     // string fragments so far, or the last object
    bool object = false;   // input comes as a growing object
    bool ignored = false;  // not passed on: tool_choice none, or one call a turn
    bool started = false;
    bool done = false;
    bool broken = false;  // upstream's input is no JSON object
  };

  sdk::Result<> onFrame(const Frame& frame);
  sdk::Result<> onText(std::string_view payload);
  sdk::Result<> onReasoning(std::string_view payload);
  sdk::Result<> onTool(std::string_view payload);
  sdk::Result<> onTail(std::string_view payload);
  void takeTokens(std::string_view object);
  sdk::Result<> onException(std::string_view type, std::string_view payload);
  sdk::Result<> say(std::string_view text);
  sdk::Result<> think(std::string_view text);
  sdk::Result<> passOn(std::string_view text);  // after stop sequences and JSON mode
  sdk::Result<> endTool(Tool& tool);
  sdk::Result<> flushText();
  Tool* tool(std::string_view id, std::string_view name);
  uint32_t finishReason() const;
  void estimateUsage();

  const bool may_be_unmet_;
  ReplySink sink_;
  ReplyOptions options_;
  EventStreamDecoder decoder_;
  ThinkingTags thinking_;
  StopSequences stop_;
  JsonObjectOnly json_;
  std::vector<Tool> tools_;
  std::string text_scratch_, reasoning_scratch_, value_scratch_;
  omni_usage_t usage_{-1, -1, -1, -1, -1.0, 0, 0};
  std::string stop_reason_;
  double context_percent_ = -1;
  size_t characters_ = 0;
  bool started_ = false;
  bool content_ = false;
  bool text_ = false;    // some of it is text
  bool native_ = false;  // the model reasons natively
  bool tail_ = false;    // a closing frame was seen: the answer is complete
  bool refused_ = false;
  bool overflow_ = false;  // upstream ended the answer at the context window
};

}  // namespace omni::kiro
