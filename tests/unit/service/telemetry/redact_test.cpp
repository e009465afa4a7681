#include "service/telemetry/redact.hpp"

#include <gtest/gtest.h>

namespace omni::telemetry {
namespace {

TEST(Redact, KnownSecretsAreReplacedWhereverTheyStand) {
  const std::string body = "AAAAAGabcDEF0123456789-_+/=:MGUC";
  for (const std::string& secret :
       {"aor" + body, "aoa" + body, "ksk_" + body, "eyJ" + body + "." + body, "sk-" + body}) {
    for (const std::string& before :
         {std::string(), std::string("token="), std::string("{\"t\":\""), std::string("\n")}) {
      for (const std::string& after :
           {std::string(), std::string("\"}"), std::string(" end"), std::string("\n")}) {
        EXPECT_EQ(redact(before + secret + after), before + "[redacted]" + after);
      }
    }
  }
}

TEST(Redact, EverySecretOfALineIsReplaced) {
  EXPECT_EQ(redact("a ksk_one, b ksk_two"), "a [redacted], b [redacted]");
}

TEST(Redact, WhatFollowsBearerIsReplaced) {
  EXPECT_EQ(redact("Authorization: Bearer abc.def-1"), "Authorization: Bearer [redacted]");
  EXPECT_EQ(redact("bearer  x y"), "bearer  [redacted] y");
  EXPECT_EQ(redact("BEARER\tx"), "BEARER\t[redacted]");
  EXPECT_EQ(redact("auth=Bearer%20abc&x=1"), "auth=Bearer%20[redacted]&x=1");
  EXPECT_EQ(redact("Bearer "), "Bearer ");
  EXPECT_EQ(redact("Bearer"), "Bearer");
}

TEST(Redact, TheUserOfAUrlIsReplaced) {
  EXPECT_EQ(redact("http://user:p@ss@proxy:8080/x@y"), "http://[redacted]@proxy:8080/x@y");
  EXPECT_EQ(redact("https://host/a@b"), "https://host/a@b");
}

TEST(Redact, OrdinaryTextStays) {
  for (const char* text : {"", "aorta and aoa", "the task-list of the kiosk-keeper-of-the-house",
                           "ksk_", "eyJ", "connection kiro-dev refreshed in 35 ms", "Ünïcödé €"}) {
    EXPECT_EQ(redact(text), text);
  }
}

}  // namespace
}  // namespace omni::telemetry
