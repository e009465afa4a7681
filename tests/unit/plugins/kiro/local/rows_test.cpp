#include "plugins/kiro/local/rows.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

namespace omni::kiro::local {
namespace {

Listing read(const std::vector<Row>& rows) {
  Listing listing;
  readRows("kiro-cli", "/f/data.sqlite3", rows, listing);
  return listing;
}

Row kv(std::string key, std::string value) {
  return {"auth_kv", std::move(key), std::move(value)};
}

TEST(Rows, BuilderIdWithItsRegistration) {
  const auto listing = read(
      {kv("kirocli:odic:token",
          R"({"access_token":"aoaA","refresh_token":"aorA","expires_at":"2025-11-25T12:00:00.123456789Z","region":"us-east-1","start_url":"https://view.awsapps.com/start","oauth_flow":"DeviceCode","scopes":["a","b"]})"),
       kv("kirocli:odic:device-registration",
          R"({"client_id":"cid","client_secret":"sec","client_secret_expires_at":"2026-02-01T00:00:00Z","region":"us-east-1"})"),
       {"state", "api.codewhisperer.profile", R"({"arn":"arn:x","profile_name":"Team"})"}});
  ASSERT_EQ(listing.found.size(), 1u);
  const Found& found = listing.found[0];
  EXPECT_EQ(found.auth_method, "builder-id");
  EXPECT_EQ(found.provider, "BuilderId");
  EXPECT_EQ(found.refresh_token, "aorA");
  EXPECT_EQ(found.client_id, "cid");
  EXPECT_EQ(found.client_secret, "sec");
  EXPECT_EQ(found.scopes, "a b");
  EXPECT_EQ(found.expires_ms, 1'764'072'000'123);
  EXPECT_EQ(found.profile_arn, "arn:x");
}

TEST(Rows, IdentityCenterTakesTheRegistrationOfItsOwnFamily) {
  const auto listing = read(
      {kv("codewhisperer:odic:device-registration",
          R"({"client_id":"old","client_secret":"o","region":"eu-west-1"})"),
       kv("kirocli:oidc:device-registration",
          R"({"client_id":"new","client_secret":"n","region":"eu-west-1"})"),
       kv("kirocli:oidc:token",
          R"({"access_token":"a","refresh_token":"r1","region":"eu-west-1","start_url":"https://d-1.awsapps.com/start"})"),
       kv("codewhisperer:odic:token",
          R"({"access_token":"b","refresh_token":"r2","region":"eu-west-1","start_url":"https://d-1.awsapps.com/start"})")});
  ASSERT_EQ(listing.found.size(), 2u);
  EXPECT_EQ(listing.found[0].entry, "kirocli:oidc:token");
  EXPECT_EQ(listing.found[0].client_id, "new");
  EXPECT_EQ(listing.found[0].auth_method, "idc");
  EXPECT_EQ(listing.found[1].client_id, "old");
}

TEST(Rows, AllKindsInTheOrderOfTheTools) {
  const auto listing = read(
      {kv("kirocli:social:token",
          R"({"access_token":"a","refresh_token":"rs","provider":"google","expires_at":1764072000})"),
       kv("kirocli:odic:token", R"({"access_token":"a","refresh_token":"ro"})"),
       kv("kirocli:external-idp:token",
          R"({"access_token":"a","refresh_token":"re","issuer_url":"https://i","token_endpoint":"https://t","client_id":"c","scopes":"x y"})"),
       kv("kirocli:auth:last-forced-refresh-at", "1764072000"),
       {"state", "api.codewhisperer.profile",
        R"({"arn":"arn:s","profile_name":"Social_Default_Profile"})"},
       {"state", "auth.idc.start-url", R"("https://d-9.awsapps.com/start")"},
       {"state", "auth.idc.region", R"("eu-central-1")"}});
  ASSERT_EQ(listing.found.size(), 3u);
  EXPECT_EQ(listing.found[0].auth_method, "external_idp");
  EXPECT_EQ(listing.found[0].token_endpoint, "https://t");
  EXPECT_EQ(listing.found[1].auth_method, "idc");
  EXPECT_EQ(listing.found[1].region, "eu-central-1");
  EXPECT_EQ(listing.found[1].profile_arn, "")
      << "the ARN of the social profile is another account's";
  EXPECT_EQ(listing.found[2].auth_method, "social");
  EXPECT_EQ(listing.found[2].provider, "Google");
  EXPECT_EQ(listing.found[2].profile_arn, "arn:s");
  EXPECT_EQ(listing.found[2].expires_ms, 1'764'072'000'000);
}

TEST(Rows, WindowsStoreTablesAndCamelCase) {
  const auto listing = read(
      {{"ItemTable", "kiro:auth:token",
        R"({"accessToken":"a","refreshToken":"r","provider":"Github","expiresAt":"2025-11-25T12:00:00Z","profileArn":"arn:g"})"}});
  ASSERT_EQ(listing.found.size(), 1u);
  EXPECT_EQ(listing.found[0].auth_method, "social");
  EXPECT_EQ(listing.found[0].profile_arn, "arn:g");
}

TEST(Rows, BrokenRowsAreNamedAndTheOthersGoOn) {
  const auto listing =
      read({kv("kirocli:odic:token", "{\"access_token\":"),
            kv("kirocli:social:token", R"({"access_token":"a","refresh_token":"r"})")});
  ASSERT_EQ(listing.found.size(), 1u);
  ASSERT_EQ(listing.problems.size(), 1u);
  EXPECT_THAT(listing.problems[0].message, testing::HasSubstr("kirocli:odic:token"));
}

TEST(Rows, ASignedOutToolHasNoAccount) {
  EXPECT_TRUE(read({kv("kirocli:odic:token", R"({"access_token":"","refresh_token":null})")})
                  .found.empty());
  EXPECT_TRUE(
      read({kv("kirocli:odic:device-registration", R"({"client_id":"c","client_secret":"s"})")})
          .found.empty());
}

TEST(Rows, TheListingHoldsNoSecret) {
  const auto listing =
      read({kv("kirocli:odic:token",
               R"({"access_token":"ACCESS-SECRET","refresh_token":"REFRESH-SECRET"})"),
            kv("kirocli:odic:device-registration",
               R"({"client_id":"cid","client_secret":"CLIENT-SECRET"})")});
  const std::string shown = boost::json::serialize(listed(listing, 0));
  EXPECT_THAT(shown, testing::HasSubstr("cid"));
  EXPECT_THAT(shown, testing::Not(testing::HasSubstr("SECRET")));
  EXPECT_EQ(listing.found[0].fingerprint().size(), 64u);
  EXPECT_THAT(boost::json::serialize(revealed(listing.found[0])),
              testing::HasSubstr("REFRESH-SECRET"));
}

}  // namespace
}  // namespace omni::kiro::local
