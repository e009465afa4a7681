#include "plugins/kiro/translate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <vector>

#include "plugins/kiro/json.hpp"
#include "plugins/kiro/sha256.hpp"

namespace omni::kiro {
namespace {

constexpr size_t kLongestToolName = 64;
constexpr size_t kLongestDescription = 10'000;
constexpr size_t kLargestBody = 4u << 20;
constexpr std::string_view kCancelled = "Tool use was cancelled by the user";

using sdk::toView;

struct ToolUse {
  std::string id;
  std::string name;
  std::string_view arguments;
};
struct ToolResult {
  std::string id;
  std::string text;
  bool error = false;
};
struct Image {
  std::string format;
  std::string_view bytes;
};
// One side's turn, after merging.
struct Turn {
  bool user = true;
  std::string text;
  std::vector<ToolUse> uses;
  std::vector<ToolResult> results;
  std::vector<Image> images;
};

void join(std::string& out, std::string_view text) {
  if (text.empty()) return;
  if (!out.empty()) out += "\n\n";
  out += text;
}

bool alnum(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0;
}

std::string safeId(std::string_view id, std::string_view seed) {
  const bool fine = !id.empty() && id.size() <= 64 && std::ranges::all_of(id, [](char c) {
    return alnum(c) || c == '_' || c == '-';
  });
  if (fine) return std::string(id);
  return "tooluse_" + sha256Hex(id.empty() ? seed : id).substr(0, 22);
}

std::string uuidFrom(std::string_view seed) {
  const std::string hex = sha256Hex(seed);
  return fmt::format("{}-{}-5{}-a{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(13, 3),
                     hex.substr(17, 3), hex.substr(20, 12));
}

class Builder {
 public:
  Builder(const omni_request_t& request, const TranslateOptions& options)
      : request_(request), options_(options) {}

  sdk::Result<Translated> build() {
    for (size_t i = 0; i < request_.message_count; ++i)
      if (auto read = readMessage(sdk::at(request_.messages, i, request_.message_size)); !read)
        return std::unexpected(std::move(read.error()));
    arrange();
    pairTools();
    collectTools();
    placeSystem();
    return write();
  }

 private:
  Turn& turn(bool user) {
    if (turns_.empty() || turns_.back().user != user)
      turns_.push_back({.user = user, .text = {}, .uses = {}, .results = {}, .images = {}});
    return turns_.back();
  }
  const omni_part_t& part(const omni_part_t* parts, size_t i) const {
    return sdk::at(parts, i, request_.part_size);
  }

  sdk::Result<> addImage(Turn& to, const omni_part_t& p) {
    if (toView(p.data).empty()) {
      // Upstream takes bytes only; the model at least learns that there was a picture.
      join(to.text, fmt::format("[Image: {}]", toView(p.text)));
      return {};
    }
    std::string_view type = toView(p.media_type);
    if (type.starts_with("image/")) type.remove_prefix(6);
    if (type == "jpg") type = "jpeg";
    if (type != "png" && type != "jpeg" && type != "gif" && type != "webp")
      return sdk::fail(
          OMNI_FAILURE_BAD_REQUEST,
          fmt::format("image type \"{}\" is not supported; known are png, jpeg, gif and webp",
                      toView(p.media_type)));
    to.images.push_back({std::string(type), toView(p.data)});
    return {};
  }

  sdk::Result<> addResult(Turn& to, const omni_part_t& p) {
    ToolResult result{safeId(toView(p.id), {}), {}, (p.flags & OMNI_PART_IS_ERROR) != 0};
    for (size_t i = 0; i < p.child_count; ++i) {
      const auto& child = part(p.children, i);
      if (child.kind == OMNI_PART_IMAGE) {
        if (auto added = addImage(to, child); !added) return added;
        result.text += result.text.empty() ? "[image attached]" : "\n[image attached]";
      } else if (!toView(child.text).empty()) {
        if (!result.text.empty()) result.text += '\n';
        result.text += toView(child.text);
      }
    }
    if (result.text.empty()) result.text = "(no output)";
    to.results.push_back(std::move(result));
    return {};
  }

