#include "service/http/content_tap.hpp"

#include <gtest/gtest.h>

#include <string>

namespace omni::http {
namespace {

using chat::EventKind;

const ContentTap::Clean kAsItIs;

void say(ContentTap& tap, EventKind kind, std::string_view text, std::string_view name = {}) {
  chat::ChatEvent event;
  event.kind = kind;
  event.text = text;
  event.name = name;
  tap.see(event);
}

TEST(ContentTap, KeepsTheBodyAndThePlainTextAsTheyAre) {
  ContentTap tap(100, R"({"model":"m"})", kAsItIs);
  say(tap, EventKind::Started, "");
  say(tap, EventKind::Text, "Hel");
  say(tap, EventKind::Text, "lo");
  say(tap, EventKind::Usage, "");
  const auto content = tap.take();
  EXPECT_EQ(content->request, R"({"model":"m"})");
  EXPECT_EQ(content->request_bytes, 13);
  EXPECT_EQ(content->answer, "Hello");
  EXPECT_EQ(content->answer_bytes, 5);
}

TEST(ContentTap, NamesWhatIsNotText) {
  ContentTap tap(100, "", kAsItIs);
  say(tap, EventKind::Reasoning, "hm");
  say(tap, EventKind::Text, "Yes.");
  say(tap, EventKind::ToolStart, "", "ls");
  say(tap, EventKind::ToolArguments, "{}");
  say(tap, EventKind::ToolEnd, "");
  say(tap, EventKind::ToolStart, "", "cat");
  say(tap, EventKind::ToolArguments, R"({"a":1})");
  EXPECT_EQ(tap.take()->answer,
            "[reasoning]\nhm\n\n[text]\nYes.\n\n[tool call] ls {}\n\n[tool call] cat {\"a\":1}");
}

TEST(ContentTap, OfALongBodyTheBeginningAndTheEndAreKept) {
  const std::string body = "BEGIN" + std::string(1000, '.') + "END";
  const auto content = ContentTap(20, body, kAsItIs).take();
  EXPECT_EQ(content->request, "BEGIN.....\n[... 988 bytes are not kept ...]\n.......END");
  EXPECT_EQ(content->request_bytes, 1008);
}

TEST(ContentTap, CutsBetweenCharacters) {
  std::string body;
  for (int i = 0; i < 50; ++i) body += "\xE2\x82\xAC";  // the euro sign, three bytes
  const auto content = ContentTap(20, body, kAsItIs).take();
  EXPECT_EQ(content->request,
            "\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\n[... 132 bytes are not kept ...]\n"
            "\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC");
}

TEST(ContentTap, ALongAnswerEndsWithAMarkAndNothingFollowsIt) {
  ContentTap tap(8, "", kAsItIs);
  say(tap, EventKind::Text, "12345");
  say(tap, EventKind::Text, "67890");
  say(tap, EventKind::Text, "x");  // would fit into what was left by a cut between characters
  say(tap, EventKind::ToolStart, "", "ls");
  const auto content = tap.take();
  EXPECT_EQ(content->answer, "12345678\n[... 6 bytes are not kept ...]\n");
  EXPECT_EQ(content->answer_bytes, 14);
}

TEST(ContentTap, BytesThatAreNoTextDoNotHang) {
  const std::string body(1000, '\x80');
  const auto content = ContentTap(10, body, kAsItIs).take();
  EXPECT_LE(content->request.size(), 60u);
  EXPECT_EQ(content->request_bytes, 1000);
}

TEST(ContentTap, SecretsGoBeforeTheCutCanHideThem) {
  const ContentTap::Clean clean = [](std::string_view text) {
    std::string out(text);
    for (size_t at; (at = out.find("secret")) != std::string::npos;) out.replace(at, 6, "*");
    return out;
  };
  ContentTap tap(10, "1234secret56secret7890", clean);  // the cut would go through both
  say(tap, EventKind::Text, "12sec");
  say(tap, EventKind::Text, "ret3");
  const auto content = tap.take();
  EXPECT_EQ(content->request, "1234*\n[... 2 bytes are not kept ...]\n*7890");
  EXPECT_EQ(content->request_bytes, 22);
  EXPECT_EQ(content->answer, "12*3");
}

}  // namespace
}  // namespace omni::http
