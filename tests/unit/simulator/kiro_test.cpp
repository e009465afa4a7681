#include "fixture.hpp"

namespace omni::sim {
namespace {

using testing::Answer;
using ::testing::ElementsAre;

class KiroTest : public testing::SimTest {
 protected:
  Answer rest(const std::string& method, const std::string& path, const json::object& account,
              const std::string& body = {}, const HeaderList& more = {}) {
    HeaderList headers{{"Authorization", "Bearer " + text(account, "accessToken")}};
    headers.insert(headers.end(), more.begin(), more.end());
    return call(method, path, body, headers);
  }
};

TEST_F(KiroTest, EchoesOnTheRuntimeHost) {
  const auto account = this->account({{"kind", "social"}});
  const auto answer = generate(account, chat(account, "hello there world"));
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.content_type, "application/vnd.amazon.eventstream");
  std::string rest;
  const auto list = frames(answer.body, &rest);
  EXPECT_TRUE(rest.empty());
  EXPECT_EQ(streamedText(list), "You said: hello there world");
  EXPECT_THAT(types(list), ElementsAre("initial-response", "assistantResponseEvent",
                                       "metadataEvent", "contextUsageEvent", "meteringEvent"));
}

TEST_F(KiroTest, SpeaksAllThreeGenerations) {
  const auto account = this->account({{"kind", "social"}});
  const auto body = chat(account, "hi");
  const auto legacy = generate(account, body, "/legacy/us-east-1",
                               "AmazonCodeWhispererStreamingService.GenerateAssistantResponse");
  ASSERT_EQ(legacy.status, 200) << legacy.body;
  EXPECT_THAT(types(frames(legacy.body)), ElementsAre("initial-response", "assistantResponseEvent",
                                                      "contextUsageEvent", "meteringEvent"));
  const auto old =
      rest("POST", "/legacy/us-east-1/generateAssistantResponse", account, json::serialize(body));
  ASSERT_EQ(old.status, 200) << old.body;
  EXPECT_THAT(types(frames(old.body)),
              ElementsAre("assistantResponseEvent", "contextUsageEvent", "meteringEvent"));
  EXPECT_EQ(generate(account, body, "/runtime/us-east-1",
                     "AmazonCodeWhispererStreamingService.GenerateAssistantResponse")
                .status,
            200);
}

TEST_F(KiroTest, UnknownOperations) {
  const auto account = this->account({{"kind", "social"}});
  const auto unknown = [&](const std::string& base, const std::string& target) {
    const auto answer = generate(account, chat(account, "x"), base, target);
    return answer.status == 404 && answer.at("__type").ends_with("#UnknownOperationException");
  };
  EXPECT_TRUE(unknown("/runtime/us-east-1", "KiroRuntimeService.Nothing"));
  EXPECT_TRUE(unknown("/runtime/us-east-1", "KiroControlPlaneBearerService.ListAvailableModels"));
  EXPECT_TRUE(unknown("/legacy/us-east-1", "KiroRuntimeService.GenerateAssistantResponse"));
  EXPECT_TRUE(unknown("/management/us-east-1", "KiroRuntimeService.GenerateAssistantResponse"));
  EXPECT_EQ(rest("GET", "/runtime/us-east-1/ListAvailableModels", account).error_type,
            "UnknownOperationException");
}

TEST_F(KiroTest, BearerChecks) {
  auto account = this->account({{"kind", "social"}});
  const auto body = chat(account, "hi");
  auto stranger = account;
  stranger["accessToken"] = "aoaAAAAAGunknown";
  const auto refused = generate(stranger, body);
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.at("__type"), "com.amazon.kiro.runtimeservice#AccessDeniedException");
  EXPECT_EQ(refused.at("message"), "The bearer token included in the request is invalid.");
  post("/__control/accounts/" + text(account, "accountId"), {{"suspended", true}});
  EXPECT_EQ(generate(account, body).at("reason"), "TEMPORARILY_SUSPENDED");
  post("/__control/accounts/" + text(account, "accountId"), {{"suspended", false}});
  EXPECT_EQ(generate(account, body).status, 200);
  world_.clock.advance(3601);
  EXPECT_EQ(generate(account, body).status, 403);
}

TEST_F(KiroTest, TokenTypes) {
  const auto key = account({{"kind", "api_key"}});
  const HeaderList plain{{"Authorization", "Bearer " + text(key, "apiKey")}};
  auto typed = plain;
  typed.emplace_back("TokenType", "API_KEY");
  EXPECT_EQ(call("POST", "/management/us-east-1/GetProfile", "{}", plain).status, 403);
  EXPECT_EQ(call("POST", "/management/us-east-1/GetProfile", "{}", typed).status, 200);
  EXPECT_EQ(call("POST", "/management/us-east-1/ListAvailableProfiles", "{}", typed).status, 403);
  auto body = chat(key, "hi");
  body.erase("profileArn");
  EXPECT_EQ(
      call("POST", "/runtime/us-east-1/generateAssistantResponse", json::serialize(body), typed)
          .status,
      200);

  const auto external = account({{"kind", "external_idp"}});
  EXPECT_EQ(rest("POST", "/management/us-east-1/ListAvailableProfiles", external, "{}").status,
            400);
  EXPECT_EQ(rest("POST", "/management/us-east-1/ListAvailableProfiles", external, "{}",
                 {{"TokenType", "EXTERNAL_IDP"}})
                .status,
            200);
}