  sdk::Result<> readMessage(const omni_message_t& message) {
    if (message.role == OMNI_ROLE_SYSTEM && turns_.empty()) {
      for (size_t i = 0; i < message.part_count; ++i)
        join(system_, toView(part(message.parts, i).text));
      return {};
    }
    Turn& to = turn(message.role != OMNI_ROLE_ASSISTANT);
    for (size_t i = 0; i < message.part_count; ++i) {
      const auto& p = part(message.parts, i);
      switch (p.kind) {
        case OMNI_PART_TEXT:
          join(to.text, toView(p.text));
          break;
        case OMNI_PART_IMAGE:
          if (auto added = addImage(to, p); !added) return added;
          break;
        case OMNI_PART_TOOL_CALL:
          to.uses.push_back(
              {safeId(toView(p.id), fmt::format("{}/{}/{}", turns_.size(), i, toView(p.name))),
               sentName(toView(p.name)), toView(p.text)});
          break;
        case OMNI_PART_TOOL_RESULT:
          if (auto added = addResult(to, p); !added) return added;
          break;
        default:
          break;  // reasoning without a signature of this upstream is not replayed
      }
    }
    return {};
  }

  std::string sentName(std::string_view name) {
    std::string safe = safeToolName(name);
    if (safe != name) names_.emplace(safe, name);
    return safe;
  }

  // User first, user last: upstream's order.
  void arrange() {
    if (turns_.empty() || !turns_.front().user)
      turns_.insert(turns_.begin(), Turn{true, "(empty)", {}, {}, {}});
    if (!turns_.back().user) turns_.push_back({true, "...", {}, {}, {}});
  }

  // Every call is answered by the very next user turn, in the order of the calls, and by nothing
  // else.
  void pairTools() {
    for (size_t i = 0; i < turns_.size(); ++i) {
      if (!turns_[i].user) continue;
      Turn& user = turns_[i];
      std::vector<ToolResult> given = std::move(user.results);
      user.results.clear();
      if (i > 0) {
        for (const ToolUse& use : turns_[i - 1].uses) {
          const auto found = std::ranges::find(given, use.id, &ToolResult::id);
          if (found == given.end()) {
            user.results.push_back({use.id, std::string(kCancelled), true});
          } else {
            user.results.push_back(std::move(*found));
            std::erase_if(given,
                          [&](const ToolResult& r) { return r.id.empty() || r.id == use.id; });
          }
        }
      }
      for (const ToolResult& orphan : given)
        if (!orphan.id.empty())
          join(user.text, fmt::format("[Tool Result ({})]\n{}", orphan.id, orphan.text));
      if (user.text.empty() && user.results.empty() && user.images.empty()) user.text = "(empty)";
    }
  }

