#include <gtest/gtest.h>

#include "simulator/world.hpp"

namespace omni::sim {
namespace {

std::string resolved(const std::string& path, const std::string& host = "127.0.0.1:1") {
  Request request;
  request.path = path;
  request.headers = {{"Host", host}};
  const auto route = resolveRoute(request);
  return route.service + " " + route.region + " " + route.path;
}

TEST(Routing, ByPrefix) {
  EXPECT_EQ(resolved("/oidc/eu-west-1/token"), "oidc eu-west-1 /token");
  EXPECT_EQ(resolved("/oidc/eu-west-1/client/register"), "oidc eu-west-1 /client/register");
  EXPECT_EQ(resolved("/auth-desktop/refreshToken"), "social us-east-1 /refreshToken");
  EXPECT_EQ(resolved("/runtime/us-east-1"), "runtime us-east-1 /");
  EXPECT_EQ(resolved("/runtime/us-east-1/"), "runtime us-east-1 /");
  EXPECT_EQ(resolved("/legacy/eu-central-1/generateAssistantResponse"),
            "legacy eu-central-1 /generateAssistantResponse");
  EXPECT_EQ(resolved("/__control/health"), "control us-east-1 /health");
  EXPECT_EQ(resolved("/elsewhere"), " us-east-1 /elsewhere");
}

TEST(Routing, ByHost) {
  EXPECT_EQ(resolved("/token", "oidc.eu-west-1.amazonaws.com"), "oidc eu-west-1 /token");
  EXPECT_EQ(resolved("/", "runtime.us-east-1.kiro.dev:443"), "runtime us-east-1 /");
  EXPECT_EQ(resolved("/", "management.eu-central-1.kiro.dev"), "management eu-central-1 /");
  EXPECT_EQ(resolved("/", "q.us-east-1.amazonaws.com"), "legacy us-east-1 /");
  EXPECT_EQ(resolved("/", "codewhisperer.us-east-1.amazonaws.com"), "legacy us-east-1 /");
  EXPECT_EQ(resolved("/refreshToken", "prod.us-east-1.auth.desktop.kiro.dev"),
            "social us-east-1 /refreshToken");
}

}  // namespace
}  // namespace omni::sim
