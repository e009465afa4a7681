#include "plugins/kiro/translate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <vector>

#include "plugins/kiro/conversation.hpp"
#include "plugins/kiro/effort.hpp"
#include "plugins/kiro/emulation.hpp"
#include "plugins/kiro/json_text.hpp"
#include "plugins/kiro/schema.hpp"

namespace omni::kiro {
namespace {

constexpr size_t kLongestDescription = 10'000;

using sdk::toView;

bool sameName(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

class Builder {
 public:
  Builder(const omni_request_t& request, const TranslateOptions& options)
      : request_(request),
        options_(options),
        catalogue_(options.catalogue ? *options.catalogue : builtinCatalogue()) {}

  sdk::Result<Translated> build() {
    const auto name = resolveModel(toView(request_.model), catalogue_);
    if (!name.refusal.empty()) return sdk::fail(OMNI_FAILURE_BAD_REQUEST, name.refusal);
    const ModelInfo* model = catalogue_.find(name.id);
    out_.model = name.id;
    out_.context_window = model ? model->context_window : 0;
    if (auto read = chat_.read(request_, {.model = toView(request_.model),
                                          .images = !model || model->images,
                                          .keep_reasoning = options_.replay_reasoning});
        !read)
      return std::unexpected(std::move(read.error()));
    // Before anything of this side is added: the ids follow what the client says.
    conversation_id_ = conversationId(toView(request_.conversation_id), chat_);
    continuation_id_ = continuationId(conversation_id_, chat_);
    collectTools();
    out_.emulation = emulationOf(request_, !declared_.empty());
    if (auto text = instructions(request_, out_.emulation, options_.insist); !text.empty())
      chat_.turns.back().texts.push_back(chat_.keep(std::move(text)));
    placeSystem();
    const std::string fields =
        options_.additional_fields ? effortFields(request_, name, model) : std::string();
    out_.has_additional_fields = !fields.empty();
    write(fields);
    out_.tool_names = std::move(chat_.names);
    if (out_.body.size() > options_.largest_body)
      return sdk::fail(OMNI_FAILURE_CONTEXT_LENGTH,
                       fmt::format("the request is {} KB for Kiro, which takes at most {} KB; "
                                   "shorten the conversation",
                                   out_.body.size() / 1000, options_.largest_body / 1000));
    return std::move(out_);
  }

 private:
  struct Declared {
    std::string_view name;
    std::string_view description;
    std::string_view schema;
  };

  // Declared tools, and those that only the history knows: upstream refuses calls while no tools
  // are declared.
  void collectTools() {
    const bool history_calls =
        std::ranges::any_of(chat_.turns, [](const Turn& t) { return !t.uses.empty(); });
    if (request_.tool_choice != OMNI_TOOL_CHOICE_NONE || history_calls)
      for (size_t i = 0; i < request_.tool_count; ++i) {
        const auto& tool = sdk::at(request_.tools, i, request_.tool_size);
        declare(chat_.sentName(toView(tool.name)), describe(tool), toView(tool.schema));
      }
    for (const Turn& turn : chat_.turns)
      for (const ToolUse& use : turn.uses) declare(use.name, {}, {});
  }
  std::string_view describe(const omni_tool_t& tool) {
    const auto text = toView(tool.description);
    if (text.size() <= kLongestDescription) return text;
    // The whole of it in the system text, which is as stable as the tools are.
    const auto name = chat_.sentName(toView(tool.name));
    chat_.system.push_back(chat_.keep(fmt::format("## Tool: {}\n\n{}", name, text)));
    return chat_.keep(fmt::format(
        "The full description of this tool stands in the system text under \"## Tool: {}\".",
        name));
  }
  void declare(std::string_view name, std::string_view description, std::string_view schema) {
    for (const Declared& other : declared_)
      if (sameName(other.name, name)) return;
    if (description.empty()) {
      const auto original = chat_.names.find(name);
      description = chat_.keep(fmt::format(
          "Tool: {}", original == chat_.names.end() ? name : std::string_view(original->second)));
    }
    declared_.push_back({name, description, schema});
  }

  // Before the first user text of the whole conversation, so that it stays the same prefix turn
  // after turn.
  void placeSystem() {
    if (chat_.system.empty()) return;
    auto& texts = chat_.turns.front().texts;
    if (texts.size() == 1 && texts.front() == "(empty)") texts.clear();
    texts.insert(texts.begin(), chat_.system.begin(), chat_.system.end());
  }

  size_t estimate() const {
    size_t size = 4096;
    for (const Turn& t : chat_.turns) {
      size += 200;
      for (const auto text : t.texts) size += text.size() + text.size() / 8;
      for (const ToolUse& use : t.uses) size += 120 + use.arguments.size();
      for (const ToolResult& result : t.results)
        for (const auto text : result.texts) size += 120 + text.size() + text.size() / 8;
      for (const Image& image : t.images) size += 60 + image.bytes.size();
      size += t.reasoning.text.size() + t.reasoning.signature.size() + t.reasoning.redacted.size();
    }
    for (const Declared& tool : declared_)
      size += 100 + tool.description.size() + tool.description.size() / 8 + tool.schema.size();
    return size;
  }

  void write(std::string_view fields) {
    std::string& out = out_.body;
    out.reserve(estimate());
    out += R"({"conversationState":{"agentContinuationId":)";
    appendQuoted(out, continuation_id_);
    out += R"(,"agentTaskType":"vibe","chatTriggerType":"MANUAL","conversationId":)";
    appendQuoted(out, conversation_id_);
    out += R"(,"currentMessage":)";
    writeUser(chat_.turns.back(), true);
    out += R"(,"history":[)";
    for (size_t i = 0; i + 1 < chat_.turns.size(); ++i) {
      if (i) out += ',';
      if (chat_.turns[i].user)
        writeUser(chat_.turns[i], false);
      else
        writeAssistant(chat_.turns[i]);
    }
    out += "]}";
    if (!options_.profile_arn.empty()) {
      out += R"(,"profileArn":)";
      appendQuoted(out, options_.profile_arn);
    }
    if (options_.agent_mode_in_body) out += R"(,"agentMode":"vibe")";
    if (!fields.empty()) out.append(R"(,"additionalModelRequestFields":)").append(fields);
    out += '}';
  }

  void writeContent(const std::vector<std::string_view>& texts, std::string_view between) {
    std::string& out = out_.body;
    out += '"';
    for (size_t i = 0; i < texts.size(); ++i) {
      if (i) out += between;
      appendEscaped(out, texts[i]);
    }
    out += '"';
  }

  void writeUser(const Turn& t, bool current) {
    std::string& out = out_.body;
    out += R"({"userInputMessage":{"content":)";
    writeContent(t.texts, R"(\n\n)");
    out += R"(,"origin":)";
    appendQuoted(out, options_.origin);
    if (current) {
      out += R"(,"modelId":)";
      appendQuoted(out, out_.model);
    }
    const bool with_tools = current && !declared_.empty();
    if (with_tools || !t.results.empty()) {
      out += R"(,"userInputMessageContext":{)";
      if (!t.results.empty()) writeResults(t.results);
      if (with_tools) {
        if (!t.results.empty()) out += ',';
        writeTools();
      }
      out += '}';
    }
    if (!t.images.empty()) {
      out += R"(,"images":[)";
      for (size_t i = 0; i < t.images.size(); ++i) {
        if (i) out += ',';
        out += R"({"format":")";
        out += t.images[i].format;
        out += R"(","source":{"bytes":")";
        out += t.images[i].bytes;  // checked to be base64
        out += R"("}})";
      }
      out += ']';
    }
    out += "}}";
  }

