#include "simulator/validation.hpp"

#include <gtest/gtest.h>

namespace omni::sim {
namespace {

const std::string kTool =
    R"({"toolSpecification":{"name":"get","description":"d","inputSchema":{"json":{"type":"object"}}}})";
const std::string kUse =
    R"({"assistantResponseMessage":{"content":"","toolUses":[{"toolUseId":"t1","name":"get","input":{}}]}})";

std::string result(const std::string& id) {
  return R"({"toolUseId":")" + id + R"(","content":[{"text":"x"}],"status":"success"})";
}

// context and more go into the current message; history is a list without brackets.
std::string document(const std::string& history, const std::string& context = "",
                     const std::string& more = "") {
  return R"({"conversationState":{"chatTriggerType":"MANUAL","history":[)" + history +
         R"(],"currentMessage":{"userInputMessage":{"content":"hi","modelId":"claude-sonnet-4.5")" +
         (context.empty() ? "" : R"(,"userInputMessageContext":{)" + context + "}") + more + "}}}}";
}

// The reason, "ok", or the message where no reason is given.
std::string verdict(const std::string& body, Limits limits = {}) {
  const auto problem = validateGenerate(json::parse(body), body.size(), limits, Policy());
  if (!problem) return "ok";
  return problem->reason.empty() ? problem->message : problem->reason;
}

const std::string kUser = R"({"userInputMessage":{"content":"a"}})";
const std::string kAssistant = R"({"assistantResponseMessage":{"content":"b"}})";

struct Row {
  const char* name;
  std::string body;
  std::string expected;
};

class Validation : public ::testing::TestWithParam<Row> {};
TEST_P(Validation, Verdict) {
  EXPECT_EQ(verdict(GetParam().body), GetParam().expected);
}

std::string modelled(const std::string& model, const std::string& fields) {
  return R"({"conversationState":{"chatTriggerType":"MANUAL","currentMessage":{"userInputMessage":{"content":"a","modelId":")" +
         model + R"("}}},"additionalModelRequestFields":)" + fields + "}";
}

