#include "plugins/kiro/conversation.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "plugins/kiro/json_text.hpp"

namespace omni::kiro {
namespace {

using sdk::toView;

constexpr std::string_view kCancelled = "Tool use was cancelled by the user";
constexpr std::string_view kNothing = "(empty)";
constexpr std::string_view kContinue = "...";
constexpr std::string_view kNoOutput = "(no output)";

}  // namespace

sdk::Result<> Conversation::read(const omni_request_t& request, const ReadOptions& options) {
  request_ = &request;
  options_ = options;
  size_t newest = 0;  // the first message after the last of the assistant
  for (size_t i = 0; i < request.message_count; ++i)
    if (sdk::at(request.messages, i, request.message_size).role == OMNI_ROLE_ASSISTANT)
      newest = i + 1;
  turns.reserve(request.message_count + 2);
  for (size_t i = 0; i < request.message_count; ++i)
    if (auto done = readMessage(sdk::at(request.messages, i, request.message_size), i >= newest);
        !done)
      return done;
  arrange();
  pairTools();
  limitImages();
  return {};
}

std::string_view Conversation::sentName(std::string_view name) {
  if (isSafeToolName(name)) return name;
  const auto safe = keep(safeToolName(name));
  names.emplace(safe, name);
  return safe;
}

Turn& Conversation::turn(bool user) {
  if (turns.empty() || turns.back().user != user) {
    turns.emplace_back();
    turns.back().user = user;
  }
  return turns.back();
}

sdk::Result<> Conversation::readMessage(const omni_message_t& message, bool newest) {
  const auto part = [&](size_t i) -> const omni_part_t& {
    return sdk::at(message.parts, i, request_->part_size);
  };
  // System text in the middle stays where it is, as part of the user's turn: hoisted, it would
  // change the beginning that prompt caches know.
  if (message.role == OMNI_ROLE_SYSTEM && turns.empty()) {
    for (size_t i = 0; i < message.part_count; ++i)
      if (const auto text = toView(part(i).text); !text.empty()) system.push_back(text);
    return {};
  }
  Turn& to = turn(message.role != OMNI_ROLE_ASSISTANT);
  for (size_t i = 0; i < message.part_count; ++i) {
    const auto& p = part(i);
    switch (p.kind) {
      case OMNI_PART_TEXT:
        if (const auto text = toView(p.text); !text.empty()) to.texts.push_back(text);
        break;
      case OMNI_PART_IMAGE:
        if (auto added = addImage(to, p, newest, to.texts); !added)
          return std::unexpected(std::move(added.error()));
        break;
      case OMNI_PART_TOOL_CALL:
        addCall(to, p, i);
        break;
      case OMNI_PART_TOOL_RESULT:
        if (auto added = addResult(to, p, newest); !added) return added;
        break;
      case OMNI_PART_REASONING:
      case OMNI_PART_REDACTED_REASONING:
        addReasoning(to, p);
        break;
      default:
        break;
    }
  }
  return {};
}

// Unsigned thinking is of no use to anybody but its reader. A turn takes one block: the last one is
// what upstream looks at, it stands right before the calls that are being answered.
void Conversation::addReasoning(Turn& to, const omni_part_t& part) {
  if (!options_.keep_reasoning || to.user) return;
  if (part.kind == OMNI_PART_REDACTED_REASONING) {
    if (const auto data = toView(part.data); !data.empty()) to.reasoning = {{}, {}, data};
  } else if (const auto signature = toView(part.signature); !signature.empty()) {
    to.reasoning = {toView(part.text), signature, {}};
  }
}

void Conversation::addCall(Turn& to, const omni_part_t& part, size_t index) {
  ToolUse use;
  const auto id = toView(part.id);
  use.anonymous = id.empty();
  const auto seed = [&] {
    return fmt::format("{}/{}/{}/{}/{}", turns.size(), to.uses.size(), index, id,
                       toView(part.name));
  };
  use.id = isSafeToolId(id) ? id : keep(safeToolId(id, seed()));
  if (!used_ids_.insert(use.id).second) {
    // Ids are unique in a conversation; a client that counts from 1 in every turn does not know.
    use.given = use.id;
    use.id = keep(safeToolId({}, seed()));
    used_ids_.insert(use.id);
  }
  use.name = sentName(toView(part.name));
  use.arguments = trimmed(toView(part.text));
  if (use.arguments.starts_with('"') && isJson(use.arguments)) {
    // Arguments in a string in a string.
    std::string scratch;
    use.arguments = keep(std::string(stringOf(use.arguments, scratch)));
  }
  if (!isJsonObject(use.arguments)) use.arguments = "{}";
  to.uses.push_back(use);
}

sdk::Result<> Conversation::addResult(Turn& to, const omni_part_t& part, bool newest) {
  ToolResult result;
  const auto id = toView(part.id);
  result.id = id.empty() || isSafeToolId(id) ? id : keep(safeToolId(id, {}));
  result.error = (part.flags & OMNI_PART_IS_ERROR) != 0;
  for (size_t i = 0; i < part.child_count; ++i) {
    const auto& child = sdk::at(part.children, i, request_->part_size);
    if (child.kind == OMNI_PART_IMAGE) {
      auto added = addImage(to, child, false, result.texts);
      if (!added) return std::unexpected(std::move(added.error()));
      // The bytes stand in the message's own list; the number says which are this result's.
      if (*added)
        result.texts.push_back(keep(fmt::format("[image {} of this message]", to.images.size())));
    } else if (const auto text = toView(child.text); !text.empty()) {
      result.texts.push_back(text);
    }
  }
  (void)newest;
  if (result.texts.empty()) result.texts.push_back(kNoOutput);
  to.results.push_back(std::move(result));
  return {};
}

sdk::Result<bool> Conversation::addImage(Turn& to, const omni_part_t& part, bool refuse,
                                         std::vector<std::string_view>& notes) {
  if (toView(part.data).empty() && !toView(part.text).empty() &&
      !toView(part.text).starts_with("data:")) {
    // Upstream takes bytes only; the model at least learns that there was a picture.
    notes.push_back(keep(fmt::format("[Image: {}]", toView(part.text))));
    return false;
  }
  const auto data = toView(part.data).empty() ? toView(part.text) : toView(part.data);
  Image image;
  const ImageProblem problem = readImage(toView(part.media_type), data, image);
  if (!options_.images) {
    if (refuse)
      return sdk::fail(OMNI_FAILURE_BAD_REQUEST,
                       fmt::format("the model \"{}\" takes no images; send text only or choose a "
                                   "model that does",
                                   options_.model));
    notes.push_back("[image left out: this model takes text only]");
    return false;
  }
  if (problem == ImageProblem::None && !to.user) return false;  // an assistant has no images
  if (problem == ImageProblem::None) {
    to.images.push_back(image);
    return true;
  }
  if (refuse && problem != ImageProblem::Empty)
    return sdk::fail(OMNI_FAILURE_BAD_REQUEST,
                     fmt::format("the image{}{}{} {}", toView(part.media_type).empty() ? "" : " (",
                                 toView(part.media_type),
                                 toView(part.media_type).empty() ? "" : ")", describe(problem)));
  notes.push_back(keep(fmt::format("[image left out: it {}]", describe(problem))));
  return false;
}

// User first, user last: upstream's order.
void Conversation::arrange() {
  if (turns.empty() || !turns.front().user) {
    turns.emplace(turns.begin());
    turns.front().texts.push_back(kNothing);
  }
  if (!turns.back().user) turn(true).texts.push_back(kContinue);
}

// Answers to calls that got an id of this side's: the n-th answer belongs to the n-th call.
void Conversation::followRenamedCalls(const std::vector<ToolUse>& uses,
                                      std::vector<ToolResult>& given) {
  for (auto use = uses.rbegin(); use != uses.rend(); ++use) {
    if (use->given.empty()) continue;
    const auto before = std::count_if(use + 1, uses.rend(), [&](const ToolUse& other) {
      return other.id == use->given || other.given == use->given;
    });
    auto skip = before;
    for (ToolResult& result : given)
      if (result.id == use->given && skip-- == 0) {
        result.id = use->id;
        break;
      }
  }
}

// Every call is answered by the very next user turn, in the order of the calls, and by nothing
// else.
void Conversation::pairTools() {
  for (size_t i = 0; i < turns.size(); ++i) {
    if (!turns[i].user) continue;
    Turn& user = turns[i];
    std::vector<ToolResult> given = std::move(user.results);
    user.results.clear();
    if (i > 0) {
      auto& uses = turns[i - 1].uses;
      followRenamedCalls(uses, given);
      // Results without an id belong to the calls without one, in their order; then to whichever
      // call has no answer.
      for (const bool anonymous : {true, false})
        for (ToolResult& result : given) {
          if (!result.id.empty()) continue;
          for (const ToolUse& use : uses)
            if (use.anonymous == anonymous &&
                std::ranges::find(given, use.id, &ToolResult::id) == given.end()) {
              result.id = use.id;
              break;
            }
        }
      for (const ToolUse& use : uses) {
        ToolResult answer{use.id, {}, false};
        bool found = false;
        for (ToolResult& result : given) {
          if (result.id != use.id) continue;
          // The same answer twice says nothing new; another one is kept beside it.
          if (!found || answer.texts != result.texts)
            answer.texts.insert(answer.texts.end(), result.texts.begin(), result.texts.end());
          answer.error = answer.error || result.error;
          found = true;
        }
        if (!found) answer = {use.id, {kCancelled}, true};
        std::erase_if(given, [&](const ToolResult& r) { return r.id == use.id; });
        user.results.push_back(std::move(answer));
      }
    }
    for (const ToolResult& orphan : given) {
      std::string text =
          orphan.id.empty() ? "[Tool Result]" : fmt::format("[Tool Result ({})]", orphan.id);
      for (const auto piece : orphan.texts) text.append("\n").append(piece);
      user.texts.push_back(keep(std::move(text)));
    }
    if (user.texts.empty() && user.results.empty() && user.images.empty())
      user.texts.push_back(kNothing);
  }
}

// The newest are the ones that the conversation is about.
void Conversation::limitImages() {
  size_t room = kMostImages;
  for (auto turn = turns.rbegin(); turn != turns.rend(); ++turn) {
    const size_t kept = std::min(room, turn->images.size());
    room -= kept;
    const size_t dropped = turn->images.size() - kept;
    if (dropped == 0) continue;
    // Later ones of a turn are newer. Their numbers in tool results must stay right, so the note
    // says which are gone.
    turn->images.erase(turn->images.begin(),
                       turn->images.begin() + static_cast<std::ptrdiff_t>(dropped));
    turn->texts.push_back(
        keep(fmt::format("[the first {} image(s) of this message were left out: Kiro takes at most "
                         "{} a request]",
                         dropped, kMostImages)));
  }
}

}  // namespace omni::kiro
