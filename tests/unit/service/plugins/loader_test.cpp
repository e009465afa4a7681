#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "fakes.hpp"
#include "service/plugins/registry.hpp"
#include "service/plugins/sha256.hpp"

namespace omni::plugins {
namespace {

namespace fs = std::filesystem;
using testing::World;

class LoaderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "omni-plugins-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder = pattern;
  }
  void TearDown() override { fs::remove_all(folder); }

  struct Override {
    std::string id = "sample";
    std::string version = "1.2.3";
    std::string sha256 = {};  // empty: the right one
    int abi_major = 1;
    int abi_minor = 0;
  };
  // Installs the library with that fault as sample.plugin.json and its file.
  void install(const std::string& fault, const Override& o) {
    const std::string file = o.id + BAD_PLUGIN_SUFFIX;
    fs::copy_file(fs::path(BAD_PLUGIN_DIR) / (fault + BAD_PLUGIN_SUFFIX), folder / file);
    fs::permissions(folder / file, fs::perms::owner_all);
    const std::string sum = o.sha256.empty() ? *sha256OfFile(folder / file) : o.sha256;
    std::ofstream(manifestOf(o.id))
        << "{\"id\":\"" << o.id << "\",\"name\":\"Sample\",\"version\":\"" << o.version
        << "\",\"abi\":{\"major\":" << o.abi_major << ",\"minor\":" << o.abi_minor
        << "},\"file\":\"" << file << "\",\"sha256\":\"" << sum << "\",\"signInMethods\":[1]}";
    fs::permissions(manifestOf(o.id), fs::perms::owner_read | fs::perms::owner_write);
  }
  void install(const std::string& fault) { install(fault, Override()); }
  fs::path manifestOf(const std::string& id) const { return folder / (id + ".plugin.json"); }
  // Loads the folder; returns why its one plugin was refused, or "loaded".
  std::string outcome() {
    PluginRegistry registry(world.deps());
    const auto done = registry.loadFolder(folder);
    if (!done) return "folder: " + done.error().message;
    const auto list = registry.plugins();
    if (list.size() != 1) return "plugins: " + std::to_string(list.size());
    info = list[0];
    EXPECT_EQ(registry.find("sample") != nullptr, info.status == PluginStatus::Loaded);
    return info.status == PluginStatus::Loaded ? "loaded" : info.reason;
  }
  void expectRefused(std::string_view part) {
    const std::string why = outcome();
    EXPECT_NE(why.find(part), std::string::npos) << why;
    EXPECT_EQ(info.status, PluginStatus::Refused);
  }

  World world;
  fs::path folder;
  PluginInfo info;
};

TEST_F(LoaderTest, LoadsASoundPlugin) {
  install("none");
  EXPECT_EQ(outcome(), "loaded");
  EXPECT_EQ(info.id, "sample");
  EXPECT_EQ(info.version, "1.2.3");
  EXPECT_EQ(info.sign_in_methods_json, "[1]");
  EXPECT_TRUE(fs::path(info.file).is_absolute());
}

TEST_F(LoaderTest, AMissingFolderIsAnError) {
  fs::remove_all(folder);
  EXPECT_TRUE(outcome().starts_with("folder: ")) << outcome();
}

TEST_F(LoaderTest, RefusesAnotherMajorBeforeTheLibraryIsMapped) {
  install("none", {.abi_major = 2});
  expectRefused("ABI 2.0");
}
TEST_F(LoaderTest, RefusesANewerMinor) {
  install("none", {.abi_minor = OMNI_ABI_MINOR + 1});
  expectRefused("ABI 1.2");
}
TEST_F(LoaderTest, RefusesAnotherMajorInTheLibrary) {
  install("wrong_major");
  expectRefused("ABI 2.1");
}
TEST_F(LoaderTest, RefusesAShortEntry) {
  install("short_struct");
  expectRefused("16 bytes");
}
TEST_F(LoaderTest, RefusesALibraryWithoutTheSymbol) {
  install("missing_symbol");
  expectRefused("does not export omni_plugin_entry_v1");
}
TEST_F(LoaderTest, RefusesANullFunction) {
  install("null_function");
  expectRefused("null");
}
TEST_F(LoaderTest, RefusesAnUnresolvedSymbolAndNamesIt) {
  install("unresolved_symbol");
  expectRefused("nobody_defines_this");
}
TEST_F(LoaderTest, RefusesAPluginWhoseInitThrowsAndSaysWhatItLogged) {
  install("throwing_init");
  expectRefused("no licence found");
}
TEST_F(LoaderTest, LoadsAPluginOfThePreviousMinor) {
  static_assert(OMNI_ABI_MINOR >= 1);
  install("previous_minor", {.abi_minor = OMNI_ABI_MINOR - 1});
  EXPECT_EQ(outcome(), "loaded");
}
TEST_F(LoaderTest, ACrashWhileALibraryIsMappedIsContained) {
  install("crashing_load");
  expectRefused("crashes (signal 11) when it is loaded");
}
TEST_F(LoaderTest, ACrashInInitIsContained) {
  install("crashing_init");
  expectRefused("crashes (signal 11) when it is loaded");
}
TEST_F(LoaderTest, AnInitThatEndsTheProcessIsContained) {
  install("exiting_init");
  expectRefused("ends the process (exit code 3)");
}
TEST_F(LoaderTest, RefusesAChangedLibrary) {
  install("none", {.sha256 = std::string(64, '0')});
  expectRefused("SHA-256");
}
TEST_F(LoaderTest, RefusesAnotherIdOrVersionThanTheManifests) {
  install("none", {.id = "other"});
  expectRefused("id \"other\"");
}
TEST_F(LoaderTest, RefusesAnotherVersionThanTheManifests) {
  install("none", {.version = "9.9.9"});
  expectRefused("version \"9.9.9\"");
}
TEST_F(LoaderTest, RefusesAManifestUnderAnotherName) {
  install("none");
  fs::rename(manifestOf("sample"), manifestOf("copy"));
  expectRefused("must be named sample.plugin.json");
}
TEST_F(LoaderTest, RefusesAWritableFolder) {
  install("none");
  fs::permissions(folder, fs::perms::others_write, fs::perm_options::add);
  EXPECT_NE(outcome().find("must not be writable"), std::string::npos);
}
TEST_F(LoaderTest, RefusesAWritableLibraryOrManifest) {
  install("none");
  fs::permissions(folder / (std::string("sample") + BAD_PLUGIN_SUFFIX), fs::perms::group_write,
                  fs::perm_options::add);
  expectRefused("must not be writable");
  fs::permissions(folder / (std::string("sample") + BAD_PLUGIN_SUFFIX), fs::perms::group_write,
                  fs::perm_options::remove);
  fs::permissions(manifestOf("sample"), fs::perms::others_write, fs::perm_options::add);
  expectRefused("must not be writable");
}
TEST_F(LoaderTest, RefusesASymbolicLink) {
  install("none");
  const fs::path library = folder / (std::string("sample") + BAD_PLUGIN_SUFFIX);
  fs::remove(library);
  fs::create_symlink(fs::path(BAD_PLUGIN_DIR) / (std::string("none") + BAD_PLUGIN_SUFFIX), library);
  expectRefused("symbolic link");
}

}  // namespace
}  // namespace omni::plugins
