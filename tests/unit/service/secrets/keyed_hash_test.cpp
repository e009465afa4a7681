#include "service/secrets/keyed_hash.hpp"

#include <gtest/gtest.h>

namespace omni::secrets {
namespace {

HmacKeyedHash hasher(unsigned char byte) {
  std::array<unsigned char, MasterKey::kSize> bytes{};
  bytes.fill(byte);
  auto made = HmacKeyedHash::derive(MasterKey(bytes));
  EXPECT_TRUE(made);
  return std::move(*made);
}

TEST(KeyedHash, DependsOnKeyPurposeAndData) {
  auto one = hasher(1), same = hasher(1), other = hasher(2);
  const auto hash = one.keyedHash("api-key", "secret").value();
  EXPECT_EQ(hash.size(), 64u);
  EXPECT_EQ(same.keyedHash("api-key", "secret").value(), hash);
  EXPECT_NE(other.keyedHash("api-key", "secret").value(), hash);
  EXPECT_NE(one.keyedHash("session", "secret").value(), hash);
  EXPECT_NE(one.keyedHash("api-key", "secret2").value(), hash);
  EXPECT_NE(one.keyedHash("api-key", "").value(), hash);
}

TEST(KeyedHash, HmacKnownAnswers) {
  // RFC 4231, test case 2, and the HMAC of nothing under nothing.
  EXPECT_EQ(hmacSha256Hex("Jefe", "what do ya want for nothing?").value(),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hmacSha256Hex({}, {}).value(),
            "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

}  // namespace
}  // namespace omni::secrets