  static bool sameName(std::string_view a, std::string_view b) {
    return std::ranges::equal(
        a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
  }

  // Declared tools, and those that only the history knows: upstream refuses calls of undeclared
  // tools.
  void collectTools() {
    bool history_calls = false;
    for (const Turn& t : turns_) history_calls = history_calls || !t.uses.empty();
    if (request_.tool_choice != OMNI_TOOL_CHOICE_NONE || history_calls) {
      for (size_t i = 0; i < request_.tool_count; ++i) {
        const auto& tool = sdk::at(request_.tools, i, request_.tool_size);
        const std::string name = sentName(toView(tool.name));
        if (!declare(name)) continue;
        std::string_view description = toView(tool.description);
        std::string text = description.empty() ? fmt::format("Tool: {}", toView(tool.name))
                                               : std::string(description);
        if (text.size() > kLongestDescription) {
          join(system_, fmt::format("## Tool: {}\n\n{}", name, text));
          text = fmt::format(
              "The full description of this tool stands in the system text under \"## Tool: {}\".",
              name);
        }
        addTool(name, text, schemaOf(toView(tool.schema)));
      }
    }
    for (const Turn& t : turns_)
      for (const ToolUse& use : t.uses)
        if (declare(use.name)) addTool(use.name, fmt::format("Tool: {}", use.name), schemaOf({}));
    if (request_.tool_choice == OMNI_TOOL_CHOICE_REQUIRED && !tools_.empty())
      join(system_, "You must call at least one of the available tools in this turn.");
    if (request_.tool_choice == OMNI_TOOL_CHOICE_NAMED)
      join(system_, fmt::format("You must call the tool \"{}\" in this turn.",
                                safeToolName(toView(request_.tool_choice_name))));
    if (!toView(request_.response_format).empty() &&
        toView(request_.response_format).find("json") != std::string_view::npos)
      join(system_, fmt::format("Answer with one JSON value only, without any other text, that "
                                "follows this format: {}",
                                toView(request_.response_format)));
  }
  bool declare(const std::string& name) {
    if (std::ranges::any_of(declared_, [&](const auto& n) { return sameName(n, name); }))
      return false;
    declared_.push_back(name);
    return true;
  }
  void addTool(std::string_view name, std::string_view description, json::value schema) {
    tools_.push_back(
        json::object{{"toolSpecification",
                      json::object{{"name", name},
                                   {"description", description},
                                   {"inputSchema", json::object{{"json", std::move(schema)}}}}}});
  }

  // Upstream refuses several JSON Schema keywords; what it takes is kept.
  static void clean(json::value& value) {
    if (auto* array = value.if_array()) {
      for (auto& item : *array) clean(item);
      return;
    }
    auto* object = value.if_object();
    if (!object) return;
    for (auto name : {"additionalProperties", "$schema", "$id", "$defs", "definitions", "$ref",
                      "anyOf", "oneOf", "allOf", "not", "if", "then", "else",
                      "unevaluatedProperties", "patternProperties"})
      object->erase(name);
    if (const auto* required = object->if_contains("required");
        required && required->is_array() && required->get_array().empty())
      object->erase("required");
    for (auto& [name, child] : *object) {
      if (name == "properties" && child.is_object()) {
        for (auto& [property, schema] : child.get_object()) clean(schema);
      } else if (name == "items") {
        clean(child);
      }
    }
  }
  static json::value schemaOf(std::string_view text) {
    auto object = parseObject(text);
    json::value schema = object ? json::value(std::move(*object)) : json::value(json::object{});
    clean(schema);
    auto& root = schema.get_object();
    root["type"] = "object";
    if (!root.contains("properties")) root["properties"] = json::object{};
    return schema;
  }

  // Before the first user text of the whole conversation, so that it stays the same prefix turn
  // after turn.
  void placeSystem() {
    if (system_.empty()) return;
    std::string& first = turns_.front().text;
    first = first.empty() || first == "(empty)" ? system_ : system_ + "\n\n" + first;
  }

  static json::object contextOf(const Turn& t) {
    json::array results;
    for (const ToolResult& r : t.results)
      results.push_back(json::object{{"toolUseId", r.id},
                                     {"content", json::array{json::object{{"text", r.text}}}},
                                     {"status", r.error ? "error" : "success"}});
    json::object context;
    if (!results.empty()) context["toolResults"] = std::move(results);
    return context;
  }
  json::object userOf(const Turn& t, bool current) {
    json::object user{{"content", t.text}, {"origin", options_.origin}};
    json::object context = contextOf(t);
    if (current) {
      user["modelId"] = normalizeModel(toView(request_.model));
      if (!tools_.empty()) context["tools"] = std::move(tools_);
    }
    if (!context.empty()) user["userInputMessageContext"] = std::move(context);
    if (!t.images.empty()) {
      json::array images;
      for (const Image& image : t.images)
        images.push_back(json::object{{"format", image.format},
                                      {"source", json::object{{"bytes", image.bytes}}}});
      user["images"] = std::move(images);
    }
    return json::object{{"userInputMessage", std::move(user)}};
  }
  static json::object assistantOf(const Turn& t) {
    json::object assistant{{"content", t.text}};
    json::array uses;
    for (const ToolUse& use : t.uses) {
      auto input = parseObject(use.arguments);
      uses.push_back(json::object{{"toolUseId", use.id},
                                  {"name", use.name},
                                  {"input", input ? std::move(*input) : json::object{}}});
    }
    if (!uses.empty()) assistant["toolUses"] = std::move(uses);
    return json::object{{"assistantResponseMessage", std::move(assistant)}};
  }

  // Stable over a conversation, because its beginning is.
  std::string conversationId() const {
    const auto given = toView(request_.conversation_id);
    return uuidFrom(given.empty() ? std::string_view(turns_.front().text).substr(0, 4000) : given);
  }
  // One per user turn: the tool loop that follows a user's message keeps it.
  std::string continuationId() const {
    std::string seed = conversationId();
    for (const Turn& t : turns_)
      if (t.user && t.results.empty()) seed += "|" + t.text.substr(0, 1000);
    return uuidFrom(seed);
  }

  sdk::Result<Translated> write() {
    json::array history;
    for (size_t i = 0; i + 1 < turns_.size(); ++i)
      history.push_back(turns_[i].user ? userOf(turns_[i], false) : assistantOf(turns_[i]));
    json::object state{{"chatTriggerType", "MANUAL"},
                       {"conversationId", conversationId()},
                       {"agentContinuationId", continuationId()},
                       {"agentTaskType", "vibe"}};
    state["currentMessage"] = userOf(turns_.back(), true);
    state["history"] = std::move(history);
    json::object root{{"conversationState", std::move(state)}};
    if (!options_.profile_arn.empty()) root["profileArn"] = options_.profile_arn;
    if (options_.agent_mode_in_body) root["agentMode"] = "vibe";
    Translated out{json::serialize(root), std::move(names_)};
    if (out.body.size() > kLargestBody)
      return sdk::fail(OMNI_FAILURE_CONTEXT_LENGTH,
                       fmt::format("the request is {} KiB for Kiro, which takes at most {} KiB; "
                                   "shorten the conversation",
                                   out.body.size() >> 10, kLargestBody >> 10));
    return out;
  }

  const omni_request_t& request_;
  const TranslateOptions& options_;
  std::string system_;
  std::vector<Turn> turns_;
  std::vector<std::string> declared_;
  json::array tools_;
  std::map<std::string, std::string, std::less<>> names_;
};

bool digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

sdk::Result<Translated> translate(const omni_request_t& request, const TranslateOptions& options) {
  return Builder(request, options).build();
}

std::string normalizeModel(std::string_view model) {
  if (model == "auto-kiro") return "auto";
  if (!model.starts_with("claude-")) return std::string(model);
  std::string name(model);
  if (name.ends_with("-latest")) name.resize(name.size() - 7);
  if (const auto dash = name.rfind('-'); dash != std::string::npos && name.size() - dash == 9 &&
                                         digits(std::string_view(name).substr(dash + 1)))
    name.resize(dash);
  // A minor version of one or two digits after a dash: 4-5 is 4.5.
  const auto dash = name.rfind('-');
  const auto tail = std::string_view(name).substr(dash + 1);
  if (dash != std::string::npos && dash > 0 && digits(tail) && tail.size() <= 2 &&
      std::isdigit(static_cast<unsigned char>(name[dash - 1])))
    name[dash] = '.';
  return name;
}

std::string safeToolName(std::string_view name) {
  const auto legal = [](char c) { return alnum(c) || c == '_' || c == '-'; };
  const bool letter = !name.empty() && std::isalpha(static_cast<unsigned char>(name.front()));
  if (letter && name.size() <= kLongestToolName && std::ranges::all_of(name, legal))
    return std::string(name);
  std::string out = letter ? "" : "t";
  for (char c : name.substr(0, kLongestToolName - 10)) out += legal(c) ? c : '_';
  return out.substr(0, kLongestToolName - 9) + "_" + sha256Hex(name).substr(0, 8);
}

}  // namespace omni::kiro
