#include "service/http/guards.hpp"

#include <gtest/gtest.h>

#include <cstring>

namespace omni::http {
namespace {

class FixedRandom final : public Random {
 public:
  void fill(void* out, size_t size) override { std::memset(out, 0xab, size); }
};

TEST(HostGuard, KnowsItsNamesWithAnyPort) {
  const HostGuard guard({"panel.example:8080", "fd00::5"}, {});
  for (const char* good : {"localhost", "LOCALHOST:20128", "127.0.0.1:1", "[::1]", "[::1]:20128",
                           "localhost.", "panel.example", "panel.example:443", "[fd00::5]:1"}) {
    EXPECT_TRUE(guard.hostAllowed(good)) << good;
  }
  for (const char* bad :
       {"", "evil.example", "localhost.evil.example", "evil.example:20128",
        "127.0.0.1.evil.example", "localhost:x", "[::1", "[::1]x", "user@localhost", ":80"}) {
    EXPECT_FALSE(guard.hostAllowed(bad)) << bad;
  }
}

TEST(HostGuard, OriginMustBeTheSameAuthorityOrListed) {
  const HostGuard guard({}, {"https://panel.example"});
  EXPECT_TRUE(guard.originAllowed("http://localhost:20128", "localhost:20128"));
  EXPECT_TRUE(guard.originAllowed("https://panel.example", "127.0.0.1:20128"));
  EXPECT_FALSE(guard.originAllowed("http://localhost:3000", "localhost:20128"));
  EXPECT_FALSE(guard.originAllowed("null", "localhost:20128"));
  EXPECT_FALSE(guard.originAllowed("https://evil.example", "localhost:20128"));
  EXPECT_FALSE(guard.originAllowed("https://panel.example.evil.example", "localhost:20128"));
}

TEST(RequestId, KeepsASaneOneAndReplacesOthers) {
  FixedRandom random;
  EXPECT_EQ(requestId("trace-1_a.b", random), "trace-1_a.b");
  EXPECT_EQ(requestId("", random), "abababababababab");
  EXPECT_EQ(requestId("a b", random), "abababababababab");
  EXPECT_EQ(requestId(std::string(65, 'a'), random), "abababababababab");
}

}  // namespace
}  // namespace omni::http
