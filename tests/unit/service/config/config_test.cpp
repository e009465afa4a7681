#include "service/config/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "service/config/key_table.hpp"

namespace omni::config {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

class ConfigTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "omni-config-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    dir_ = pattern;
  }
  void TearDown() override { fs::remove_all(dir_); }
  fs::path write(std::string_view text) {
    fs::path file = dir_ / "omnirouted.properties";
    std::ofstream(file) << text;
    return file;
  }
  Result<Config> loadFile(std::string_view text) { return load({write(text), {}, {}}, dir_); }
  fs::path dir_;
};

TEST_F(ConfigTest, DefaultsAreTheDocumentedOnes) {
  auto config = load({{}, {"HOME=/home/ann"}, {}}, dir_);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->address, "127.0.0.1");
  EXPECT_EQ(config->port, 20128);
  EXPECT_EQ(config->data_dir, "/home/ann/.local/share/omniroute");
  EXPECT_EQ(config->master_key_file, "/home/ann/.local/share/omniroute/master.key");
  EXPECT_EQ(config->log_level, "info");
}

TEST_F(ConfigTest, LaterLayersWin) {
  auto file = write("server.port = 1111\nserver.maxStreams = 7\nlog.level = debug\n");
  auto config = load({file,
                      {"OMNIROUTE_SERVER_PORT=2222", "OMNIROUTE_SERVER_MAX_STREAMS=8"},
                      {"server.port=3333"}},
                     dir_);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->port, 3333);
  EXPECT_EQ(config->max_streams, 8);
  EXPECT_EQ(config->log_level, "debug");
}

TEST_F(ConfigTest, UnknownKeyNamesFileKeyAndTheNearest) {
  auto config = loadFile("server.prot = 80\n");
  ASSERT_FALSE(config);
  EXPECT_THAT(config.error().message, HasSubstr("omnirouted.properties"));
  EXPECT_THAT(config.error().message, HasSubstr("server.prot"));
  EXPECT_THAT(config.error().message, HasSubstr("server.port"));
}

TEST_F(ConfigTest, BadValuesNameWhatIsAllowed) {
  const std::pair<std::string, std::string> rows[] = {
      {"server.port = 70000\n", "from 0 to 65535"},
      {"server.port = 80x\n", "from 0 to 65535"},
      {"server.port =\n", "from 0 to 65535"},
      {"log.level = loud\n", "debug|info|warning|error"},
      {"log.level = info|warning\n", "debug|info|warning|error"},
      {"server.maxStreams = -1\n", "from 1 to 20000"},
  };
  for (const auto& [text, expected] : rows) {
    auto config = loadFile(text);
    ASSERT_FALSE(config) << text;
    EXPECT_THAT(config.error().message, HasSubstr(expected)) << text;
  }
}

TEST_F(ConfigTest, UnknownEnvironmentVariableIsRefusedButClientOnesAreNot) {
  EXPECT_TRUE(load({{}, {"OMNIROUTE_API_KEY=x", "OMNIROUTE_URL=y", "PATH=/bin"}, {}}, dir_));
  auto config = load({{}, {"OMNIROUTE_SERVER_PROT=1"}, {}}, dir_);
  ASSERT_FALSE(config);
  EXPECT_THAT(config.error().message, HasSubstr("OMNIROUTE_SERVER_PROT"));
}

TEST_F(ConfigTest, PluginSettingsPassThrough) {
  auto file = write("plugins.kiro.endpoint.oidc = http://127.0.0.1:1/oidc/{region}\n");
  auto config = load({file, {"OMNIROUTE_PLUGINS_KIRO_WIRE=legacy"}, {}}, dir_);
  ASSERT_TRUE(config) << config.error().message;
  ASSERT_NE(config->pluginSetting("kiro", "endpoint.oidc"), nullptr);
  EXPECT_EQ(*config->pluginSetting("kiro", "endpoint.oidc"), "http://127.0.0.1:1/oidc/{region}");
  ASSERT_NE(config->pluginSetting("kiro", "wire"), nullptr);
  EXPECT_EQ(*config->pluginSetting("kiro", "wire"), "legacy");
  EXPECT_EQ(config->pluginSetting("echo", "wire"), nullptr);
}

TEST_F(ConfigTest, MissingFileIsRefused) {
  auto config = load({dir_ / "nowhere.properties", {}, {}}, dir_);
  ASSERT_FALSE(config);
  EXPECT_THAT(config.error().message, HasSubstr("nowhere.properties"));
}

TEST_F(ConfigTest, SystemdDirectoriesAreUsed) {
  std::ofstream(dir_ / "master.key") << "k";
  auto config = load(
      {{}, {"STATE_DIRECTORY=/var/lib/omniroute", "CREDENTIALS_DIRECTORY=" + dir_.string()}, {}},
      dir_);
  ASSERT_TRUE(config);
  EXPECT_EQ(config->data_dir, "/var/lib/omniroute");
  EXPECT_EQ(config->master_key_file, dir_ / "master.key");
}

// The shipped file must load, and must show every key with its true default.
TEST_F(ConfigTest, ShippedFileShowsEveryKeyWithItsDefault) {
  std::ifstream in(fs::path(OMNI_SOURCE_DIR) / "installers/common/omnirouted.properties");
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  ASSERT_TRUE(loadFile(text));
  for (const KeySpec& spec : keyTable()) {
    std::string line = "#" + std::string(spec.key) + " =";
    if (!spec.default_value.empty()) line += " " + std::string(spec.default_value);
    EXPECT_THAT(text, HasSubstr(line + "\n"));
  }
}

}  // namespace
}  // namespace omni::config
