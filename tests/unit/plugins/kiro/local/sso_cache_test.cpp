#include "plugins/kiro/local/sso_cache.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace omni::kiro::local {
namespace {

CacheFile file(std::string name, std::string bytes) {
  return {"/h/.aws/sso/cache/" + name, name, std::move(bytes)};
}
Listing read(const std::vector<CacheFile>& files) {
  Listing listing;
  readCache(files, listing);
  return listing;
}

TEST(SsoCache, IdeTokenFindsItsRegistrationByHash) {
  const auto listing = read(
      {file("c548f97c48c681297d9bd26811c87843bdbfa476.json",
            R"({"clientId":"other","clientSecret":"x","expiresAt":"2027-01-01T00:00:00Z"})"),
       file("e909a0580879b06ece1202964fbe9dda95ea4ce3.json",
            R"({"clientId":"mine","clientSecret":"s","expiresAt":"2026-01-01T00:00:00.000Z"})"),
       file(
           "kiro-auth-token.json",
           R"({"accessToken":"a","refreshToken":"aorR","expiresAt":"2025-11-25T12:00:00.000Z","clientIdHash":"e909a0580879b06ece1202964fbe9dda95ea4ce3","authMethod":"IdC","provider":"BuilderId","region":"us-east-1"})")});
  ASSERT_EQ(listing.found.size(), 1u);
  const Found& found = listing.found[0];
  EXPECT_EQ(found.kind, "kiro-ide");
  EXPECT_EQ(found.auth_method, "builder-id");
  EXPECT_EQ(found.client_id, "mine");
  EXPECT_EQ(found.client_secret_expires_ms, 1'767'225'600'000);
  EXPECT_EQ(found.expires_ms, 1'764'072'000'000);
}

TEST(SsoCache, ADirectClientIdWinsAndAWrongOneTakesNoOther) {
  const std::string token =
      R"({"accessToken":"a","refreshToken":"r","authMethod":"IdC","provider":"Enterprise","region":"eu-west-1","clientId":"two","clientIdHash":"h"})";
  auto listing = read({file("h.json", R"({"clientId":"one","clientSecret":"1"})"),
                       file("z.json", R"({"clientId":"two","clientSecret":"2"})"),
                       file("kiro-auth-token.json", token)});
  ASSERT_EQ(listing.found.size(), 1u);
  EXPECT_EQ(listing.found[0].client_secret, "2");
  listing = read({file("h.json", R"({"clientId":"one","clientSecret":"1"})"),
                  file("kiro-auth-token.json", token)});
  EXPECT_EQ(listing.found[0].client_secret, "");
}

TEST(SsoCache, ElseTheLongestLivingOfTheSameRegion) {
  const auto listing = read(
      {file(
           "1.json",
           R"({"clientId":"short","clientSecret":"x","region":"eu-west-1","expiresAt":"2026-01-01T00:00:00Z"})"),
       file(
           "2.json",
           R"({"clientId":"long","clientSecret":"x","region":"eu-west-1","expiresAt":"2026-03-01T00:00:00Z"})"),
       file(
           "3.json",
           R"({"clientId":"away","clientSecret":"x","region":"us-west-2","expiresAt":"2027-03-01T00:00:00Z"})"),
       file(
           "amazon-q-auth-token.json",
           R"({"accessToken":"a","refreshToken":"r","region":"eu-west-1","startUrl":"https://d-1.awsapps.com/start"})")});
  ASSERT_EQ(listing.found.size(), 1u);
  EXPECT_EQ(listing.found[0].kind, "amazon-q");
  EXPECT_EQ(listing.found[0].client_id, "long");
  EXPECT_EQ(listing.found[0].auth_method, "idc");
}

TEST(SsoCache, SocialAndCompanySignIn) {
  const auto listing = read(
      {file(
           "kiro-auth-token.json",
           R"({"accessToken":"a","refreshToken":"r","profileArn":"arn:p","expiresAt":"2025-11-25T12:00:00Z","authMethod":"social","provider":"Google"})"),
       file(
           "kiro-auth-token-2.json",
           R"({"accessToken":"a","refreshToken":"r2","authMethod":"external_idp","provider":"ExternalIdp","tokenEndpoint":"https://t","issuerUrl":"https://i","clientId":"c","scopes":"a b"})"),
       file("reg.json", R"({"clientId":"x","clientSecret":"y"})")});
  ASSERT_EQ(listing.found.size(), 2u);
  EXPECT_EQ(listing.found[0].auth_method, "social");
  EXPECT_EQ(listing.found[0].client_secret, "") << "a social token belongs to no registration";
  EXPECT_EQ(listing.found[0].profile_arn, "arn:p");
  EXPECT_EQ(listing.found[1].auth_method, "external_idp");
  EXPECT_EQ(listing.found[1].client_id, "c");
  EXPECT_EQ(listing.found[1].obstacle(), "");
}

TEST(SsoCache, ASessionOfTheAwsCommandLineIsListedButNotImportable) {
  const auto listing = read({file(
      "abc.json",
      R"({"startUrl":"https://d-1.awsapps.com/start","region":"eu-west-1","accessToken":"a","expiresAt":"2025-11-25T12:00:00Z","clientId":"c","clientSecret":"s","registrationExpiresAt":"2026-01-01T00:00:00Z","refreshToken":"r","registrationScopes":["sso:account:access"]})")});
  ASSERT_EQ(listing.found.size(), 1u);
  EXPECT_EQ(listing.found[0].kind, "sso-cache");
  EXPECT_EQ(listing.found[0].client_secret_expires_ms, 1'767'225'600'000);
  EXPECT_THAT(listing.found[0].obstacle(), testing::HasSubstr("AWS"));
}

TEST(SsoCache, ATokenWithoutRefreshTokenSaysSo) {
  const auto listing = read(
      {file("kiro-auth-token.json", R"({"accessToken":"a","expiresAt":"2025-11-25T12:00:00Z"})")});
  ASSERT_EQ(listing.found.size(), 1u);
  EXPECT_THAT(listing.found[0].obstacle(), testing::HasSubstr("no refresh token"));
  EXPECT_FALSE(listed(listing.found[0], 0).at("importable").as_bool());
}

TEST(SsoCache, HalfWrittenFilesAreNamed) {
  const auto listing =
      read({file("kiro-auth-token.json", "{\"accessToken\":\"a"), file("empty.json", "")});
  EXPECT_TRUE(listing.found.empty());
  ASSERT_EQ(listing.problems.size(), 2u);
  EXPECT_EQ(listing.problems[0].file, "/h/.aws/sso/cache/kiro-auth-token.json");
}

TEST(SsoCache, ProfilesGoToTheHomeTheyLieIn) {
  std::vector<Found> found(3);
  found[0].kind = found[1].kind = found[2].kind = "kiro-ide";
  found[0].file = "/mnt/c/Users/ada/.aws/sso/cache/kiro-auth-token.json";
  found[1].file = "/mnt/c/Users/bob/.aws/sso/cache/kiro-auth-token.json";
  found[2].file = found[0].file;
  found[2].profile_arn = "own";
  applyProfiles({{"/mnt/c/Users/ada/", "arn:ada", ""}, {"/mnt/c/Users/bob/", "arn:bob", ""}},
                found);
  EXPECT_EQ(found[0].profile_arn, "arn:ada");
  EXPECT_EQ(found[1].profile_arn, "arn:bob");
  EXPECT_EQ(found[2].profile_arn, "own");
}

TEST(SsoCache, TheSameTokenTwiceIsOneAccount) {
  std::vector<Found> found(3);
  found[0].file = "/a";
  found[0].refresh_token = "r";
  found[1].file = "/b";
  found[1].refresh_token = "r";
  found[1].client_id = "c";
  found[1].client_secret = "s";
  found[1].region = "eu-west-1";
  found[2].file = "/c";
  mergeSame(found);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].also_in, std::vector<std::string>{"/b"});
  EXPECT_EQ(found[0].client_secret, "s");
  EXPECT_EQ(found[0].region, "eu-west-1");
}

}  // namespace
}  // namespace omni::kiro::local
