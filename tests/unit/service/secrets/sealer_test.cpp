#include "service/secrets/sealer.hpp"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>

namespace omni::secrets {
namespace {

MasterKey keyOf(unsigned char byte) {
  std::array<unsigned char, MasterKey::kSize> bytes{};
  bytes.fill(byte);
  return MasterKey(bytes);
}

void expectRefused(const Result<std::string>& result) {
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message,
            "cannot be decrypted: wrong master key, or the data was damaged");
}

TEST(AesGcmSealer, OpensWhatItSealed) {
  AesGcmSealer sealer(keyOf(1));
  for (const std::string& text :
       {std::string(), std::string("x"), std::string("a\0b", 3), std::string(70'001, 'z')}) {
    auto sealed = sealer.seal(text, "table/row/column");
    ASSERT_TRUE(sealed);
    EXPECT_TRUE(sealed->starts_with("v1:"));
    auto opened = sealer.open(*sealed, "table/row/column");
    ASSERT_TRUE(opened);
    EXPECT_EQ(*opened, text);
  }
}

TEST(AesGcmSealer, TheSealedFormIsPrintableAndHidesTheText) {
  AesGcmSealer sealer(keyOf(1));
  auto sealed = sealer.seal("refresh-token", "c");
  ASSERT_TRUE(sealed);
  EXPECT_EQ(sealed->find("refresh"), std::string::npos);
  for (const char c : *sealed) EXPECT_TRUE(c > ' ' && c <= '~');
}

TEST(AesGcmSealer, TheSameTextNeverSealsTheSameTwice) {
  AesGcmSealer sealer(keyOf(1));
  std::set<std::string> seen;
  for (int i = 0; i < 200; ++i) seen.insert(sealer.seal("same", "c").value());
  EXPECT_EQ(seen.size(), 200U);
}

TEST(AesGcmSealer, AnotherContextOrKeyIsRefused) {
  AesGcmSealer sealer(keyOf(1));
  AesGcmSealer other(keyOf(2));
  auto sealed = sealer.seal("text", "row/1").value();
  expectRefused(sealer.open(sealed, "row/2"));
  expectRefused(sealer.open(sealed, ""));
  expectRefused(other.open(sealed, "row/1"));
}

TEST(AesGcmSealer, DamageAtAnyPlaceIsRefused) {
  AesGcmSealer sealer(keyOf(1));
  // 38 bytes: base64 ends in one "=", and its last letter has two bits that carry nothing.
  const auto sealed = sealer.seal("0123456789", "c").value();
  for (size_t i = 0; i + 2 < sealed.size(); ++i) {
    auto damaged = sealed;
    damaged[i] = damaged[i] == 'A' ? 'B' : 'A';
    expectRefused(sealer.open(damaged, "c"));
  }
  for (size_t size = 0; size < sealed.size(); ++size) {
    expectRefused(sealer.open(std::string_view(sealed).substr(0, size), "c"));
  }
}

TEST(AesGcmSealer, ForeignTextIsRefused) {
  AesGcmSealer sealer(keyOf(1));
  for (const char* text :
       {"", "v1:", "v1:AAAA", "v2:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "plain text",
        "v1:====", "v1:****************************************"}) {
    expectRefused(sealer.open(text, "c"));
  }
}

}  // namespace
}  // namespace omni::secrets
