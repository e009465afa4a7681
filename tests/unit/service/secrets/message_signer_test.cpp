#include "service/secrets/message_signer.hpp"

#include <gtest/gtest.h>

#include "unit/core/fakes.hpp"

namespace omni::secrets {
namespace {

TEST(MessageSigner, AgreesWithThePublishedExample) {
  // Standard Webhooks' reference libraries test themselves with these values.
  omni::testing::FakeRandom random;
  StandardWebhookSigner signer(random);
  EXPECT_EQ(signer
                .sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek",
                      1614265330, R"({"test": 2432232314})")
                .value_or(""),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST(MessageSigner, SecretsAreNewEachTimeAndSign) {
  omni::testing::FakeRandom random;
  StandardWebhookSigner signer(random);
  const auto one = signer.newSecret(), two = signer.newSecret();
  ASSERT_TRUE(one && two);
  EXPECT_NE(*one, *two);
  EXPECT_EQ(one->size(), 6u + 44u);
  EXPECT_TRUE(one->starts_with("whsec_"));
  const auto first = signer.sign(*one, "id", 1, "{}");
  ASSERT_TRUE(first);
  EXPECT_NE(*first, signer.sign(*two, "id", 1, "{}").value_or(""));
  EXPECT_NE(*first, signer.sign(*one, "id", 2, "{}").value_or(""));
  EXPECT_NE(*first, signer.sign(*one, "ie", 1, "{}").value_or(""));
}

TEST(MessageSigner, RefusesWhatIsNoSecret) {
  omni::testing::FakeRandom random;
  StandardWebhookSigner signer(random);
  for (const char* secret : {"", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_%%%%"}) {
    const auto refused = signer.sign(secret, "id", 1, "{}");
    ASSERT_FALSE(refused) << secret;
    EXPECT_EQ(refused.error().message.find("%%%%"), std::string::npos);
  }
}

}  // namespace
}  // namespace omni::secrets
