#include "service/app/plugin_settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace omni::app {
namespace {

namespace fs = std::filesystem;
using config::Layer;
using ::testing::HasSubstr;

class PluginSettings : public ::testing::Test {
 protected:
  PluginSettings() {
    fs::create_directories(config_.plugins_dir);
    manifest("sample", R"(,"settings":[
        {"key":"wire","type":"choice","values":["old","new"],"default":"old","help":"Which."},
        {"key":"timeout.idleMs","type":"integer","min":1,"max":1000},
        {"key":"hosts","type":"text"}])");
    manifest("free", "");
    manifest("bare", R"(,"settings":[])");
  }
  ~PluginSettings() override { fs::remove_all(config_.plugins_dir); }

  void manifest(const std::string& id, const std::string& more) const {
    std::ofstream(config_.plugins_dir / (id + ".plugin.json"))
        << R"({"id":")" << id << R"(","name":"x","version":"1.0.0","abi":{"major":1,"minor":0},)"
        << R"("file":"x.so","sha256":")" << std::string(64, 'a') << '"' << more << '}';
  }
  void set(const std::string& name, const std::string& text, Layer layer = Layer::File) {
    config_.plugin_settings[name] = {text, "file x.properties", layer};
  }
  std::string refused() {
    auto done = settlePluginSettings(config_);
    if (done) return {};
    EXPECT_EQ(done.error().kind, FailureKind::BadRequest);
    return done.error().message;
  }

  config::Config config_ = [] {
    config::Config out;
    out.plugins_dir = fs::path(::testing::TempDir()) /
                      ::testing::UnitTest::GetInstance()->current_test_info()->name();
    return out;
  }();
};

TEST_F(PluginSettings, WhatIsDeclaredPasses) {
  set("sample.wire", "new");
  set("sample.timeout.idleMs", "1000");
  set("sample.hosts", "a, b");
  EXPECT_EQ(refused(), "");
  EXPECT_EQ(*config_.pluginSetting("sample", "wire"), "new");
  EXPECT_EQ(*config_.pluginSetting("sample", "timeout.idleMs"), "1000");
}

TEST_F(PluginSettings, AnythingPassesWhereTheManifestDoesNotSayOrCannotBeRead) {
  std::ofstream(config_.plugins_dir / "broken.plugin.json") << "{";
  set("free.anything", "x");
  set("broken.anything", "x");
  EXPECT_EQ(refused(), "");
  EXPECT_EQ(*config_.pluginSetting("free", "anything"), "x");
}

TEST_F(PluginSettings, TheRefusalSaysWhereAndWhatIsAllowed) {
  const std::tuple<std::string, std::string, std::string> rows[] = {
      {"sample.wrie", "new", "did you mean \"plugins.sample.wire\""},
      {"sample.Wire", "new", "did you mean \"plugins.sample.wire\""},
      {"sample.wire", "newer", "allowed is one of old|new"},
      {"sample.wire", "", "allowed is one of old|new"},
      {"sample.timeout.idleMs", "0", "allowed is a whole number from 1 to 1000"},
      {"sample.timeout.idleMs", "7s", "allowed is a whole number from 1 to 1000"},
      {"bare.wire", "new", "the plugin bare has no settings"},
      {"smaple.wire", "new", "there are: bare, free, sample"},
  };
  for (const auto& [name, text, expected] : rows) {
    config_.plugin_settings.clear();
    set(name, text);
    const std::string message = refused();
    EXPECT_THAT(message, HasSubstr(expected));
    EXPECT_THAT(message, HasSubstr("file x.properties: plugins." + name)) << name;
  }
}

TEST_F(PluginSettings, WhatMayBeASecretIsNotRepeated) {
  for (const char* name : {"sample.apiKey", "smaple.apiKey", "bare.apiKey"}) {
    config_.plugin_settings.clear();
    set(name, "sk-secret-123");
    EXPECT_EQ(refused().find("sk-secret"), std::string::npos) << name;
  }
}

// The environment's names have no capital letters.
TEST_F(PluginSettings, TheEnvironmentMeansTheDeclaredNameAndKeepsItsLayer) {
  set("sample.timeout.idleMs", "1", Layer::File);
  set("sample.timeout.idlems", "2", Layer::Environment);
  EXPECT_EQ(refused(), "");
  EXPECT_EQ(*config_.pluginSetting("sample", "timeout.idleMs"), "2");
  EXPECT_EQ(config_.plugin_settings.size(), 1u);

  config_.plugin_settings.clear();
  set("sample.timeout.idlems", "2", Layer::Environment);
  set("sample.timeout.idleMs", "3", Layer::CommandLine);
  EXPECT_EQ(refused(), "");
  EXPECT_EQ(*config_.pluginSetting("sample", "timeout.idleMs"), "3");
}

TEST_F(PluginSettings, WithoutAFolderTheStartHasItsOwnWord) {
  set("sample.wrie", "x");
  fs::remove_all(config_.plugins_dir);
  EXPECT_EQ(refused(), "");
}

}  // namespace
}  // namespace omni::app
