#include "cli/text.hpp"

#include <gtest/gtest.h>

namespace omni::cli {
namespace {

TEST(Text, WidthOfWideCombiningAndBroken) {
  EXPECT_EQ(displayWidth("abc"), 3u);
  EXPECT_EQ(displayWidth("äöü"), 3u);
  EXPECT_EQ(displayWidth("日本"), 4u);
  EXPECT_EQ(displayWidth("🙂"), 2u);
  EXPECT_EQ(displayWidth("e\xcc\x81"), 1u);
  EXPECT_EQ(displayWidth("\xff\xfe"), 2u);
}

TEST(Text, ClipsByColumns) {
  EXPECT_EQ(clipped("abcdef", 6), "abcdef");
  EXPECT_EQ(clipped("abcdef", 4), "abc…");
  EXPECT_EQ(clipped("日本語", 4), "日…");
  EXPECT_EQ(clipped("abc", 0), "");
  EXPECT_EQ(padded("日", 4), "日  ");
}

TEST(Text, NamesCannotSteerTheTerminal) {
  EXPECT_EQ(safe("a\x1b[31mb"), "a?[31mb");
  EXPECT_EQ(safe("a\nb\tc"), "a b c");
  EXPECT_EQ(safe("a\u202eb"), "a?b");
  EXPECT_EQ(safe("\xc2\x9b"), "?");
  EXPECT_EQ(safe("a\xff"), "a?");
  EXPECT_EQ(safe("שלום 🙂"), "שלום 🙂");
}

TEST(Text, Wraps) {
  EXPECT_EQ(wrapped("aa bb cc", 5), (std::vector<std::string>{"aa bb", "cc"}));
  EXPECT_EQ(wrapped("longword x", 4), (std::vector<std::string>{"longword", "x"}));
  EXPECT_EQ(wrapped("a\nb", 10), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(wrapped("", 10), (std::vector<std::string>{""}));
}

TEST(Text, NearestIsOnlyWhatWasProbablyMeant) {
  const std::vector<std::string> known{"status", "doctor", "login", "providers"};
  EXPECT_EQ(nearest("statsu", known), "status");
  EXPECT_EQ(nearest("provider", known), "providers");
  EXPECT_EQ(nearest("prov", known), "providers");
  EXPECT_EQ(nearest("zzz", known), "");
  EXPECT_EQ(nearest("", known), "");
}

TEST(Text, Times) {
  const int64_t now = 1'764'072'000'000;
  EXPECT_EQ(parseIso("2025-11-25T12:00:00.000Z"), now);
  EXPECT_EQ(isoText(now + 999), "2025-11-25T12:00:00Z");
  EXPECT_EQ(isoText(-1000), "1969-12-31T23:59:59Z");
  EXPECT_EQ(parseIso("soon"), 0);
  EXPECT_EQ(relativeTime(now + 3'600'000 * 3, now), "in 3 h");
  EXPECT_EQ(relativeTime(now - 86'400'000 * 4, now), "4 d ago");
  EXPECT_EQ(relativeTime(now + 1000, now), "now");
  EXPECT_EQ(relativeTime(0, now), "-");
}

}  // namespace
}  // namespace omni::cli
