#include "service/telemetry/redact_content.hpp"

#include <gtest/gtest.h>

namespace omni::telemetry {
namespace {

TEST(RedactContent, MembersWithACredentialsName) {
  EXPECT_EQ(
      redactContent(R"({"mcp_servers":[{"url":"https://m","authorization_token":"opaque"}]})"),
      R"({"mcp_servers":[{"url":"https://m","authorization_token":"[redacted]"}]})");
  for (const char* name : {"Authorization", "api_key", "X-API-Key", "apiKey", "password", "cookie",
                           "client_secret", "refreshToken"}) {
    const std::string start = std::string("{\"a\":1,\"") + name + "\" : ";
    EXPECT_EQ(redactContent(start + R"("a \" b\\","b":"c"})"), start + R"("[redacted]","b":"c"})");
  }
}

TEST(RedactContent, EveryTextOfAnObjectNamedHeaders) {
  EXPECT_EQ(
      redactContent(R"({"headers":{"X-Team":"a}b","n":{"m":["c","d"]},"k":3},"input":"stays"})"),
      R"({"headers":{"X-Team":"[redacted]","n":{"m":["[redacted]","[redacted]"]},"k":3},)"
      R"("input":"stays"})");
}

TEST(RedactContent, JsonWithinAText) {
  EXPECT_EQ(redactContent(R"({"arguments":"{\"password\":\"a\\\"b\\\\\",\"x\":\"y\"}","z":"w"})"),
            R"({"arguments":"{\"password\":\"[redacted]\",\"x\":\"y\"}","z":"w"})");
  EXPECT_EQ(
      redactContent(R"({"arguments":"{\n  \"headers\": {\n    \"X\": \"y\"\n  }\n}","z":"w"})"),
      R"({"arguments":"{\n  \"headers\": {\n    \"X\": \"[redacted]\"\n  }\n}","z":"w"})");
  // What was begun in a text ends with it.
  EXPECT_EQ(redactContent(R"({"content":"{\"password\":\"abc","z":"w"})"),
            R"({"content":"{\"password\":\"[redacted]","z":"w"})");
  EXPECT_EQ(redactContent(R"({"content":"\"headers\":{\"X\":","z":"w"})"),
            R"({"content":"\"headers\":{\"X\":","z":"w"})");
}

TEST(RedactContent, KnownShapesWhereverTheyStand) {
  EXPECT_EQ(redactContent(R"({"content":"curl -H 'Authorization: Bearer abc.def'"})"),
            R"({"content":"curl -H 'Authorization: Bearer [redacted]'"})");
}

TEST(RedactContent, EverythingElseStays) {
  for (const char* text :
       {"", "\"", "\\", "{\"password\"", "{\"password\":", "{\"password\":7}", "not JSON at all",
        R"({"properties":{"password":{"type":"string"}},"required":["password","headers"]})",
        R"({"content":"The password: \"headers\" are \\ fine","role":"user"})"}) {
    EXPECT_EQ(redactContent(text), text);
  }
  EXPECT_EQ(redactContent("{\"password\":\"cut"), "{\"password\":\"[redacted]");
}

// A client chooses the text: nothing may cost more than its length. Were it its square, this test
// would not end within ctest's limit.
TEST(RedactContent, OddTextsCostNoMoreThanOthers) {
  for (const std::string& part :
       {std::string("\\"), std::string("\""), std::string("\\\""), std::string("{\"headers\":{"),
        std::string("\"password\":\""), std::string("\\\\\\\"headers\\\":{")}) {
    std::string text = "{\"headers\":{";
    while (text.size() < 600'000) text += part;
    EXPECT_TRUE(redactContent(text).starts_with("{\"headers\":{")) << part;
  }
}

}  // namespace
}  // namespace omni::telemetry
