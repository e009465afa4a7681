// Rows 1 to 58 of the test list in the wire description (section H.9): what becomes of a request.

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>

#include "tests/unit/plugins/kiro/wire_kit.hpp"

namespace omni::kiro::wire {
namespace {

constexpr const char* kPng = "iVBORw0KGgoAAAANSUhEUg==";
const std::string kToolPath = "/userInputMessageContext/tools";
const std::string kResultPath = "/userInputMessageContext/toolResults";

bool isUuid(const std::string& text) {
  return text.size() == 36 && text[8] == '-' && text[13] == '-' && text[18] == '-' &&
         text[23] == '-';
}

std::set<std::string> toolNames(const Document& d) {
  std::set<std::string> out;
  for (size_t i = 0; i < d.size(current(kToolPath)); ++i)
    out.insert(d.text(current(kToolPath + "/" + std::to_string(i) + "/toolSpecification/name")));
  return out;
}
std::string toolSchema(const Document& d) {
  return d.text(current(kToolPath + "/0/toolSpecification/inputSchema/json"));
}
std::string toolDescription(const Document& d) {
  return d.text(current(kToolPath + "/0/toolSpecification/description"));
}

// With the model list of an account that has `id` and nothing else.
TranslateOptions only(const std::string& id) {
  static std::vector<std::unique_ptr<Catalogue>> made;
  auto& c = made.emplace_back(std::make_unique<Catalogue>());
  ModelInfo model;
  model.id = id;
  c->models = {model};
  TranslateOptions out;
  out.catalogue = c.get();
  return out;
}

struct Row {
  int number;
  const char* what;
  std::function<void(RequestBuilder&)> given;
  std::function<void(const Document&)> expect;
  TranslateOptions options = {};
};

const char* kObject = R"({"type":"object","properties":{}})";

std::vector<Row> rows() {
  std::vector<Row> out;
  const auto row = [&](int number, const char* what, std::function<void(RequestBuilder&)> given,
                       std::function<void(const Document&)> expect, TranslateOptions options = {}) {
    out.push_back({number, what, std::move(given), std::move(expect), options});
  };
  const auto same = [](std::string_view pointer, std::string_view value) {
    return [pointer = std::string(pointer), value = std::string(value)](const Document& d) {
      EXPECT_EQ(d.text(pointer), value) << pointer;
    };
  };
  const auto schemaRow = [&](int number, const char* what, const char* schema,
                             const char* expected) {
    row(
        number, what, [=](RequestBuilder& r) { r.user("x").tool("t", "d", schema); },
        [=](const Document& d) { EXPECT_EQ(toolSchema(d), expected); });
  };
  const auto modelRow = [&](int number, const char* given, const char* expected,
                            TranslateOptions options = {}) {
    row(
        number, given, [=](RequestBuilder& r) { r.model(given).user("x"); },
        same(current("/modelId"), expected), options);
  };
  const auto fieldsRow = [&](int number, const char* model, const char* effort,
                             const char* expected) {
    row(
        number, model, [=](RequestBuilder& r) { r.model(model).reasoningEffort(effort).user("x"); },
        [=](const Document& d) {
          EXPECT_EQ(d.at("/additionalModelRequestFields"),
                    *expected ? json::parse(expected) : json::value());
          EXPECT_EQ(d.has("/additionalModelRequestFields"), *expected != 0);
        });
  };

  row(
      1, "one user", [](RequestBuilder& r) { r.model("claude-sonnet-4.5").user("Hi"); },
      [](const Document& d) {
        EXPECT_EQ(d.text("/conversationState/history"), "[]");
        EXPECT_TRUE(d.text(current("/content")).ends_with("Hi"));
        EXPECT_EQ(d.text(current("/modelId")), "claude-sonnet-4.5");
        EXPECT_EQ(d.text("/conversationState/chatTriggerType"), "MANUAL");
        EXPECT_TRUE(isUuid(d.text("/conversationState/conversationId")));
        EXPECT_TRUE(isUuid(d.text("/conversationState/agentContinuationId")));
      });
  row(
      2, "system text goes before the first user text, once",
      [](RequestBuilder& r) { r.system("Rules").user("Hello").assistant("Hi").user("Thanks"); },
      [](const Document& d) {
        EXPECT_EQ(d.text(history(0, "/userInputMessage/content")), "Rules\n\nHello");
        EXPECT_EQ(d.text(current("/content")), "Thanks");
        const auto& body = d.result->body;
        EXPECT_EQ(body.find("Rules"), body.rfind("Rules"));
      });
  for (const char* broken : {"{not-json", ""})
    row(
        *broken ? 4 : 5, "broken arguments become {} in the history",
        [=](RequestBuilder& r) {
          r.user("x").message(OMNI_ROLE_ASSISTANT).toolCall("t1", "edit", broken);
          r.message(OMNI_ROLE_USER).toolResult("t1", "ok");
        },
        same(history(1, "/assistantResponseMessage/toolUses/0/input"), "{}"));
  row(
      6, "a string as input",
      [](RequestBuilder& r) {
        r.user("x").message(OMNI_ROLE_ASSISTANT).toolCall("t1", "edit", R"("{not-json")");
        r.message(OMNI_ROLE_USER).toolResult("t1", "ok");
      },
      same(history(1, "/assistantResponseMessage/toolUses/0/input"), "{}"));
  row(
      7, "ends with the assistant", [](RequestBuilder& r) { r.user("x").assistant("y"); },
      [](const Document& d) {
        EXPECT_EQ(d.text(history(1, "/assistantResponseMessage/content")), "y");
        EXPECT_EQ(d.text(current("/content")), "...");
      });
  row(
      8, "starts with the assistant", [](RequestBuilder& r) { r.assistant("y").user("x"); },
      [](const Document& d) {
        EXPECT_EQ(d.text(history(0, "/userInputMessage/content")), "(empty)");
        EXPECT_EQ(d.text(history(0, "/userInputMessage/origin")), "AI_EDITOR");
        EXPECT_EQ(d.text(history(1, "/assistantResponseMessage/content")), "y");
      });
  row(
      9, "two assistants in a row",
      [](RequestBuilder& r) { r.user("x").assistant("Part 1").assistant("Part 2").user("y"); },
      [](const Document& d) {
        EXPECT_EQ(d.size("/conversationState/history"), 2u);
        EXPECT_EQ(d.text(history(1, "/assistantResponseMessage/content")), "Part 1\n\nPart 2");
      });
  row(
      10, "three assistants in a row, each with a call",
      [](RequestBuilder& r) {
        r.user("x");
        for (const char* id : {"a", "b", "c"})
          r.message(OMNI_ROLE_ASSISTANT).toolCall(id, "edit", "{}");
        r.message(OMNI_ROLE_USER).toolResult("c", "3").toolResult("a", "1").toolResult("b", "2");
      },
      [](const Document& d) {
        EXPECT_EQ(d.size("/conversationState/history"), 2u);
        for (size_t i = 0; i < 3; ++i) {
          const std::string id(1, static_cast<char>('a' + i));
          EXPECT_EQ(d.text(history(1, "/assistantResponseMessage/toolUses/" + std::to_string(i) +
                                          "/toolUseId")),
                    id);
          // Results stand in the order of the calls.
          EXPECT_EQ(d.text(current(kResultPath + "/" + std::to_string(i) + "/toolUseId")), id);
          EXPECT_EQ(d.text(current(kResultPath + "/" + std::to_string(i) + "/content/0/text")),
                    std::to_string(i + 1));
        }
      });
  row(
      11, "users in a row", [](RequestBuilder& r) { r.user("a").user("b").user("c"); },
      [](const Document& d) {
        EXPECT_EQ(d.size("/conversationState/history"), 0u);
        EXPECT_EQ(d.text(current("/content")), "a\n\nb\n\nc");
      });
  row(
      12, "a result without a call",
      [](RequestBuilder& r) {
        r.user("x").assistant("y").message(OMNI_ROLE_USER).toolResult("orphan_1", "data");
        r.user("Follow-up");
      },
      [](const Document& d) {
        EXPECT_EQ(d.text(current("/content")), "Follow-up\n\n[Tool Result (orphan_1)]\ndata");
        EXPECT_FALSE(d.has(current(kResultPath)));
      });
  row(
      13, "tools that only the history knows",
      [](RequestBuilder& r) {
        r.user("x")
            .message(OMNI_ROLE_ASSISTANT)
            .toolCall("1", "edit", "{}")
            .toolCall("2", "bash", "{}");
        r.message(OMNI_ROLE_USER).toolResult("1", "a").toolResult("2", "b");
      },
      [](const Document& d) {
        EXPECT_EQ(toolNames(d), (std::set<std::string>{"bash", "edit"}));
        EXPECT_EQ(toolSchema(d), kObject);
      });
  row(
      14, "the client's schema is kept",
      [](RequestBuilder& r) {
        r.user("x").message(OMNI_ROLE_ASSISTANT).toolCall("1", "edit", "{}");
        r.message(OMNI_ROLE_USER).toolResult("1", "a");
        r.tool("edit", "Edits", R"({"type":"object","properties":{"p":{"type":"string"}}})");
      },
      [](const Document& d) {
        EXPECT_EQ(toolNames(d).size(), 1u);
        EXPECT_EQ(toolSchema(d), R"({"type":"object","properties":{"p":{"type":"string"}}})");
        EXPECT_EQ(toolDescription(d), "Edits");
      });
  row(
      15, "a name that differs in letter case only",
      [](RequestBuilder& r) {
        r.user("x").message(OMNI_ROLE_ASSISTANT).toolCall("1", "Edit", "{}");
        r.message(OMNI_ROLE_USER).toolResult("1", "a").tool("edit", "Edits", kObject);
      },
      [](const Document& d) { EXPECT_EQ(toolNames(d), (std::set<std::string>{"edit"})); });
  row(
      16, "two answers to one call, in order",
      [](RequestBuilder& r) {
        r.user("x").message(OMNI_ROLE_ASSISTANT).toolCall("1", "edit", "{}");
        r.message(OMNI_ROLE_USER).toolResult("1", "first").toolResult("1", "second");
      },
      [](const Document& d) {
        EXPECT_EQ(d.size(current(kResultPath)), 1u);
        EXPECT_EQ(d.text(current(kResultPath + "/0/content/0/text")), "first\nsecond");
        EXPECT_EQ(d.text(current(kResultPath + "/0/status")), "success");
      });
  for (const bool failed : {true, false})
    row(
        17, "is_error",
        [=](RequestBuilder& r) {
          r.user("x").message(OMNI_ROLE_ASSISTANT).toolCall("1", "edit", "{}");
          r.message(OMNI_ROLE_USER).toolResult("1", "why", failed);
        },
        [=](const Document& d) {
          EXPECT_EQ(d.text(current(kResultPath + "/0/status")), failed ? "error" : "success");
          EXPECT_EQ(d.text(current(kResultPath + "/0/content/0/text")), "why");
        });
  row(
      19, "a result that is JSON",
      [](RequestBuilder& r) {
        r.user("x").message(OMNI_ROLE_ASSISTANT).toolCall("1", "edit", "{}");
        r.message(OMNI_ROLE_USER).toolResult("1", R"({"a":[1,"\n"]})");
      },
      same(current(kResultPath + "/0/content/0/text"), R"({"a":[1,"\n"]})"));
  row(
      20, "an empty result",
      [](RequestBuilder& r) {
        r.user("x").message(OMNI_ROLE_ASSISTANT).toolCall("1", "edit", "{}");
        r.message(OMNI_ROLE_USER).toolResult("1", "");
      },
      same(current(kResultPath + "/0/content/0/text"), "(no output)"));
  row(
      22, "the last message is a result only",
      [](RequestBuilder& r) {
        r.user("x").message(OMNI_ROLE_ASSISTANT).toolCall("1", "edit", "{}");
        r.message(OMNI_ROLE_USER).toolResult("1", "ok");
      },
      [](const Document& d) {
        EXPECT_EQ(d.text(current("/content")), "");
        EXPECT_EQ(d.size(current(kResultPath)), 1u);
      });
  row(
      23, "a call and a result without ids",
      [](RequestBuilder& r) {
        r.user("x")
            .message(OMNI_ROLE_ASSISTANT)
            .toolCall("", "edit", "{}")
            .toolCall("", "edit", "{}");
        r.message(OMNI_ROLE_USER).toolResult("", "one").toolResult("", "two");
      },
      [](const Document& d) {
        const auto first = d.text(history(1, "/assistantResponseMessage/toolUses/0/toolUseId"));
        const auto second = d.text(history(1, "/assistantResponseMessage/toolUses/1/toolUseId"));
        EXPECT_TRUE(isSafeToolId(first));
        EXPECT_NE(first, second);
        EXPECT_EQ(d.text(current(kResultPath + "/0/toolUseId")), first);
        EXPECT_EQ(d.text(current(kResultPath + "/0/content/0/text")), "one");
        EXPECT_EQ(d.text(current(kResultPath + "/1/toolUseId")), second);
        EXPECT_EQ(d.text(current(kResultPath + "/1/content/0/text")), "two");
      });
  row(
      24, "ids stay",
      [](RequestBuilder& r) {
        r.user("x").message(OMNI_ROLE_ASSISTANT).toolCall("toolu_01-Ab", "edit", "{}");
        r.message(OMNI_ROLE_USER).toolResult("toolu_01-Ab", "ok");
      },
      [](const Document& d) {
        EXPECT_EQ(d.text(history(1, "/assistantResponseMessage/toolUses/0/toolUseId")),
                  "toolu_01-Ab");
        EXPECT_EQ(d.text(current(kResultPath + "/0/toolUseId")), "toolu_01-Ab");
      });
  row(
      25, "the same answer twice",
      [](RequestBuilder& r) {
        r.user("x").message(OMNI_ROLE_ASSISTANT).toolCall("1", "edit", "{}");
        r.message(OMNI_ROLE_USER).toolResult("1", "same").toolResult("1", "same");
      },
      [](const Document& d) {
        EXPECT_EQ(d.size(current(kResultPath)), 1u);
        EXPECT_EQ(d.text(current(kResultPath + "/0/content/0/text")), "same");
      });
  row(
      26, "a call that was never answered",
      [](RequestBuilder& r) {
        r.user("x").message(OMNI_ROLE_ASSISTANT).toolCall("1", "edit", "{}");
        r.user("never mind");
      },
      [](const Document& d) {
        EXPECT_EQ(d.text(current("/content")), "never mind");
        EXPECT_EQ(d.text(current(kResultPath + "/0/toolUseId")), "1");
        EXPECT_EQ(d.text(current(kResultPath + "/0/status")), "error");
        EXPECT_EQ(d.text(current(kResultPath + "/0/content/0/text")),
                  "Tool use was cancelled by the user");
      });
  row(
      27, "no calls, no member", [](RequestBuilder& r) { r.user("x").assistant("y").user("z"); },
      [](const Document& d) {
        EXPECT_FALSE(d.has(history(1, "/assistantResponseMessage/toolUses")));
      });
  schemaRow(28, "refused keywords",
            R"({"$schema":"s","$defs":{"P":{"type":"string","description":"a path"}},)"
            R"("additionalProperties":false,"type":"object","description":"all","properties":{)"
            R"("p":{"$ref":"#/$defs/P"},"o":{"type":"object","additionalProperties":true,)"
            R"("properties":{"$ref":{"type":"string"}}},)"
            R"("n":{"anyOf":[{"type":"integer"},{"type":"null"}],"description":"how many"}}})",
            R"({"type":"object","description":"all","properties":{)"
            R"("p":{"type":"string","description":"a path"},"o":{"type":"object","properties":)"
            R"({"$ref":{"type":"string"}}},"n":{"description":"how many","type":"integer"}}})");
  schemaRow(29, "an empty list of required members",
            R"({"type":"object","properties":{},"required":[]})", kObject);
  schemaRow(30, "required members stay",
            R"({"type":"object","properties":{"path":{}},"required":["path"]})",
            R"({"type":"object","properties":{"path":{}},"required":["path"]})");
  row(
      31, "a long tool name",
      [](RequestBuilder& r) { r.user("x").tool(std::string(80, 'a'), "d", kObject); },
      [](const Document& d) {
        const auto name = *toolNames(d).begin();
        EXPECT_LE(name.size(), 64u);
        EXPECT_NE(name, std::string(80, 'a'));
        EXPECT_EQ(d.result->tool_names.at(name), std::string(80, 'a'));
      });
  row(
      32, "two long tool names that begin alike",
      [](RequestBuilder& r) {
        r.user("x").tool(std::string(80, 'a') + "1", "d", kObject);
        r.tool(std::string(80, 'a') + "2", "d", kObject);
      },
      [](const Document& d) {
        EXPECT_EQ(toolNames(d).size(), 2u);
        EXPECT_EQ(safeToolName(std::string(80, 'a') + "1"),
                  safeToolName(std::string(80, 'a') + "1"));
      });
  row(
      33, "a legal tool name",
      [](RequestBuilder& r) { r.user("x").tool("read_file", "d", kObject); },
      [](const Document& d) {
        EXPECT_EQ(toolNames(d), (std::set<std::string>{"read_file"}));
        EXPECT_TRUE(d.result->tool_names.empty());
      });
  row(
      34, "no tools", [](RequestBuilder& r) { r.user("x"); },
      [](const Document& d) { EXPECT_FALSE(d.has(current("/userInputMessageContext"))); });
  row(
      35, "no description", [](RequestBuilder& r) { r.user("x").tool("read_file", "", kObject); },
      [](const Document& d) { EXPECT_EQ(toolDescription(d), "Tool: read_file"); });
  row(
      36, "a long description",
      [](RequestBuilder& r) {
        r.system("Rules").user("x").tool("read", std::string(12'000, 'd'), kObject);
      },
      [](const Document& d) {
        EXPECT_LT(toolDescription(d).size(), 200u);
        const auto content = d.text(current("/content"));
        EXPECT_TRUE(content.starts_with("Rules\n\n## Tool: read\n\nddd"));
        EXPECT_TRUE(content.ends_with("ddd\n\nx"));
      });
  row(
      37, "images in three forms",
      [](RequestBuilder& r) {
        r.model("claude-sonnet-4.5").user("x").image("image/png", kPng);
        r.image("image/jpeg", std::string("data:image/png;base64,") + kPng).image("png", kPng);
      },
      [](const Document& d) {
        ASSERT_EQ(d.size(current("/images")), 3u);
        for (const char* i : {"0", "1", "2"}) {
          EXPECT_EQ(d.text(current(std::string("/images/") + i + "/format")), "png");
          EXPECT_EQ(d.text(current(std::string("/images/") + i + "/source/bytes")), kPng);
        }
      });
  row(
      38, "images for a model that has none, earlier in the conversation",
      [](RequestBuilder& r) {
        r.model("glm-5").user("look").image("image/png", kPng).assistant("ok").user("and?");
      },
      [](const Document& d) {
        EXPECT_FALSE(d.has(history(0, "/userInputMessage/images")));
        EXPECT_EQ(d.text(history(0, "/userInputMessage/content")),
                  "look\n\n[image left out: this model takes text only]");
      });
  row(
      39, "no comma, no data",
      [](RequestBuilder& r) {
        r.user("x").image("image/png", "data:image/png;base64").image("image/png", "data:,");
      },
      [](const Document& d) {
        EXPECT_FALSE(d.has(current("/images")));
        EXPECT_TRUE(d.text(current("/content")).starts_with("x\n\n[image left out"));
      });
  modelRow(41, "claude-opus-4-8", "claude-opus-4.8");
  modelRow(41, "claude-sonnet-4-6", "claude-sonnet-4.6");
  modelRow(42, "claude-opus-4-20250514", "claude-opus-4-20250514");
  modelRow(42, "claude-opus-4-20250514", "claude-opus-4", only("claude-opus-4"));
  modelRow(43, "claude-opus-4-1-20250805", "claude-opus-4-1-20250805");
  modelRow(43, "claude-opus-4-1-20250805", "claude-opus-4.1", only("claude-opus-4.1"));
  modelRow(44, "claude-haiku-4-5-20251001", "claude-haiku-4.5");
  modelRow(44, "claude-haiku-4-5-20251001-thinking", "claude-haiku-4.5");
  modelRow(46, "auto", "auto");
  modelRow(47, "gpt-4", "gpt-4");
  row(
      48, "temperature, top_p, max_tokens",
      [](RequestBuilder& r) {
        r.model("claude-sonnet-4.5").user("x").temperature(0.5).topP(0.9).maxTokens(10);
      },
      [](const Document& d) {
        for (const char* word : {"temperature", "topP", "top_p", "max_tokens", "inferenceConfig"})
          EXPECT_EQ(d.result->body.find(word), std::string::npos);
      });
  fieldsRow(49, "claude-opus-4.7", "high",
            R"({"thinking":{"type":"adaptive","display":"summarized"},)"
            R"("output_config":{"effort":"high"}})");
  fieldsRow(50, "claude-haiku-4.5", "high", "");
  fieldsRow(50, "claude-sonnet-4.5", "high", "");
  fieldsRow(51, "claude-sonnet-4.6", "xhigh",
            R"({"thinking":{"type":"adaptive","display":"summarized"},)"
            R"("output_config":{"effort":"high"}})");
  fieldsRow(52, "gpt-5.6-sol", "high", R"({"reasoning":{"effort":"high"}})");
  row(
      53, "signed thinking",
      [](RequestBuilder& r) {
        r.user("x").message(OMNI_ROLE_ASSISTANT);
        r.reasoning("I \"think\"\n\u00e9", "sig+/==\n").text("y").user("z");
      },
      [](const Document& d) {
        const std::string at = history(1, "/assistantResponseMessage/reasoningContent");
        EXPECT_EQ(d.text(at + "/reasoningText/text"), "I \"think\"\n\u00e9");
        EXPECT_EQ(d.text(at + "/reasoningText/signature"), "sig+/==\n");
        EXPECT_EQ(d.text(history(1, "/assistantResponseMessage/content")), "y");
        EXPECT_TRUE(d.result->has_reasoning);
      });
  row(
      54, "unsigned thinking",
      [](RequestBuilder& r) {
        r.user("x").message(OMNI_ROLE_ASSISTANT).reasoning("secret thoughts").text("y").user("z");
      },
      [](const Document& d) {
        EXPECT_EQ(d.result->body.find("secret thoughts"), std::string::npos);
        EXPECT_FALSE(d.has(history(1, "/assistantResponseMessage/reasoningContent")));
      });
  const char* uuid = "8bb5523b-ec7c-4540-a9ca-beb6d79f1552";
  for (const std::string& given :
       {std::string(uuid), "user_0_account__session_" + std::string(uuid),
        R"({"device_id":"d","session_id":")" + std::string(uuid) + R"("})",
        std::string("8BB5523B-EC7C-4540-A9CA-BEB6D79F1552")})
    row(
        55, "the session in the user's id",
        [=](RequestBuilder& r) { r.conversation(given).user("x"); },
        same("/conversationState/conversationId", uuid));
  for (const char* given : {R"({"session_id":"not-a-uuid"})", "user_0_account__session_nonsense"})
    row(
        56, "no session in the user's id",
        [=](RequestBuilder& r) { r.conversation(given).user("x"); },
        [](const Document& d) {
          RequestBuilder plain;
          plain.user("x");
          EXPECT_EQ(d.text("/conversationState/conversationId"),
                    document(plain).text("/conversationState/conversationId"));
        });
  row(
      57, "system text in the middle",
      [](RequestBuilder& r) { r.user("a").assistant("b").system("note").user("c"); },
      [](const Document& d) {
        EXPECT_EQ(d.size("/conversationState/history"), 2u);
        EXPECT_EQ(d.text(current("/content")), "note\n\nc");
      });
  return out;
}

TEST(KiroH9, Requests) {
  std::set<int> seen;
  for (const Row& r : rows()) {
    SCOPED_TRACE("row " + std::to_string(r.number) + ": " + r.what);
    seen.insert(r.number);
    RequestBuilder request;
    r.given(request);
    const Document d = document(request, r.options);
    ASSERT_TRUE(d.result) << d.result.error().message;
    r.expect(d);
  }
  // These have tests of their own below: they need children, two requests or a refusal.
  for (const int own : {3, 18, 21, 40, 45, 58}) seen.insert(own);
  for (int number = 1; number <= 58; ++number) EXPECT_TRUE(seen.contains(number)) << number;
}

TEST(KiroH9, Row3TheSameConversationHasTheSameIds) {
  RequestBuilder once, again, later, next, other;
  for (RequestBuilder* r : {&once, &again, &later, &next}) r->system("Rules").user("Build it");
  later.message(OMNI_ROLE_ASSISTANT).toolCall("1", "edit", "{}");
  later.message(OMNI_ROLE_USER).toolResult("1", "ok");
  next.assistant("Done").user("Thanks");
  other.system("Rules").user("Break it");
  const auto ids = [](RequestBuilder& r) {
    const Document d = document(r);
    return std::pair(d.text("/conversationState/conversationId"),
                     d.text("/conversationState/agentContinuationId"));
  };
  const auto first = ids(once);
  EXPECT_EQ(ids(again), first);
  EXPECT_EQ(ids(later), first);  // the tool loop keeps both
  EXPECT_EQ(ids(next).first, first.first);
  EXPECT_NE(ids(next).second, first.second);  // a new user turn
  EXPECT_NE(ids(other).first, first.first);
}

// Results with several parts: the builder makes one text child only, so these are made by hand.
struct Results {
  std::vector<omni_part_t> children, parts;
  std::vector<omni_message_t> messages;
  omni_request_t request{};

  explicit Results(std::vector<omni_part_t> content) : children(std::move(content)) {
    omni_part_t ask{}, call{}, result{};
    ask.text = sdk::toStr("x");
    call.kind = OMNI_PART_TOOL_CALL;
    call.id = result.id = sdk::toStr("1");
    call.name = sdk::toStr("shot");
    call.text = sdk::toStr("{}");
    result.kind = OMNI_PART_TOOL_RESULT;
    result.children = children.data();
    result.child_count = children.size();
    parts = {ask, call, result};
    messages = {{OMNI_ROLE_USER, 0, &parts[0], 1},
                {OMNI_ROLE_ASSISTANT, 0, &parts[1], 1},
                {OMNI_ROLE_USER, 0, &parts[2], 1}};
    RequestBuilder defaults;
    request = defaults.build();
    request.model = sdk::toStr("claude-sonnet-4.5");
    request.messages = messages.data();
    request.message_count = messages.size();
  }
  static omni_part_t text(const char* value) {
    omni_part_t p{};
    p.text = sdk::toStr(value);
    return p;
  }
  static omni_part_t image(const char* data) {
    omni_part_t p{};
    p.kind = OMNI_PART_IMAGE;
    p.media_type = sdk::toStr("image/png");
    p.data = sdk::toStr(data);
    return p;
  }
  Document document() const {
    Document d{translate(request, {}), {}};
    if (d.result) d.root = json::parse(d.result->body);
    return d;
  }
};

TEST(KiroH9, Row18AnImageInAResultIsLifted) {
  const Document d = Results({Results::image(kPng), Results::image(kPng)}).document();
  ASSERT_TRUE(d.result);
  EXPECT_EQ(d.size(current("/images")), 2u);
  EXPECT_EQ(d.text(current(kResultPath + "/0/content/0/text")),
            "[image 1 of this message]\n[image 2 of this message]");
}

TEST(KiroH9, Row21AllTextsOfAResult) {
  const Document d = Results({Results::text("entry A"), Results::text("entry B")}).document();
  ASSERT_TRUE(d.result);
  EXPECT_EQ(d.text(current(kResultPath + "/0/content/0/text")), "entry A\nentry B");
}

TEST(KiroH9, Row40AnImageByAddressIsText) {
  omni_part_t part{};
  part.kind = OMNI_PART_IMAGE;
  part.text = sdk::toStr("https://example.com/cat.png");
  const Document d = Results({part}).document();
  ASSERT_TRUE(d.result);
  EXPECT_FALSE(d.has(current("/images")));
  EXPECT_EQ(d.text(current(kResultPath + "/0/content/0/text")),
            "[Image: https://example.com/cat.png]");
}

TEST(KiroH9, Row45NamesWithForeignSuffixesAreRefused) {
  for (const char* name :
       {"claude-sonnet-5-thinking[1m]", "claude-sonnet-4.6[1m]", "claude-sonnet-4.6-agentic"}) {
    RequestBuilder r;
    r.model(name).user("x");
    const auto result = translate(r.build(), {});
    ASSERT_FALSE(result) << name;
    EXPECT_EQ(result.error().kind, OMNI_FAILURE_BAD_REQUEST);
    EXPECT_NE(result.error().message.find(name), std::string::npos);
  }
}

TEST(KiroH9, Row58SizeIsCheckedBeforeSending) {
  struct Size {
    size_t text, limit;
    bool fits;
  };
  for (const Size& s :
       {Size{600'000, kLargestLegacyBody, true}, Size{629'504, kLargestLegacyBody, false},
        Size{700'000, kLargestBody, true}, Size{4u << 20, kLargestBody, false}}) {
    RequestBuilder r;
    r.user(std::string(s.text, 'x'));
    TranslateOptions options;
    options.largest_body = s.limit;
    const auto result = translate(r.build(), options);
    EXPECT_EQ(result.has_value(), s.fits) << s.text;
    if (!result) {
      EXPECT_EQ(result.error().kind, OMNI_FAILURE_CONTEXT_LENGTH);
    }
  }
}

// Beyond the list: refusals of the newest turn name what is wrong, and nothing is sent.
TEST(KiroRequests, ImagesOfTheNewestTurnAreRefusedClearly) {
  struct Bad {
    const char* model;
    const char* type;
    std::string data;
    const char* says;
  };
  for (const Bad& b : {Bad{"glm-5", "image/png", kPng, "takes no images"},
                       Bad{"auto", "image/tiff", "AAAA", "not supported"},
                       Bad{"auto", "image/png", "not base64!", "base64"},
                       Bad{"auto", "image/png", std::string(5'000'004, 'A'), "3.75 MB"}}) {
    RequestBuilder r;
    r.model(b.model).user("x").image(b.type, b.data);
    const auto result = translate(r.build(), {});
    ASSERT_FALSE(result) << b.says;
    EXPECT_EQ(result.error().kind, OMNI_FAILURE_BAD_REQUEST);
    EXPECT_NE(result.error().message.find(b.says), std::string::npos) << result.error().message;
  }
}

TEST(KiroRequests, TheNewestImagesAreKept) {
  RequestBuilder r;
  for (int i = 0; i < 4; ++i) {
    r.user("look");
    for (int k = 0; k < 4; ++k) r.image("image/png", kPng);
    r.assistant("ok");
  }
  r.user("and now?");
  const Document d = document(r);
  ASSERT_TRUE(d.result);
  EXPECT_FALSE(d.has(history(0, "/userInputMessage/images")));
  EXPECT_EQ(d.size(history(2, "/userInputMessage/images")), 2u);
  EXPECT_EQ(d.size(history(4, "/userInputMessage/images")), 4u);
  EXPECT_EQ(d.size(history(6, "/userInputMessage/images")), 4u);
}

// Ids are unique in a conversation; some clients count from one in every turn.
TEST(KiroRequests, IdsThatComeAgainAreToldApart) {
  RequestBuilder r;
  r.user("x");
  for (const char* answer : {"first", "second"}) {
    r.message(OMNI_ROLE_ASSISTANT).toolCall("1", "edit", "{}").toolCall("1", "bash", "{}");
    r.message(OMNI_ROLE_USER).toolResult("1", answer).toolResult("1", "bash");
  }
  const Document d = document(r);
  ASSERT_TRUE(d.result);
  std::set<std::string> ids;
  for (const size_t turn : {1u, 3u})
    for (const char* call : {"0", "1"})
      ids.insert(d.text(
          history(turn, std::string("/assistantResponseMessage/toolUses/") + call + "/toolUseId")));
  EXPECT_EQ(ids.size(), 4u);
  EXPECT_EQ(d.text(history(2, "/userInputMessage" + kResultPath + "/0/content/0/text")), "first");
  EXPECT_EQ(d.text(history(2, "/userInputMessage" + kResultPath + "/1/content/0/text")), "bash");
  EXPECT_EQ(d.text(current(kResultPath + "/0/content/0/text")), "second");
  EXPECT_EQ(d.text(current(kResultPath + "/1/content/0/text")), "bash");
  EXPECT_EQ(d.text(current(kResultPath + "/1/toolUseId")),
            d.text(history(3, "/assistantResponseMessage/toolUses/1/toolUseId")));
}

// Also the caches stay warm: what one turn adds, and how a turn is asked for, changes nothing
// before it.
TEST(KiroRequests, EarlierTurnsStayAsTheyWere) {
  const auto body = [](bool more, uint32_t choice, const char* format) {
    RequestBuilder r;
    r.system("Rules").user("one").assistant("two").user("three").tool("edit", "d", kObject);
    if (more) r.assistant("four").user("five");
    r.toolChoice(choice, "edit").responseFormat(format);
    const Document d = document(r);
    return json::serialize(d.at(history(0, ""))) + json::serialize(d.at(history(1, "")));
  };
  const auto plain = body(false, OMNI_TOOL_CHOICE_AUTO, "");
  EXPECT_EQ(body(true, OMNI_TOOL_CHOICE_AUTO, ""), plain);
  EXPECT_EQ(body(false, OMNI_TOOL_CHOICE_NAMED, ""), plain);
  EXPECT_EQ(body(false, OMNI_TOOL_CHOICE_AUTO, R"({"type":"json_object"})"), plain);
}

TEST(KiroRequests, WhatHasNoMemberIsAskedForInTheNewestTurn) {
  struct Ask {
    uint32_t choice;
    bool parallel;
    const char* format;
    const char* says;
  };
  for (const Ask& a :
       {Ask{OMNI_TOOL_CHOICE_REQUIRED, true, "", "at least one of the available tools"},
        Ask{OMNI_TOOL_CHOICE_NAMED, true, "", "the tool \"edit\""},
        Ask{OMNI_TOOL_CHOICE_AUTO, false, "", "at most one tool"},
        Ask{OMNI_TOOL_CHOICE_AUTO, true, R"({"type":"json_object"})", "one JSON object only"},
        Ask{OMNI_TOOL_CHOICE_AUTO, true,
            R"({"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"}}})",
            R"(JSON Schema: {"type":"object"})"},
        Ask{OMNI_TOOL_CHOICE_AUTO, true, R"({"type":"json_schema","schema":{"type":"object"}})",
            R"(JSON Schema: {"type":"object"})"}}) {
    RequestBuilder r;
    r.user("x").tool("edit", "d", kObject).toolChoice(a.choice, "edit");
    r.parallelToolCalls(a.parallel).responseFormat(a.format);
    EXPECT_NE(document(r).text(current("/content")).find(a.says), std::string::npos) << a.says;
  }
  RequestBuilder none;
  none.user("x").tool("edit", "d", kObject).toolChoice(OMNI_TOOL_CHOICE_NONE);
  const Document d = document(none);
  EXPECT_FALSE(d.has(current("/userInputMessageContext")));
  EXPECT_EQ(d.text(current("/content")), "x");
}

// A newer host's longer structs are read by the stride it gives.
TEST(KiroRequests, LongerStructsOfANewerHost) {
  const auto fill = [](RequestBuilder& r) {
    r.system("S").user("a").message(OMNI_ROLE_ASSISTANT).toolCall("1", "edit", R"({"k":1})");
    r.message(OMNI_ROLE_USER).toolResult("1", "ok").tool("edit", "d", kObject);
    r.tool("more", "d", kObject);
  };
  RequestBuilder now, later;
  fill(now);
  fill(later);
  later.widerStructs(64);
  EXPECT_EQ(translate(now.build(), {})->body, translate(later.build(), {})->body);
}

}  // namespace
}  // namespace omni::kiro::wire
