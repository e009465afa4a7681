#include "simulator/validation.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <vector>

#include "simulator/catalogue.hpp"

namespace omni::sim {
namespace {

constexpr std::string_view kMalformed = "Improperly formed request.";
constexpr std::size_t kMessageCharacters = 600'000;
constexpr std::size_t kMaximumImages = 20;
constexpr std::size_t kMaximumDocuments = 5;
constexpr std::size_t kImageBase64 = 5'000'000;  // about 3.75 MB decoded

using Result = std::optional<Invalid>;

Invalid malformed() {
  return {std::string(kMalformed), "REQUEST_BODY_INVALID"};
}

bool oneOf(std::string_view value, std::initializer_list<std::string_view> allowed) {
  return std::ranges::find(allowed, value) != allowed.end();
}

bool isTooLong(std::string_view name) {
  return name.empty() || name.size() > 64;
}

bool isName(std::string_view name) {
  const auto alpha = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (isTooLong(name) || !alpha(name[0])) return false;
  return std::ranges::all_of(
      name, [&](char c) { return alpha(c) || (c >= '0' && c <= '9') || c == '_' || c == '-'; });
}

bool isToolUseId(std::string_view id) {
  if (isTooLong(id)) return false;
  return std::ranges::all_of(id, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
}

Result checkTools(const json::array& tools) {
  std::set<std::string> names;
  for (const auto& tool : tools) {
    const auto* specification = object(member(&tool, "toolSpecification"));
    if (specification == nullptr) {
      if (member(&tool, "cachePoint") != nullptr) continue;
      return malformed();
    }
    const auto name = text(*specification, "name");
    if (!isName(name)) return Invalid{"Invalid tool name: " + name, "TOOL_SCHEMA_INVALID"};
    if (!names.insert(name).second)
      return Invalid{"Duplicate tool name: " + name, "TOOL_DUPLICATE"};
    const auto* schema = object(member(member(*specification, "inputSchema"), "json"));
    if (schema == nullptr || text(*schema, "type") != "object") {
      return Invalid{"The input schema of " + name + " must be an object schema",
                     "TOOL_SCHEMA_INVALID"};
    }
    for (const auto key : {"anyOf", "oneOf", "allOf"}) {
      if (schema->contains(key)) {
        return Invalid{"The input schema of " + name + " has a combinator at its root",
                       "TOOL_SCHEMA_INVALID"};
      }
    }
  }
  return std::nullopt;
}

constexpr std::string_view kSigned = "simsig-";
constexpr std::size_t kSignedHash = 16;

std::string hashOf(std::string_view text) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  std::string out;
  for (int shift = 60; shift >= 0; shift -= 4) out += "0123456789abcdef"[(hash >> shift) & 15U];
  return out;
}

// Claude's signatures are made by this simulator and carry a mark; those of its own answers also
// know the text that they sign. Anything else was tampered with.
bool isGenuine(const std::string& signature, const std::string& thinking) {
  if (!signature.starts_with("simsig")) return false;
  if (!signature.starts_with(kSigned) || signature.size() < kSigned.size() + kSignedHash)
    return true;
  return signature.substr(kSigned.size(), kSignedHash) == hashOf(thinking);
}

// What the bytes are, by their first characters in base64; empty: unknown.
std::string_view sniff(std::string_view base64) {
  if (base64.starts_with("iVBORw0KGgo")) return "png";
  if (base64.starts_with("/9j/")) return "jpeg";
  if (base64.starts_with("R0lGOD")) return "gif";
  return base64.starts_with("UklGR") ? "webp" : "";
}

Result checkAttachments(const json::object& user, const Model* model) {
  if (const auto* images = array(member(user, "images")); images != nullptr && !images->empty()) {
    if (images->size() > kMaximumImages) return Invalid{"Too many images", "IMAGE_COUNT_EXCEEDED"};
    for (const auto& image : *images) {
      if (!oneOf(text(member(&image, "format")), {"png", "jpeg", "gif", "webp"})) {
        return Invalid{"Unsupported image format", "IMAGE_FORMAT_UNSUPPORTED"};
      }
      const auto* bytes = member(member(&image, "source"), "bytes");
      if (bytes == nullptr || !bytes->is_string()) return malformed();
      if (bytes->as_string().size() > kImageBase64) {
        return Invalid{"Image is too large", "IMAGE_SIZE_EXCEEDED"};
      }
      if (const auto told = sniff(text(bytes));
          !told.empty() && told != text(member(&image, "format"))) {
        return Invalid{"The image is of another format than it says", "IMAGE_MIME_MISMATCH"};
      }
    }
    if (model != nullptr && !model->images) {
      return Invalid{
          "Bedrock error message: This model doesn't support the image content block that you "
          "provided. Update the content block and try again.",
          "IMAGE_FORMAT_UNSUPPORTED"};
    }
  }
  const auto* documents = array(member(user, "documents"));
  if (documents == nullptr) return std::nullopt;
  if (documents->size() > kMaximumDocuments) {
    return Invalid{"Too many documents", "DOCUMENT_COUNT_EXCEEDED"};
  }
  std::set<std::string> names;
  for (const auto& document : *documents) {
    const auto name = text(member(&document, "name"));
    if (name.empty()) return Invalid{"Invalid document name", "INVALID_DOCUMENT_NAME"};
    if (!names.insert(name).second) {
      return Invalid{"Duplicate document name", "DOCUMENT_DUPLICATE_NAME"};
    }
    if (!oneOf(text(member(&document, "format")),
               {"csv", "doc", "docx", "html", "md", "pdf", "txt", "xls", "xlsx"})) {
      return Invalid{"Disallowed file type", "DISALLOWED_FILE_TYPE"};
    }
  }
  return std::nullopt;
}

Result checkUser(const json::object& user, const Model* model) {
  const auto* content = member(user, "content");
  if (content == nullptr || !content->is_string()) return malformed();
  if (content->as_string().size() > kMessageCharacters) {
    return Invalid{"Input is too long.", "CONTENT_LENGTH_EXCEEDS_THRESHOLD"};
  }
  const auto* context = member(user, "userInputMessageContext");
  if (context != nullptr && !context->is_object() && !context->is_null()) return malformed();
  if (const auto* results = array(member(context, "toolResults"))) {
    for (const auto& result : *results) {
      const auto* id = member(&result, "toolUseId");
      const auto* parts = array(member(&result, "content"));
      if (id == nullptr || !id->is_string() || parts == nullptr) return malformed();
      const auto* status = member(&result, "status");
      if (status != nullptr && !oneOf(text(status), {"success", "error"})) return malformed();
      for (const auto& part : *parts) {
        const bool has_text = member(&part, "text") != nullptr;
        const bool has_json = member(&part, "json") != nullptr;
        if (has_text == has_json) return malformed();
      }
    }
  }
  if (const auto* tools = array(member(context, "tools"))) {
    if (auto problem = checkTools(*tools)) return problem;
  }
  return checkAttachments(user, model);
}

Result checkAssistant(const json::object& assistant) {
  const auto* content = member(assistant, "content");
  if (content == nullptr || !content->is_string()) return malformed();
  if (const auto* uses = array(member(assistant, "toolUses"))) {
    for (const auto& use : *uses) {
      const auto* input = member(&use, "input");
      if (!isToolUseId(text(member(&use, "toolUseId"))) || text(member(&use, "name")).empty() ||
          input == nullptr || !input->is_object()) {
        return malformed();
      }
    }
  }
  return std::nullopt;
}

Result checkReasoning(const json::object& assistant, const Model* model) {
  const auto* reasoning = member(assistant, "reasoningContent");
  if (reasoning == nullptr) return std::nullopt;
  const auto* part = object(member(reasoning, "reasoningText"));
  if ((part == nullptr) == (member(reasoning, "redactedContent") == nullptr)) return malformed();
  if (part == nullptr) return std::nullopt;
  if (member(*part, "text") == nullptr) return malformed();
  if (model != nullptr && model->family == "claude" &&
      !isGenuine(text(*part, "signature"), text(*part, "text"))) {
    return Invalid{"Invalid signature in thinking block", "THINKING_SIGNATURE_INVALID"};
  }
  return std::nullopt;
}

std::set<std::string> ids(const json::array* list) {
  std::set<std::string> out;
  if (list == nullptr) return out;
  for (const auto& entry : *list) out.insert(text(member(&entry, "toolUseId")));
  return out;
}

struct Message {
  const json::object* user = nullptr;
  const json::object* assistant = nullptr;
};

std::optional<Message> readMessage(const json::value& value) {
  Message message{object(member(&value, "userInputMessage")),
                  object(member(&value, "assistantResponseMessage"))};
  if ((message.user == nullptr) == (message.assistant == nullptr)) return std::nullopt;
  return message;
}

Result checkPairing(const std::vector<Message>& messages) {
  const json::object* asked = nullptr;  // the assistant turn right before
  for (const auto& message : messages) {
    if (message.assistant != nullptr) {
      if (asked != nullptr && !ids(array(member(*asked, "toolUses"))).empty()) {
        return Invalid{"tool_use ids were found without tool_result blocks immediately after",
                       "TOOL_USE_RESULT_MISMATCH"};
      }
      asked = message.assistant;
      continue;
    }
    const auto wanted =
        asked == nullptr ? std::set<std::string>() : ids(array(member(*asked, "toolUses")));
    const auto* results =
        array(member(member(*message.user, "userInputMessageContext"), "toolResults"));
    const bool twice = results != nullptr && results->size() != ids(results).size();
    if (twice || wanted != ids(results)) {
      return Invalid{
          wanted.empty()
              ? "unexpected tool_use_id found in tool_result blocks without a tool_use block before"
              : "Expected toolResult blocks: tool_use ids were found without tool_result blocks "
                "immediately after",
          "TOOL_USE_RESULT_MISMATCH"};
    }
    asked = nullptr;
  }
  return std::nullopt;
}

}  // namespace

std::int64_t estimateTokens(const json::object& conversation) {
  // Four characters to a token is what everybody who has no tokenizer says.
  std::int64_t characters = 0;
  const auto add = [&](const json::value& message) {
    for (const auto key : {"userInputMessage", "assistantResponseMessage"}) {
      const auto* inner = object(member(&message, key));
      if (inner == nullptr) continue;
      characters += static_cast<std::int64_t>(text(*inner, "content").size());
      for (const auto part : {"userInputMessageContext", "toolUses"}) {
        if (const auto* extra = member(*inner, part)) {
          characters += static_cast<std::int64_t>(json::serialize(*extra).size());
        }
      }
    }
  };
  if (const auto* history = array(member(conversation, "history"))) {
    for (const auto& message : *history) add(message);
  }
  if (const auto* current = member(conversation, "currentMessage")) add(*current);
  return characters / 4 + 1;
}

Result validateGenerate(const json::value& body, std::size_t body_bytes, const Limits& limits,
                        const Policy& policy) {
  if (limits.body_bytes != 0 && body_bytes > limits.body_bytes) {
    return Invalid{std::string(kMalformed), ""};
  }
  const auto* conversation = object(member(&body, "conversationState"));
  if (conversation == nullptr) return malformed();
  if (body.as_object().contains("systemPrompt") && policy.system_prompt == "reject") {
    return malformed();
  }
  if (!oneOf(text(*conversation, "chatTriggerType"), {"MANUAL", "DIAGNOSTIC", "INLINE_CHAT"})) {
    return malformed();
  }
  if (const auto* task = member(*conversation, "agentTaskType");
      task != nullptr && !oneOf(text(task), {"vibe", "spectask"})) {
    return malformed();
  }
  const auto* id = member(*conversation, "conversationId");
  if (id != nullptr && !id->is_null() && (!id->is_string() || id->as_string().size() > 128)) {
    return Invalid{"Invalid conversationId", "INVALID_CONVERSATION_ID"};
  }
  const auto* current = member(*conversation, "currentMessage");
  const auto last = current == nullptr ? std::nullopt : readMessage(*current);
  if (!last || last->user == nullptr) return malformed();

  const auto model_id = text(*last->user, "modelId", "auto");
  const auto* model = findModel(model_id);
  if (model == nullptr || (model->paid && !limits.paid_models)) {
    return Invalid{"Invalid model. Please select a different model to continue.",
                   "INVALID_MODEL_ID"};
  }
  std::vector<Message> messages;
  const auto* history_value = member(*conversation, "history");
  const auto* history = array(history_value);
  if (history_value != nullptr && history == nullptr && !history_value->is_null())
    return malformed();
  if (history != nullptr) {
    for (const auto& entry : *history) {
      const auto message = readMessage(entry);
      if (!message) return malformed();
      // Two turns of the same side in a row are no conversation.
      if (!messages.empty() && (messages.back().user != nullptr) == (message->user != nullptr)) {
        return malformed();
      }
      messages.push_back(*message);
    }
    if (!messages.empty() && messages.back().user != nullptr) return malformed();
  }
  messages.push_back(*last);
  bool tools_used = false;
  for (const auto& message : messages) {
    auto problem = message.user != nullptr ? checkUser(*message.user, model)
                                           : checkAssistant(*message.assistant);
    if (!problem && message.assistant != nullptr)
      problem = checkReasoning(*message.assistant, model);
    if (problem) return problem;
    if (message.assistant != nullptr) {
      tools_used |= !ids(array(member(*message.assistant, "toolUses"))).empty();
    }
  }
  if (auto problem = checkPairing(messages)) return problem;
  const auto* tools = array(member(member(*last->user, "userInputMessageContext"), "tools"));
  if (tools_used && (tools == nullptr || tools->empty())) {
    return Invalid{
        "The toolConfig field must be defined when using toolUse and toolResult content "
        "blocks.",
        "TOOL_CONFIG_MISSING"};
  }
  if (const auto* fields = member(body.as_object(), "additionalModelRequestFields");
      fields != nullptr && !fields->is_null()) {
    if (auto why = checkAdditionalFields(*model, *fields); !why.empty()) return Invalid{why, ""};
  }
  if (estimateTokens(*conversation) > model->input_tokens) {
    return Invalid{"Input is too long.", "CONTENT_LENGTH_EXCEEDS_THRESHOLD"};
  }
  return std::nullopt;
}

std::string signThinking(const std::string& thinking, const std::string& salt) {
  return std::string(kSigned) + hashOf(thinking) + "-" + salt;
}

}  // namespace omni::sim
