#include "tests/unit/plugins/openai/fixture.hpp"

namespace omni::openai_upstream {
namespace {

class OpenAiImport : public ::testing::Test {
 protected:
  omni_status_t import(std::string_view form) {
    out_.clear();
    return plugin_.control(call_, "accounts.import", form, &out_);
  }
  void refused(std::string_view form, std::string_view field) {
    EXPECT_EQ(import(form), OMNI_FAILED) << form;
    ASSERT_TRUE(call_.error()) << form;
    EXPECT_EQ(call_.error()->kind, OMNI_FAILURE_BAD_REQUEST) << form;
    EXPECT_EQ(call_.error()->field, field) << form;
    EXPECT_TRUE(host_.commits().empty()) << form;
  }
  FakeHost host_;
  PluginUnderTest plugin_{omni_plugin_entry_openai, host_};
  FakeCall call_{host_};
  std::string out_;
};

TEST_F(OpenAiImport, StoresKeyAndHeadersAsSecretsInOneCommit) {
  ASSERT_EQ(import(R"({"baseUrl":"https://api.example.com/v1/","apiKey":" sk-secret ",
      "headers":"OpenAI-Organization: org-1\n X-Team : blue ","models":"a, b,,a","defaultModel":"b"})"),
            OMNI_OK);
  EXPECT_EQ(out_, R"({"label":"api.example.com"})");
  ASSERT_EQ(host_.commits().size(), 1u);
  EXPECT_EQ(host_.value("baseUrl")->text, "https://api.example.com/v1");
  EXPECT_EQ(host_.value("apiKey")->text, "sk-secret");
  EXPECT_TRUE(host_.value("apiKey")->secret);
  EXPECT_EQ(host_.value("headers")->text, R"({"OpenAI-Organization":"org-1","X-Team":"blue"})");
  EXPECT_TRUE(host_.value("headers")->secret);
  EXPECT_EQ(host_.value("models")->text, R"(["a","b"])");
  EXPECT_EQ(host_.value("fingerprint")->text.size(), 64u);
  EXPECT_FALSE(host_.value("fingerprint")->text.contains("secret"));
  EXPECT_TRUE(host_.requests().empty());
  EXPECT_FALSE(host_.logged("sk-secret"));
}

TEST_F(OpenAiImport, ALocalServerNeedsNoKey) {
  ASSERT_EQ(import(R"({"baseUrl":"http://localhost:11434/v1","apiKey":""})"), OMNI_OK);
  EXPECT_FALSE(host_.value("apiKey"));
  EXPECT_EQ(host_.value("isolation")->text, "none_needed");
}

TEST_F(OpenAiImport, FingerprintTellsKeysApart) {
  ASSERT_EQ(import(R"({"baseUrl":"https://x.example/v1","apiKey":"one"})"), OMNI_OK);
  const auto first = host_.value("fingerprint")->text;
  ASSERT_EQ(import(R"({"baseUrl":"https://x.example/v1/","apiKey":"one"})"), OMNI_OK);
  EXPECT_EQ(host_.value("fingerprint")->text, first);
  ASSERT_EQ(import(R"({"baseUrl":"https://x.example/v1","apiKey":"two"})"), OMNI_OK);
  EXPECT_NE(host_.value("fingerprint")->text, first);
}

TEST_F(OpenAiImport, BadInputNamesTheFieldAndStoresNothing) {
  refused("[]", "body");
  refused("{}", "baseUrl");
  refused(R"({"baseUrl":5})", "baseUrl");
  refused(R"({"baseUrl":"http://api.example.com/v1"})", "baseUrl");
  refused(R"({"baseUrl":"https://x.example","apiKey":"a\nb"})", "apiKey");
  refused(R"({"baseUrl":"https://x.example","apiKey":7})", "apiKey");
  refused(R"({"baseUrl":"https://x.example","models":[1]})", "models");
  refused(R"({"baseUrl":"https://x.example","headers":"no colon"})", "headers");
  refused(R"({"baseUrl":"https://x.example","headers":{"Host":"y"}})", "headers");
  refused(R"({"baseUrl":"https://x.example","headers":{"A":"b\r\nC: d"}})", "headers");
  refused(R"({"baseUrl":"https://x.example","apiKey":"k","headers":{"authorization":"b"}})",
          "headers");
  refused(R"({"baseUrl":"https://x.example","baseurl":"typo"})", "baseurl");
}

TEST_F(OpenAiImport, TheSettingAllowsPlainHttpToNamedHosts) {
  host_.setSetting("allowHttpHosts", "models.example");
  EXPECT_EQ(import(R"({"baseUrl":"http://models.example/v1"})"), OMNI_OK);
}

using OpenAiAccount = Fixture;

TEST_F(OpenAiAccount, DescribesWithoutSecrets) {
  host_.setValue("headers", R"({"api-key":"hidden-value"})", true);
  std::string out;
  ASSERT_EQ(plugin_.control(call_, "accounts.describe", "{}", &out), OMNI_OK);
  EXPECT_FALSE(out.contains("sk-test") || out.contains("hidden-value")) << out;
  const auto object = boost::json::parse(out).as_object();
  EXPECT_EQ(object.at("isolation"), "none_needed");
  EXPECT_EQ(object.at("hasApiKey"), true);
  EXPECT_EQ(object.at("headerNames").as_array().at(0), "api-key");
}

TEST_F(OpenAiAccount, ListsTheServersModels) {
  host_.answerHttp(
      {.status = 200,
       .pieces = {
           R"({"object":"list","data":[{"id":"llama","context_length":8192},{"id":"","x":1},)",
           R"({"id":"qwen","max_model_len":32768,"max_output_tokens":4096}]})"}});
  std::string out;
  ASSERT_EQ(plugin_.control(call_, "models.list", "{}", &out), OMNI_OK);
  EXPECT_EQ(out, R"({"models":[{"id":"llama","name":"llama","contextWindow":8192},)"
                 R"({"id":"qwen","name":"qwen","contextWindow":32768,"maxOutput":4096}]})");
  EXPECT_EQ(host_.requests().at(0).url, "http://127.0.0.1:9/v1/models");
  EXPECT_EQ(host_.requests().at(0).method, "GET");
  EXPECT_EQ(host_.requests().at(0).header("authorization"), "Bearer sk-test-1234");
}

TEST_F(OpenAiAccount, AListOfItsOwnNeedsNoServer) {
  host_.setValue("models", R"(["m1","m2"])");
  std::string out;
  ASSERT_EQ(plugin_.control(call_, "models.list", "{}", &out), OMNI_OK);
  EXPECT_EQ(boost::json::parse(out).at("models").as_array().size(), 2u);
  EXPECT_TRUE(host_.requests().empty());
}

TEST_F(OpenAiAccount, TestProbesOnlyWhenAsked) {
  host_.answerHttp({.status = 200, .pieces = {R"({"data":[{"id":"m"}]})"}});
  std::string out;
  ASSERT_EQ(plugin_.control(call_, "accounts.test", "{}", &out), OMNI_OK);
  EXPECT_EQ(boost::json::parse(out).at("checks").at(0).at("ok"), true);
  EXPECT_EQ(host_.requests().size(), 1u);

  host_.answerHttp({.status = 200, .pieces = {R"({"data":[{"id":"m"}]})"}});
  host_.answerHttp({.status = 401, .pieces = {R"({"error":{"message":"bad key sk-test-1234"}})"}});
  out.clear();
  ASSERT_EQ(plugin_.control(call_, "accounts.test", R"({"probe":true})", &out), OMNI_OK);
  const auto checks = boost::json::parse(out).at("checks").as_array();
  ASSERT_EQ(checks.size(), 2u);
  EXPECT_EQ(checks.at(1).at("ok"), false);
  EXPECT_FALSE(out.contains("sk-test-1234"));
  EXPECT_EQ(sent(2).at("max_tokens"), 1);
}

TEST_F(OpenAiAccount, UnknownMethodsAreUnsupported) {
  EXPECT_EQ(plugin_.control(call_, "accounts.refresh", "{}"), OMNI_UNSUPPORTED);
  EXPECT_EQ(plugin_.control(call_, "accounts.usage", "{}"), OMNI_UNSUPPORTED);
}

}  // namespace
}  // namespace omni::openai_upstream
