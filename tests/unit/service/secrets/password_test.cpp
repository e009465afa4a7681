#include "service/secrets/password.hpp"

#include <gtest/gtest.h>

namespace omni::secrets {
namespace {

class CountingRandom final : public Random {
 public:
  void fill(void* out, size_t size) override {
    for (size_t i = 0; i < size; ++i) static_cast<unsigned char*>(out)[i] = next_++;
  }

 private:
  unsigned char next_ = 0;
};

TEST(Password, VerifiesOnlyTheRightOne) {
  CountingRandom random;
  ScryptHasher hasher(random, 10);
  const auto hash = hasher.hashPassword("correct horse").value();
  EXPECT_TRUE(hash.starts_with("scrypt$10$8$1$"));
  EXPECT_FALSE(hash.contains("horse"));
  EXPECT_TRUE(hasher.verifyPassword("correct horse", hash).value());
  EXPECT_FALSE(hasher.verifyPassword("Correct horse", hash).value());
  EXPECT_FALSE(hasher.verifyPassword("", hash).value());
  EXPECT_NE(hasher.hashPassword("correct horse").value(), hash);  // another salt
}

TEST(Password, KnownAnswer) {
  // RFC 7914, section 12: scrypt("password", "NaCl", N=1024, r=8, p=16); the first 32 bytes of 64
  // do not depend on the length asked for.
  CountingRandom random;
  ScryptHasher hasher(random);
  EXPECT_TRUE(
      hasher
          .verifyPassword("password",
                          "scrypt$10$8$16$4e61436c$"
                          "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162")
          .value());
}

TEST(Password, DamagedHashesAreErrorsAndCostNothing) {
  CountingRandom random;
  ScryptHasher hasher(random);
  for (const char* hash : {"", "scrypt$", "md5$1$2$3$4$5", "scrypt$60$8$1$00$00",
                           "scrypt$10$8$1$0$00", "scrypt$10$8$1$00$zz", "scrypt$10$99$1$00$00"})
    EXPECT_FALSE(hasher.verifyPassword("x", hash)) << hash;
}

}  // namespace
}  // namespace omni::secrets
