#include "plugins/kiro/json_text.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <vector>

namespace omni::kiro {
namespace {

// The scanner and a whole parser agree about what is JSON.
TEST(KiroJsonText, AcceptsWhatAParserAccepts) {
  const std::vector<std::string> texts = {
      "{}", "[]", "null", "true", "false", "0", "-0", "-1.5e+10", "1E5", R"("")", R"("\u00e9\n")",
      R"("\ud83d\ude00")", "\"\xF0\x9F\x98\x80\"", R"({"a":[1,{"b":null}],"c":""})", " [ 1 , 2 ] ",
      // none of these
      "", " ", "{", "}", "[1,]", "{,}", R"({"a"})", R"({"a":})", R"({a:1})", "01", "1.", ".5", "+1",
      "1e", "-", "nul", "truex", R"("\x")", R"("\u12")", R"("\ud800")", R"("\ude00")",
      R"("\ud800\u0041")", "\"\x01\"", "\"\n\"", "\"\xC0\x80\"", "\"\xED\xA0\x80\"",
      "\"\xF5\x80\x80\x80\"", "\"\xE2\x82\"", "\"\xFF\"", "{} {}", "[1 2]", R"("abc)", R"("abc\)"};
  for (const auto& text : texts) {
    boost::json::error_code code;
    boost::json::parse(text, code);
    EXPECT_EQ(isJson(text), !code) << text;
  }
}

TEST(KiroJsonText, DepthIsLimited) {
  const auto nested = [](size_t levels) {
    return std::string(levels, '[') + std::string(levels, ']');
  };
  EXPECT_TRUE(isJson(nested(kDeepest)));
  EXPECT_FALSE(isJson(nested(kDeepest + 1)));
  EXPECT_FALSE(isJson(nested(1'000'000)));
}

TEST(KiroJsonText, StringsComeAndGoUnchanged) {
  for (const std::string& text :
       {std::string(), std::string("plain"), std::string("a\"b\\c\n\r\t\b\f\x01/"),
        std::string("caf\u00e9 \U0001F600 and more than eight"), std::string("\0x", 2)}) {
    std::string written, scratch;
    appendQuoted(written, text);
    EXPECT_TRUE(isJson(written)) << written;
    EXPECT_EQ(stringOf(written, scratch), text);
    EXPECT_EQ(std::string(boost::json::parse(written).as_string()), text);
  }
  std::string scratch;
  EXPECT_EQ(stringOf(R"("\ud83d\ude00\/\u0041")", scratch), "\U0001F600/A");
  EXPECT_EQ(stringOf("12", scratch), "");
  EXPECT_EQ(stringOf("", scratch), "");
}

// Eight bytes are looked at together: each byte must be seen wherever in them it stands.
TEST(KiroJsonText, EveryByteIsSeenAtEveryPlace) {
  for (size_t place = 0; place < 18; ++place) {
    for (const char before : {'a', '!', '#', '\x7f', ' '}) {
      for (int byte = 0; byte < 256; ++byte) {
        const std::string inner =
            std::string(place, before) + static_cast<char>(byte) + std::string(9, 'z');
        const bool plain = byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
        ASSERT_EQ(isJson("\"" + inner + "\""), plain) << "byte " << byte << " at " << place;
        if (byte >= 0x80) continue;
        std::string written, scratch;
        appendQuoted(written, inner);
        ASSERT_EQ(stringOf(written, scratch), inner) << "byte " << byte << " at " << place;
      }
    }
  }
}

TEST(KiroJsonText, MembersAndElements) {
  std::vector<std::string> seen;
  EXPECT_TRUE(eachMember(R"( { "a" : 1 , "\u0062" : [ {} ] } )", [&](auto key, auto value) {
    seen.push_back(std::string(key) + "=" + std::string(value));
  }));
  EXPECT_EQ(seen, (std::vector<std::string>{"a=1", "b=[ {} ]"}));
  EXPECT_FALSE(eachMember("[1]", [](auto, auto) {}));
  EXPECT_FALSE(eachMember(R"({"a":1}x)", [](auto, auto) {}));
  size_t count = 0;
  EXPECT_TRUE(eachElement("[1, 2 ,3]", [&](auto) { ++count; }));
  EXPECT_EQ(count, 3u);
  EXPECT_FALSE(eachElement("[1,]", [](auto) {}));
  EXPECT_EQ(memberOf(R"({"a":1,"b":{"c":2}})", "b"), R"({"c":2})");
  EXPECT_EQ(memberOf("{}", "b"), "");
  EXPECT_EQ(trimmed(" \n{} \t"), "{}");
  EXPECT_EQ(trimmed("  "), "");
  EXPECT_EQ(numberOf("1.5").value(), 1.5);
  EXPECT_FALSE(numberOf("1x"));
}

}  // namespace
}  // namespace omni::kiro
