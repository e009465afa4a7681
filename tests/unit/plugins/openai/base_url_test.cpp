#include "plugins/openai/base_url.hpp"

#include <gtest/gtest.h>

#include "plugins/openai/sha256.hpp"

namespace omni::openai_upstream {
namespace {

std::string accepted(std::string_view text, std::string_view allow = {}) {
  auto url = parseBaseUrl(text, allow);
  return url ? url->text : "refused: " + url.error().message;
}

TEST(OpenAiBaseUrl, NormalisesWhatPeopleCopy) {
  EXPECT_EQ(accepted("https://api.openai.com/v1"), "https://api.openai.com/v1");
  EXPECT_EQ(accepted("HTTPS://API.OpenAI.com/v1/"), "https://api.openai.com/v1");
  EXPECT_EQ(accepted("https://x.example/v1/chat/completions"), "https://x.example/v1");
  EXPECT_EQ(accepted("https://x.example:8443/a/V1"), "https://x.example:8443/a/V1");
  EXPECT_EQ(accepted("https://x.example"), "https://x.example");
}

TEST(OpenAiBaseUrl, PlainHttpReachesOnlyThisMachineAndPrivateNetworks) {
  for (const char* url :
       {"http://localhost:11434/v1", "http://127.0.0.1:1/v1", "http://127.9.9.9",
        "http://[::1]:8080/v1", "http://10.1.2.3/v1", "http://192.168.0.9:1234/v1",
        "http://172.16.0.1", "http://172.31.255.255", "http://100.64.1.1", "http://[fd12::1]/v1",
        "http://[::ffff:10.0.0.1]/v1", "http://ollama:11434/v1", "http://nas.local/v1",
        "http://nas.lan", "http://box.home.arpa"})
    EXPECT_TRUE(parseBaseUrl(url, "")) << accepted(url);
  for (const char* url :
       {"http://api.openai.com/v1", "http://8.8.8.8/v1", "http://172.32.0.1",
        "http://[2001:db8::1]/v1", "http://[::ffff:8.8.8.8]", "http://127.0.0.1.example.com"})
    EXPECT_FALSE(parseBaseUrl(url, "")) << url;
  EXPECT_TRUE(parseBaseUrl("http://models.example/v1", "other.example, Models.Example"));
  EXPECT_FALSE(parseBaseUrl("http://evilmodels.example/v1", "models.example"));
}

TEST(OpenAiBaseUrl, NeverTheMetadataServiceNorAmbiguousAddresses) {
  for (const char* url :
       {"http://169.254.169.254/latest", "https://169.254.169.254",
        "https://metadata.google.internal/v1", "https://[fe80::1]", "https://[fd00:ec2::254]",
        "https://0.0.0.0/v1", "http://[::]/v1", "https://224.0.0.1", "https://255.255.255.255",
        "https://[ff02::1]", "https://[::ffff:169.254.169.254]", "http://2130706433/v1",
        "http://0x7f.1/v1", "http://127.1/v1", "http://0177.0.0.1/v1", "https://169.254.169.254./x",
        "http://100.100.100.200"})
    EXPECT_FALSE(parseBaseUrl(url, "169.254.169.254")) << url;
}

TEST(OpenAiBaseUrl, RefusesWhatIsNoBase) {
  for (const char* url : {"",
                          "api.openai.com/v1",
                          "ftp://x.example",
                          "file:///etc/passwd",
                          "https://",
                          "https:///v1",
                          "https://user:pw@x.example/v1",
                          "https://x.example/v1?key=1",
                          "https://x.example/#a",
                          "https://x.example:0/v1",
                          "https://x.example:70000",
                          "https://x.example:8a",
                          "https://x .example",
                          "https://x.example/a/../b",
                          "https://[::1",
                          "https://[1:2]",
                          "https://[1:2:3:4:5:6:7:8:9]",
                          "https://[::1::]",
                          "https://-x.example",
                          "https://x..example",
                          "https://x.example\\@evil"}) {
    auto parsed = parseBaseUrl(url, "");
    ASSERT_FALSE(parsed) << url;
    EXPECT_EQ(parsed.error().kind, OMNI_FAILURE_BAD_REQUEST) << url;
    EXPECT_EQ(parsed.error().field, "baseUrl") << url;
    EXPECT_FALSE(parsed.error().message.empty()) << url;
  }
}

TEST(OpenAiSha256, KnownAnswers) {
  EXPECT_EQ(sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256Hex(std::string(1000, 'a')),
            "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3");
}

}  // namespace
}  // namespace omni::openai_upstream