std::vector<Row> rows() {
  const auto tools = R"("tools":[)" + kTool + "]";
  const auto with_results = [&](const std::string& list) {
    return tools + R"(,"toolResults":[)" + list + "]";
  };
  const std::string mismatch = "TOOL_USE_RESULT_MISMATCH";
  const std::string invalid = "REQUEST_BODY_INVALID";
  const auto image = [](const std::string& format, const std::string& bytes = "AAAA") {
    return R"(,"images":[{"format":")" + format + R"(","source":{"bytes":")" + bytes + R"("}}])";
  };
  const auto named = [](const std::string& name) {
    return R"("tools":[{"toolSpecification":{"name":")" + name +
           R"(","inputSchema":{"json":{"type":"object"}}}}])";
  };
  const auto signed_by = [](const std::string& signature) {
    return R"({"assistantResponseMessage":{"content":"b","reasoningContent":{"reasoningText":{"text":"t","signature":")" +
           signature + R"("}}}})";
  };
  return {
      {"plain", document(""), "ok"},
      {"alternating", document(kUser + "," + kAssistant), "ok"},
      {"assistant_first", document(kAssistant), "ok"},
      {"two_users", document(kUser + "," + kUser + "," + kAssistant), invalid},
      {"history_ends_with_user", document(kUser), invalid},
      {"no_conversation", "{}", invalid},
      {"bad_trigger",
       R"({"conversationState":{"chatTriggerType":"AUTO","currentMessage":)" + kUser + "}}",
       invalid},
      {"current_is_assistant",
       R"({"conversationState":{"chatTriggerType":"MANUAL","currentMessage":)" + kAssistant + "}}",
       invalid},
      {"both_arms",
       document(
           R"({"userInputMessage":{"content":"a"},"assistantResponseMessage":{"content":"b"}})"),
       invalid},
      {"neither_arm", document("{}"), invalid},
      {"no_content", document(R"({"userInputMessage":{}},)" + kAssistant), invalid},
      {"tool_answered", document(kUser + "," + kUse, with_results(result("t1"))), "ok"},
      {"tool_unanswered", document(kUser + "," + kUse, tools), mismatch},
      {"wrong_answer", document(kUser + "," + kUse, with_results(result("t2"))), mismatch},
      {"extra_answer",
       document(kUser + "," + kUse, with_results(result("t1") + "," + result("t2"))), mismatch},
      {"orphan_answer", document(kUser + "," + kAssistant, with_results(result("t1"))), mismatch},
      {"orphan_at_start", document("", with_results(result("t1"))), mismatch},
      {"answer_in_history",
       document(
           kUser + "," + kUse +
               R"(,{"userInputMessage":{"content":"","userInputMessageContext":{"toolResults":[)" +
               result("t1") + "]}}}," + kAssistant,
           tools),
       "ok"},
      {"no_tools_declared", document(kUser + "," + kUse, R"("toolResults":[)" + result("t1") + "]"),
       "TOOL_CONFIG_MISSING"},
      {"empty_result_content",
       document(kUser + "," + kUse, with_results(R"({"toolUseId":"t1","content":[]})")), "ok"},
      {"bad_result_status",
       document(kUser + "," + kUse,
                with_results(R"({"toolUseId":"t1","content":[],"status":"maybe"})")),
       invalid},
      {"duplicate_tool", document("", R"("tools":[)" + kTool + "," + kTool + "]"),
       "TOOL_DUPLICATE"},
      {"name_of_64", document("", named(std::string(64, 'a'))), "ok"},
      {"name_of_65", document("", named(std::string(65, 'a'))), "TOOL_SCHEMA_INVALID"},
      {"name_with_dot", document("", named("a.b")), "TOOL_SCHEMA_INVALID"},
      {"schema_no_object",
       document(
           "",
           R"("tools":[{"toolSpecification":{"name":"a","inputSchema":{"json":{"type":"string"}}}}])"),
       "TOOL_SCHEMA_INVALID"},
      {"image", document("", "", image("png")), "ok"},
      {"image_format", document("", "", image("bmp")), "IMAGE_FORMAT_UNSUPPORTED"},
      {"unknown_member", document("", "", R"(,"whatever":1)"), "ok"},
      {"signature", document(kUser + "," + signed_by("simsigX")), "ok"},
      {"forged_signature", document(kUser + "," + signed_by("other")),
       "THINKING_SIGNATURE_INVALID"},
      {"own_signature", document(kUser + "," + signed_by(signThinking("t", "salt"))), "ok"},
      {"signature_of_other_text", document(kUser + "," + signed_by(signThinking("no", "salt"))),
       "THINKING_SIGNATURE_INVALID"},
      {"image_of_another_format", document("", "", image("jpeg", "iVBORw0KGgoAAAA=")),
       "IMAGE_MIME_MISMATCH"},
      {"result_twice",
       document(kUser + "," + kUse, with_results(result("t1") + "," + result("t1"))),
       "TOOL_USE_RESULT_MISMATCH"},
      {"unknown_model", modelled("gpt-4", "null"), "INVALID_MODEL_ID"},
      {"legacy_model_name", modelled("CLAUDE_SONNET_4_20250514_V1_0", "null"), "ok"},
      {"fields_unsupported", modelled("claude-haiku-4.5", R"({"max_tokens":2048})"),
       "additionalModelRequestFields is not supported for this model"},
      {"fields",
       modelled("claude-opus-4.7",
                R"({"thinking":{"type":"adaptive"},"output_config":{"effort":"xhigh"}})"),
       "ok"},
      {"fields_effort", modelled("claude-opus-4.6", R"({"output_config":{"effort":"xhigh"}})"),
       "effort is invalid"},
      {"fields_tokens", modelled("claude-opus-4.7", R"({"max_tokens":10})"),
       "max_tokens is out of range"},
      {"fields_gpt", modelled("gpt-5.6-sol", R"({"reasoning":{"effort":"none"}})"), "ok"},
  };
}

INSTANTIATE_TEST_SUITE_P(Rows, Validation, ::testing::ValuesIn(rows()),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(ValidationLimits, BodyAndMessageAndContext) {
  EXPECT_EQ(verdict(document(""), {.body_bytes = 10}), "Improperly formed request.");
  auto long_text = document("");
  long_text.replace(long_text.find(R"("hi")"), 4, '"' + std::string(600'001, 'x') + '"');
  EXPECT_EQ(verdict(long_text), "CONTENT_LENGTH_EXCEEDS_THRESHOLD");
  auto window = document("");
  window.replace(window.find(R"("hi")"), 4, '"' + std::string(500'000, 'x') + '"');
  const auto big =
      std::string(R"({"userInputMessage":{"content":")") + std::string(500'000, 'y') + "\"}}";
  window.replace(window.find(R"("history":[)"), 11, R"("history":[)" + big + "," + kAssistant);
  EXPECT_EQ(verdict(window), "CONTENT_LENGTH_EXCEEDS_THRESHOLD");
}

}  // namespace
}  // namespace omni::sim
