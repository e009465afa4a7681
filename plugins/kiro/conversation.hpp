#pragma once
// The messages of a chat as the turns that Kiro wants: user first and last, strictly in turn, every
// call answered by the very next user turn. Wire source: kiro-protocol E.6, H.1, H.3, H.4.
//
// Not thread-safe; one request. Views point into the request or into the conversation itself, so
// both must stay alive and the conversation must not be moved.

#include <deque>
#include <omniroute/sdk.hpp>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "plugins/kiro/images.hpp"
#include "plugins/kiro/tool_names.hpp"

namespace omni::kiro {

struct ToolUse {
  std::string_view id;
  std::string_view name;       // as it is sent
  std::string_view arguments;  // a JSON object
  std::string_view given;      // the client's id, when an earlier call has it already
  bool anonymous = false;      // the client gave no id
};
struct ToolResult {
  std::string_view id;  // empty: the client gave none
  std::vector<std::string_view> texts;
  bool error = false;
};
struct Reasoning {
  std::string_view text;
  std::string_view signature;
  std::string_view redacted;
};
// One side's turn, after merging.
struct Turn {
  bool user = true;
  std::vector<std::string_view> texts;  // sent with an empty line between
  std::vector<ToolUse> uses;
  std::vector<ToolResult> results;
  std::vector<Image> images;
  Reasoning reasoning;  // of an assistant; byte-exact, or nothing
};

struct ReadOptions {
  std::string_view model;      // for messages
  bool images = true;          // the model takes images
  bool keep_reasoning = true;  // signed thinking goes back to where it came from
};

class Conversation {
 public:
  Conversation() = default;
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  // BAD_REQUEST for an image of the newest turn that cannot be sent. What cannot be sent of earlier
  // turns is replaced by a note: the client could not take it back.
  sdk::Result<> read(const omni_request_t& request, const ReadOptions& options);

  // Name as it is sent; remembers the way back.
  std::string_view sentName(std::string_view name);
  // A text that lives as long as the conversation.
  std::string_view keep(std::string text) { return made_.emplace_back(std::move(text)); }

  std::vector<std::string_view> system;
  std::vector<Turn> turns;
  ToolNames names;

 private:
  Turn& turn(bool user);
  sdk::Result<> readMessage(const omni_message_t& message, bool newest);
  void addReasoning(Turn& to, const omni_part_t& part);
  void addCall(Turn& to, const omni_part_t& part, size_t index);
  sdk::Result<> addResult(Turn& to, const omni_part_t& part, bool newest);
  // True when the image was added, false when a note stands for it.
  sdk::Result<bool> addImage(Turn& to, const omni_part_t& part, bool refuse,
                             std::vector<std::string_view>& notes);
  void arrange();
  void pairTools();
  static void followRenamedCalls(const std::vector<ToolUse>& uses, std::vector<ToolResult>& given);
  void limitImages();

  const omni_request_t* request_ = nullptr;
  ReadOptions options_;
  std::unordered_set<std::string_view> used_ids_;
  std::deque<std::string> made_;  // a deque never moves its elements
};

// A UUID that is the same for every request of one conversation: the client's own when it gives one
// (alone, after "session_" or as "session_id" in a JSON object), else made from whatever it gives,
// else from the first user turn.
std::string conversationId(std::string_view given, const Conversation& conversation);
// One per user turn: the tool loop that follows a user's message keeps it.
std::string continuationId(std::string_view conversation_id, const Conversation& conversation);

}  // namespace omni::kiro
