#include "service/plugins/manifest.hpp"

#include <gtest/gtest.h>

namespace omni::plugins {
namespace {

std::string manifest(const std::string& member = {}, const std::string& value = {}) {
  std::pair<std::string, std::string> members[] = {{"id", "\"sample\""},
                                                   {"name", "\"Sample\""},
                                                   {"version", "\"1.2.3\""},
                                                   {"abi", "{\"major\":1,\"minor\":0}"},
                                                   {"file", "\"sample.so\""},
                                                   {"sha256", "\"" + std::string(64, 'A') + "\""},
                                                   {"signInMethods", "[{\"id\": \"x\"}]"}};
  std::string out;
  bool replaced = false;
  for (auto& [name, text] : members) {
    const bool here = name == member;
    replaced = replaced || here;
    if (here && value.empty()) continue;
    out += (out.empty() ? "{\"" : ",\"") + name + "\":" + (here ? value : text);
  }
  if (!replaced && !member.empty()) out += ",\"" + member + "\":" + value;
  return out + "}";
}

TEST(Manifest, ReadsEveryMember) {
  const auto out = parseManifest(manifest());
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_EQ(out->id, "sample");
  EXPECT_EQ(out->name, "Sample");
  EXPECT_EQ(out->version, "1.2.3");
  EXPECT_EQ(out->abi_major, 1u);
  EXPECT_EQ(out->file, "sample.so");
  EXPECT_EQ(out->sha256, std::string(64, 'a'));
  EXPECT_EQ(out->sign_in_methods_json, "[{\"id\":\"x\"}]");
}

TEST(Manifest, SignInMethodsMayBeLeftOut) {
  const auto out = parseManifest(manifest("signInMethods"));
  ASSERT_TRUE(out);
  EXPECT_EQ(out->sign_in_methods_json, "[]");
}

TEST(Manifest, ReadsWhatThePluginsSettingsMayBe) {
  EXPECT_FALSE(parseManifest(manifest())->settings) << "it does not say";
  const auto out = parseManifest(manifest("settings", R"([{"key":"a.b","type":"integer","min":1,)"
                                                      R"("max":5,"default":"2","help":"h"},)"
                                                      R"({"key":"c","type":"choice",)"
                                                      R"("values":["x","y"]}])"));
  ASSERT_TRUE(out) << out.error().message;
  ASSERT_EQ(out->settings->size(), 2u);
  const SettingSpec& number = out->settings->front();
  EXPECT_EQ(number.key, "a.b");
  EXPECT_EQ(number.default_value, "2");
  EXPECT_EQ(refusal(number, "5"), std::nullopt);
  EXPECT_EQ(refusal(number, "6"), "allowed is a whole number from 1 to 5");
  EXPECT_EQ(refusal(out->settings->back(), "z"), "allowed is one of x|y");
  for (const char* broken :
       {"{}", "[1]", R"([{"type":"text"}])", R"([{"key":"a","type":"colour"}])",
        R"([{"key":"a","type":"choice"}])", R"([{"key":"a","type":"integer","min":"1"}])",
        R"([{"key":".a","type":"text"}])", R"([{"key":"a_b","type":"text"}])",
        R"([{"key":"a","type":"text","vales":[]}])",
        R"([{"key":"a","type":"choice","values":[1]}])",
        R"([{"key":"a","type":"integer","min":2,"max":1}])",
        R"([{"key":"a","type":"integer","min":2,"default":"1"}])",
        R"([{"key":"a","type":"text","default":7}])",
        R"([{"key":"a","type":"text"},{"key":"a","type":"text"}])"}) {
    const auto refused = parseManifest(manifest("settings", broken));
    ASSERT_FALSE(refused) << broken;
    EXPECT_EQ(refused.error().field, "settings") << broken;
  }
}

TEST(Manifest, NamesTheBadMember) {
  const std::pair<std::string, std::string> cases[] = {
      {"id", ""},
      {"id", "\"Sample\""},
      {"id", "\"1x\""},
      {"id", "7"},
      {"name", "\"\""},
      {"version", ""},
      {"abi", "1"},
      {"abi", "{\"major\":1}"},
      {"abi", "{\"major\":-1,\"minor\":0}"},
      {"file", "\"../sample.so\""},
      {"file", "\"/x.so\""},
      {"file", "\"a\\\\b.so\""},
      {"file", "\"..\""},
      {"sha256", "\"abc\""},
      {"sha256", "\"" + std::string(64, 'g') + "\""},
      {"signInMethods", "{}"},
      {"extra", "1"}};
  for (const auto& [member, value] : cases) {
    const auto out = parseManifest(manifest(member, value));
    ASSERT_FALSE(out) << member << " " << value;
    EXPECT_EQ(out.error().field, member) << value;
  }
  EXPECT_FALSE(parseManifest("[]"));
  EXPECT_FALSE(parseManifest("{"));
}

}  // namespace
}  // namespace omni::plugins
