#include "service/secrets/bundle.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "service/secrets/legacy_fields.hpp"

namespace omni::secrets {
namespace {

namespace json = boost::json;

const char* const kPassphrase = "correct horse battery";

TEST(Bundle, OpensWithItsPassphraseOnly) {
  ScryptBundleCipher cipher;
  const auto first = cipher.seal("secret contents", kPassphrase);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first->find("secret"), std::string::npos);
  EXPECT_EQ(*cipher.open(*first, kPassphrase), "secret contents");
  const auto wrong = cipher.open(*first, "correct horse bakery!");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().field, "passphrase");
  EXPECT_NE(*first, *cipher.seal("secret contents", kPassphrase));
}

TEST(Bundle, OneKindIsNeverTakenForTheOther) {
  ScryptBundleCipher bundles;
  ScryptBundleCipher backups(kBackupKind);
  const std::string backup = *backups.seal("contents", kPassphrase);
  EXPECT_EQ(*backups.open(backup, kPassphrase), "contents");
  EXPECT_EQ(bundles.open(backup, kPassphrase).error().field, "bundle");
  json::object renamed = json::parse(backup).as_object();
  renamed["format"] = "omniroute-bundle";
  EXPECT_EQ(bundles.open(json::serialize(renamed), kPassphrase).error().field, "passphrase");
  EXPECT_EQ(backups.open("{}", kPassphrase).error().field, "backup");
}

TEST(Bundle, RefusesAShortPassphrase) {
  ScryptBundleCipher cipher;
  const auto sealed = cipher.seal("x", "elevenchars");
  ASSERT_FALSE(sealed);
  EXPECT_EQ(sealed.error().field, "passphrase");
}

TEST(Bundle, EveryChangeOfItIsNoticed) {
  ScryptBundleCipher cipher;
  const json::object sealed = json::parse(*cipher.seal("contents", kPassphrase)).as_object();
  for (const char* key : {"salt", "nonce", "data"}) {
    json::object changed = sealed;
    std::string text(changed[key].as_string());
    text[0] = text[0] == 'A' ? 'B' : 'A';
    changed[key] = text;
    EXPECT_FALSE(cipher.open(json::serialize(changed), kPassphrase)) << key;
  }
  json::object cheaper = sealed;
  cheaper["n"] = 1 << 14;
  EXPECT_FALSE(cipher.open(json::serialize(cheaper), kPassphrase));
}

TEST(Bundle, EnvelopesThatAreNoneAreRefused) {
  ScryptBundleCipher cipher;
  const json::object good = json::parse(*cipher.seal("contents", kPassphrase)).as_object();
  ASSERT_TRUE(parseBundleEnvelope(json::serialize(good)));
  const std::pair<const char*, json::value> kBad[] = {
      {"format", "other"},
      {"version", 2},
      {"version", "1"},
      {"kdf", "pbkdf2"},
      {"cipher", "none"},
      {"n", 1 << 18},
      {"n", 3},
      {"n", -2},
      {"r", 9},
      {"p", 5},
      {"p", 0},
      {"salt", "AAAA"},
      {"nonce", "AAAA"},
      {"data", "not base64"},
      {"data", ""},
      {"data", nullptr},
      {"salt", 1},
      {"n", 1e300},
      {"data", "AA=AAAAAAAAAAAAAAAAAAAAA"},
  };
  for (const auto& [key, value] : kBad) {
    json::object changed = good;
    changed[key] = value;
    const auto parsed = parseBundleEnvelope(json::serialize(changed));
    ASSERT_FALSE(parsed) << key << " " << json::serialize(value);
    EXPECT_EQ(parsed.error().field, "bundle");
  }
  for (const char* text : {"", "{", "[]", "null", "\"x\"", "{\"format\":\"omniroute-bundle\"}"})
    EXPECT_FALSE(parseBundleEnvelope(text)) << text;
}

// Made with Node's crypto as OmniRoute does it, so that not only this side's own writing is read.
const char* const kFromNode =
    "enc:v1:000102030405060708090a0b0c0d0e0f:94c74a4f73200519b28484d4bc807f:"
    "f460cc64caec3c2ff3ffa666e965119e";

TEST(LegacyFields, ReadsWhatOmniRouteWrote) {
  OmniRouteFields fields;
  const auto opened = fields.open({kFromNode, "", "plain"}, "my-storage-key");
  ASSERT_TRUE(opened);
  ASSERT_TRUE((*opened)[0]) << (*opened)[0].error().message;
  EXPECT_EQ(*(*opened)[0], "aorAAAAAG-token");
  EXPECT_EQ(*(*opened)[1], "");
  EXPECT_EQ(*(*opened)[2], "plain");
}

TEST(LegacyFields, AWrongKeyOrADamagedFieldIsThatFieldsError) {
  OmniRouteFields fields;
  EXPECT_FALSE((*fields.open({kFromNode}, "other"))[0]);
  std::string damaged = kFromNode;
  damaged.back() = 'f';
  const auto opened = fields.open({damaged, "plain", "enc:v1:zz:00:00"}, "my-storage-key");
  ASSERT_TRUE(opened);
  EXPECT_FALSE((*opened)[0]);
  EXPECT_TRUE((*opened)[1]);
  EXPECT_FALSE((*opened)[2]);
}

TEST(LegacyFields, AskForTheKeyOnlyWhenItIsNeeded) {
  OmniRouteFields fields;
  EXPECT_TRUE(fields.open({"plain"}, ""));
  const auto opened = fields.open({kFromNode}, "");
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().field, "storageKey");
}

TEST(LegacyFields, MalformedOnesAreNone) {
  for (const char* text : {"", "enc:v1:", "enc:v1:00", "enc:v1:00:00", "enc:v1:00:00:00",
                           "enc:v1:000102030405060708090a0b0c0d0e0f:0:00"})
    EXPECT_FALSE(parseLegacyField(text)) << text;
}

}  // namespace
}  // namespace omni::secrets
