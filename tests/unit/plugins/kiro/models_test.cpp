#include "plugins/kiro/models.hpp"

#include <gtest/gtest.h>

#include <omniroute/testing/request_builder.hpp>

#include "plugins/kiro/effort.hpp"
#include "plugins/kiro/unlisted.hpp"

namespace omni::kiro {
namespace {

TEST(KiroModels, Names) {
  struct Row {
    const char *given, *sent;
    bool thinking;
    const char* effort;
  };
  for (const Row& row : {
           Row{"claude-sonnet-4.5", "claude-sonnet-4.5", false, ""},
           Row{"Claude-Sonnet-4.5", "claude-sonnet-4.5", false, ""},
           Row{"claude-sonnet-4-5-latest", "claude-sonnet-4.5", false, ""},
           Row{"claude-sonnet-4-5-20250929-thinking", "claude-sonnet-4.5", true, ""},
           Row{"claude-opus-4-7-thinking", "claude-opus-4.7", true, ""},
           Row{"claude-4.6-opus-high", "claude-opus-4.6", false, "high"},
           Row{"claude-4.5-opus-high-thinking", "claude-opus-4.5", true, "high"},
           Row{"auto-kiro", "auto", false, ""},
           Row{"CLAUDE_SONNET_4_5_20250929_V1_0", "CLAUDE_SONNET_4_5_20250929_V1_0", false, ""},
           Row{"claude-opus-9-9", "claude-opus-9.9", false, ""},
           Row{"new-thinking", "new-thinking", false, ""},
           Row{"qwen3-coder-next-20250101", "qwen3-coder-next", false, ""},
       }) {
    const auto out = resolveModel(row.given, builtinCatalogue());
    EXPECT_EQ(out.id, row.sent) << row.given;
    EXPECT_EQ(out.thinking, row.thinking) << row.given;
    EXPECT_EQ(out.effort, row.effort) << row.given;
    EXPECT_EQ(out.refusal, "");
  }
  // A name of the account's own list is never touched.
  Catalogue own;
  for (const char* id : {"gpt-5.6-sol[1m]", "x-thinking", "x", "claude-opus-4-8"}) {
    own.models.emplace_back();
    own.models.back().id = id;
  }
  for (const auto& model : own.models) EXPECT_EQ(resolveModel(model.id, own).id, model.id);
}

TEST(KiroModels, NearNamesAreOffered) {
  const auto& table = builtinCatalogue();
  EXPECT_TRUE(nearestModels("claude-sonet-4.5", table)
                  .starts_with(R"("claude-sonnet-4.5", "claude-sonnet-4)"));
  EXPECT_EQ(nearestModels("glm5", table), R"("glm-5")");
  EXPECT_EQ(nearestModels("", table), "");
  EXPECT_EQ(nearestModels("mistral-large", table), "");
  EXPECT_EQ(nearestModels(std::string(100'000, 'a'), table), "");
}

TEST(KiroModels, EffortIsClampedDownwards) {
  const std::vector<std::string> claude = {"low", "medium", "high", "max"};
  const std::vector<std::string> gpt = {"none", "low", "medium", "high"};
  struct Row {
    const char* wanted;
    const std::vector<std::string>& levels;
    const char* got;
  };
  for (const Row& row :
       {Row{"high", claude, "high"}, Row{"xhigh", claude, "high"}, Row{"max", claude, "max"},
        Row{"minimal", claude, "low"}, Row{"none", gpt, "none"}, Row{"max", gpt, "high"},
        Row{"minimal", gpt, "low"}, Row{"sideways", gpt, ""}})
    EXPECT_EQ(clampEffort(row.wanted, row.levels), row.got) << row.wanted;
}

std::string fields(const char* model, const char* effort, int64_t budget, int64_t max_tokens) {
  sdk::testing::RequestBuilder r;
  r.reasoningEffort(effort).reasoningBudget(budget).maxTokens(max_tokens).user("x");
  const auto name = resolveModel(model, builtinCatalogue());
  return effortFields(r.build(), name, builtinCatalogue().find(name.id));
}

TEST(KiroModels, AdditionalFields) {
  struct Row {
    const char *model, *effort;
    int64_t budget, max_tokens;
    const char* sent;
  };
  const char* high =
      R"({"thinking":{"type":"adaptive","display":"summarized"},"output_config":{"effort":"high"}})";
  for (const Row& row : {
           Row{"claude-opus-4.7", "", -1, -1, ""},
           Row{"claude-opus-4.7", "none", -1, -1, R"({"thinking":{"type":"disabled"}})"},
           Row{"claude-opus-4.7", "", 0, -1, R"({"thinking":{"type":"disabled"}})"},
           Row{"claude-opus-4.7", "", 32'000, -1, high},
           Row{"claude-opus-4.7", "high", 1, -1, high},  // the word counts more than the budget
           Row{"claude-opus-4.7-thinking", "", -1, -1,
               R"({"thinking":{"type":"adaptive","display":"summarized"}})"},
           Row{"claude-opus-4.7", "adaptive", -1, -1,
               R"({"thinking":{"type":"adaptive","display":"summarized"}})"},
           Row{"gpt-5.6-luna", "adaptive", -1, -1, ""},
           Row{"claude-haiku-4.5", "adaptive", -1, -1, ""},
           Row{"claude-opus-4.7", "", -1, 32'000, R"({"max_tokens":32000})"},
           Row{"claude-opus-4.7", "", -1, 1'023, ""},
           Row{"claude-opus-4.7", "", -1, 128'001, ""},
           Row{"claude-haiku-4.5-thinking", "max", 99'999, 5'000, ""},
           Row{"gpt-5.6-luna", "none", -1, 5'000, R"({"reasoning":{"effort":"none"}})"},
           Row{"gpt-5.6-luna", "minimal", -1, -1, R"({"reasoning":{"effort":"low"}})"},
           Row{"gpt-5.6-luna", "", -1, -1, ""},
           Row{"unheard-of", "high", -1, 5'000, ""},
       })
    EXPECT_EQ(fields(row.model, row.effort, row.budget, row.max_tokens), row.sent)
        << row.model << " " << row.effort << " " << row.budget;
}

TEST(KiroModels, WhatIsKeptIsWhatWasRead) {
  Catalogue out;
  std::string next;
  ASSERT_TRUE(addModelPage(
      R"({"defaultModelId":"m","models":[{"modelId":"m","modelName":"M \"x\"","rateMultiplier":0.25,)"
      R"("supportedInputTypes":["TEXT","IMAGE"],"tokenLimits":{"maxInputTokens":272000,)"
      R"("maxOutputTokens":128000},"additionalModelRequestFieldsSchema":{"properties":{)"
      R"("reasoning":{"properties":{"effort":{"enum":["none","low"]}}},)"
      R"("max_tokens":{"minimum":1024,"maximum":64000}}}},{"modelName":"no id"},{"modelId":"m"}],)"
      R"("nextToken":"n"})",
      out, next));
  EXPECT_EQ(next, "n");
  ASSERT_EQ(out.models.size(), 1u);
  out.fetched_ms = 42;
  const auto text = catalogueText(out);
  const auto back = parseCatalogue(text);
  ASSERT_TRUE(back);
  EXPECT_EQ(catalogueText(*back), text);
  EXPECT_EQ(back->fetched_ms, 42);
  EXPECT_EQ(back->default_model, "m");
  EXPECT_EQ(back->models[0].name, "M \"x\"");
  EXPECT_EQ(back->models[0].effort_field, "reasoning");
  EXPECT_EQ(back->models[0].most_max_tokens, 64'000);
  EXPECT_EQ(back->models[0].context_window, 272'000);
  for (const char* bad : {"", "{}", "[]", R"({"models":1})", R"({"models":[)"}) {
    EXPECT_FALSE(addModelPage(bad, out, next)) << bad;
    EXPECT_FALSE(parseCatalogue(bad)) << bad;
  }
}

}  // namespace
}  // namespace omni::kiro
