#pragma once
// A store in a directory of its own, with the real sealer and a clock that the test sets.

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "service/secrets/sealer.hpp"
#include "service/storage/sqlite_store.hpp"

namespace omni::storage {

class ManualClock final : public Clock {
 public:
  int64_t nowMs() const override { return now; }
  int64_t steadyMs() const override { return now; }
  int64_t now = 1'000;
};

inline secrets::AesGcmSealer sealerOf(unsigned char byte) {
  std::array<unsigned char, secrets::MasterKey::kSize> bytes{};
  bytes.fill(byte);
  return secrets::AesGcmSealer(secrets::MasterKey(bytes));
}

class StoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "omni-store-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    path_ = directory_ / "omniroute.db";
  }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(directory_);
  }

  // Opens, or opens again.
  void openStore() {
    store_.reset();
    auto opened = SqliteStore::open(path_, sealer_, clock_);
    ASSERT_TRUE(opened) << opened.error().message << " | " << opened.error().detail;
    store_ = std::move(*opened);
  }

  static Connection connection(const std::string& id, const std::string& name,
                               const std::string& provider = "kiro") {
    Connection made;
    made.id = id;
    made.name = name;
    made.provider = provider;
    return made;
  }

  static std::string fileText(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  std::filesystem::path directory_;
  std::filesystem::path path_;
  secrets::AesGcmSealer sealer_ = sealerOf(1);
  ManualClock clock_;
  std::unique_ptr<SqliteStore> store_;
};

}  // namespace omni::storage
