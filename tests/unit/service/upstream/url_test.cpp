#include "service/upstream/url.hpp"

#include <gtest/gtest.h>

namespace omni::upstream {
namespace {

TEST(Url, SplitsAndKeepsTheTargetAsItIs) {
  auto url = parseUrl("HTTPS://Example.ORG/a%2fb?q=%20#x");
  ASSERT_TRUE(url);
  EXPECT_TRUE(url->tls);
  EXPECT_EQ(url->host, "example.org");
  EXPECT_EQ(url->port, 443);
  EXPECT_EQ(url->target, "/a%2fb?q=%20");
  EXPECT_EQ(url->hostHeader(), "example.org");
  EXPECT_EQ(url->origin(), "https://example.org:443");
}

TEST(Url, KnowsPortsAndIpv6) {
  auto url = parseUrl("http://[::1]:8080?x");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->host, "::1");
  EXPECT_EQ(url->port, 8080);
  EXPECT_EQ(url->target, "/?x");
  EXPECT_EQ(url->hostHeader(), "[::1]:8080");
}

TEST(Url, RefusesWhatItMustNotCall) {
  for (const char* text :
       {"", "example.org", "ftp://example.org/", "file:///x", "http://", "http://user@example.org/",
        "http://user:pass@example.org/", "http://example.org:0/", "http://example.org:99999/",
        "http://example.org:8x/", "http://a b/", "http://a/\r\nX: y", "http://[::1/",
        "http://a\\b/"}) {
    auto url = parseUrl(text);
    ASSERT_FALSE(url) << text;
    EXPECT_EQ(url.error().field, "url") << text;
    EXPECT_EQ(url.error().message.find("pass"), url.error().message.find("password")) << text;
  }
}

}  // namespace
}  // namespace omni::upstream