TEST_F(KiroTest, ProfileRules) {
  const auto social = account({{"kind", "social"}});
  const auto idc = account({{"kind", "idc"}});
  auto body = chat(social, "hi");
  body.erase("profileArn");
  const auto missing = generate(social, body);
  EXPECT_EQ(missing.status, 400);
  EXPECT_EQ(missing.at("message"), "profileArn is required for this request.");
  EXPECT_EQ(generate(social, body, "/legacy/us-east-1",
                     "AmazonCodeWhispererStreamingService.GenerateAssistantResponse")
                .status,
            200);
  body["profileArn"] = idc.at("profileArn");
  EXPECT_EQ(generate(social, body).status, 403);
  body["profileArn"] = "nonsense";
  EXPECT_EQ(generate(social, body).status, 400);
  EXPECT_EQ(generate(social, chat(social, "hi"), "/runtime/eu-central-1").status, 403);
  const auto european = account({{"kind", "idc"}, {"region", "eu-west-1"}});
  EXPECT_EQ(generate(european, chat(european, "hi"), "/runtime/eu-central-1").status, 200);
  const auto builder = account({{"kind", "builder_id"}});
  EXPECT_EQ(text(builder, "profileArn"), kBuilderIdProfile);
  EXPECT_EQ(generate(builder, chat(builder, "hi")).status, 200);
  EXPECT_EQ(generate(social, chat(builder, "hi")).status, 403);
}

TEST_F(KiroTest, ControlPlane) {
  const auto idc = account({{"kind", "idc"}, {"plan", "PRO"}});
  const auto arn = percentEncode(text(idc, "profileArn"));
  const auto models = rest(
      "GET",
      "/management/us-east-1/ListAvailableModels?origin=AI_EDITOR&maxResults=2&profileArn=" + arn,
      idc);
  ASSERT_EQ(models.status, 200) << models.body;
  EXPECT_EQ(models.json().at("models").as_array().size(), 2U);
  EXPECT_EQ(models.at("nextToken"), "2");
  EXPECT_EQ(models.json().at("defaultModel").at("modelId"), "auto");
  EXPECT_EQ(rest("GET", "/management/us-east-1/ListAvailableModels?profileArn=" + arn, idc).status,
            400);
  EXPECT_EQ(rest("GET", "/management/us-east-1/ListAvailableModels?origin=CLI", idc).at("message"),
            "Invalid profileArn.");
  const auto profiles = rest("POST", "/management/us-east-1/ListAvailableProfiles", idc, "{}");
  EXPECT_EQ(profiles.json().at("profiles").as_array().at(0).at("arn"), idc.at("profileArn"));
  EXPECT_TRUE(rest("POST", "/management/eu-central-1/ListAvailableProfiles", idc, "{}")
                  .json()
                  .at("profiles")
                  .as_array()
                  .empty());
  post("/__control/accounts/" + text(idc, "accountId"),
       {{"quota", {{"used", 12.5}, {"limit", 1000}}}});
  const auto usage =
      rest("GET", "/management/us-east-1/getUsageLimits?origin=AI_EDITOR&profileArn=" + arn, idc);
  ASSERT_EQ(usage.status, 200) << usage.body;
  EXPECT_EQ(usage.json().at("usageBreakdownList").at(0).at("currentUsageWithPrecision").as_double(),
            12.5);
  EXPECT_EQ(usage.json().at("subscriptionInfo").at("subscriptionTitle"), "KIRO PRO");
}

TEST_F(KiroTest, QuotaExhaustionStopsTheRuntime) {
  const auto account =
      this->account({{"kind", "social"}, {"quota", {{"used", 50}, {"limit", 50}}}});
  const auto refused = generate(account, chat(account, "hi"));
  EXPECT_EQ(refused.status, 402);
  EXPECT_EQ(refused.at("reason"), "MONTHLY_REQUEST_COUNT");
  post("/__control/accounts/" + text(account, "accountId"), {{"overage", true}});
  EXPECT_EQ(generate(account, chat(account, "hi")).status, 200);
}

TEST_F(KiroTest, PaidModelsNeedAPlan) {
  const auto free = account({{"kind", "social"}});
  const auto pro = account({{"kind", "social"}, {"plan", "PRO"}});
  const auto with = [&](const json::object& account) {
    auto body = chat(account, "hi");
    body.at("conversationState")
        .at("currentMessage")
        .at("userInputMessage")
        .as_object()["modelId"] = "gpt-5.6-sol";
    return generate(account, body);
  };
  EXPECT_EQ(with(free).at("reason"), "INVALID_MODEL_ID");
  EXPECT_EQ(with(pro).status, 200);
}

TEST_F(KiroTest, WebSearch) {
  const auto account = this->account({{"kind", "social"}});
  const json::object body{{"jsonrpc", "2.0"},
                          {"id", 7},
                          {"method", "tools/call"},
                          {"params", {{"name", "web_search"}, {"arguments", {{"query", "owls"}}}}},
                          {"profileArn", account.at("profileArn")}};
  const auto answer = rest("POST", "/runtime/us-east-1/mcp", account, json::serialize(body));
  ASSERT_EQ(answer.status, 200) << answer.body;
  const auto body_out = answer.json();
  const auto found = json::parse(text(&body_out.at("result").at("content").at(0).at("text")));
  EXPECT_EQ(found.at("query"), "owls");
}

}  // namespace
}  // namespace omni::sim