  void writeResults(const std::vector<ToolResult>& results) {
    std::string& out = out_.body;
    out += R"("toolResults":[)";
    for (size_t i = 0; i < results.size(); ++i) {
      out += i ? R"(,{"toolUseId":")" : R"({"toolUseId":")";
      out += results[i].id;
      out += R"(","content":[{"text":)";
      writeContent(results[i].texts, R"(\n)");
      out += results[i].error ? R"(}],"status":"error"})" : R"(}],"status":"success"})";
    }
    out += ']';
  }

  void writeTools() {
    std::string& out = out_.body;
    out += R"("tools":[)";
    for (size_t i = 0; i < declared_.size(); ++i) {
      out += i ? R"(,{"toolSpecification":{"name":")" : R"({"toolSpecification":{"name":")";
      out += declared_[i].name;
      out += R"(","description":)";
      appendQuoted(out, declared_[i].description);
      out += R"(,"inputSchema":{"json":)";
      appendSchema(out, declared_[i].schema);
      out += "}}}";
    }
    out += ']';
  }

  void writeAssistant(const Turn& t) {
    std::string& out = out_.body;
    out += R"({"assistantResponseMessage":{"content":)";
    writeContent(t.texts, R"(\n\n)");
    if (!t.reasoning.signature.empty()) {
      out += R"(,"reasoningContent":{"reasoningText":{"text":)";
      appendQuoted(out, t.reasoning.text);
      out += R"(,"signature":)";
      appendQuoted(out, t.reasoning.signature);
      out += "}}";
      out_.has_reasoning = true;
    } else if (!t.reasoning.redacted.empty()) {
      out += R"(,"reasoningContent":{"redactedContent":)";
      appendQuoted(out, t.reasoning.redacted);
      out += '}';
      out_.has_reasoning = true;
    }
    if (!t.uses.empty()) {
      out += R"(,"toolUses":[)";
      for (size_t i = 0; i < t.uses.size(); ++i) {
        out += i ? R"(,{"toolUseId":")" : R"({"toolUseId":")";
        out += t.uses[i].id;
        out += R"(","name":")";
        out += t.uses[i].name;
        out += R"(","input":)";
        out += t.uses[i].arguments;
        out += '}';
      }
      out += ']';
    }
    out += "}}";
  }

  const omni_request_t& request_;
  const TranslateOptions& options_;
  const Catalogue& catalogue_;
  Conversation chat_;
  std::vector<Declared> declared_;
  std::string conversation_id_;
  std::string continuation_id_;
  Translated out_;
};

}  // namespace

sdk::Result<Translated> translate(const omni_request_t& request, const TranslateOptions& options) {
  return Builder(request, options).build();
}

}  // namespace omni::kiro
