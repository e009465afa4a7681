#include "core/json/document.hpp"

#include <gtest/gtest.h>

#include <string>

namespace omni::json {
namespace {

TEST(Document, ValuesAreSpansOfTheText) {
  Document d;
  ASSERT_TRUE(d.parse(R"( {"a":[1, {"b" : "x\n\u00e9\ud83d\ude00"}, null], "c\u0064":true} )"));
  const Value root = d.root();
  EXPECT_TRUE(root.is(Kind::Object));
  const Value a = root.find("a");
  EXPECT_EQ(a.raw(), R"([1, {"b" : "x\n\u00e9\ud83d\ude00"}, null])");
  const Value second = a.first().next();
  EXPECT_EQ(second.find("b").text(), "x\n\xc3\xa9\xf0\x9f\x98\x80");
  EXPECT_EQ(second.find("b").path(), "a[1].b");
  EXPECT_TRUE(second.next().is(Kind::Null));
  EXPECT_FALSE(second.next().next());
  EXPECT_TRUE(root.find("cd").is(Kind::True));
  EXPECT_EQ(root.find("cd").key(), "cd");
  EXPECT_EQ(a.next().path(), "cd");
  EXPECT_FALSE(root.find("nothing"));
  EXPECT_EQ(root.path(), "body");
  EXPECT_EQ(root.pathOf("x"), "x");
  EXPECT_EQ(second.pathOf("y z"), "a[1][\"y z\"]");
}

TEST(Document, EmptyContainersAndScalars) {
  for (const char* text : {"{}", "[]", "[[],{}]", "0", "-1.5e3", "\"\"", "null", "false"}) {
    Document d;
    EXPECT_TRUE(d.parse(text)) << text;
    EXPECT_EQ(d.root().raw(), text);
  }
}

TEST(Document, LongStringsOfEveryLengthAreReadWhole) {
  for (size_t n = 0; n < 40; ++n) {
    const std::string text = std::string(n, 'a') + "\xc3\xa4" + std::string(n, 'b');
    Document d;
    ASSERT_TRUE(d.parse("[\"" + text + "\",\"" + std::string(n, 'c') + "\\\\\"]"));
    EXPECT_EQ(d.root().first().text(), text);
    EXPECT_EQ(d.root().first().next().text(), std::string(n, 'c') + "\\");
  }
}

// Eight bytes are looked at together: each byte must be seen wherever in them it stands, and with
// any neighbour before it.
TEST(Document, EveryByteIsSeenAtEveryPlace) {
  for (size_t place = 0; place < 18; ++place) {
    for (const char before : {'a', '!', '#', '\x7f', ' '}) {
      for (int byte = 0; byte < 256; ++byte) {
        const std::string inner =
            std::string(place, before) + static_cast<char>(byte) + std::string(9, 'z');
        Document d;
        const bool read = d.parse("[\"" + inner + "\"]").has_value();
        const bool plain = byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
        ASSERT_EQ(read, plain) << "byte " << byte << " at " << place;
        if (plain) ASSERT_EQ(d.root().first().text(), inner);
      }
    }
  }
}

struct Bad {
  const char* name;
  std::string text;
  const char* message;
  const char* field = "";
};

class DocumentRefuses : public ::testing::TestWithParam<Bad> {};

TEST_P(DocumentRefuses, WithTheByte) {
  Document d;
  const auto parsed = d.parse(GetParam().text);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().kind, FailureKind::BadRequest);
  EXPECT_NE(parsed.error().message.find(GetParam().message), std::string::npos)
      << parsed.error().message;
  EXPECT_EQ(parsed.error().field, GetParam().field);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, DocumentRefuses,
    ::testing::Values(
        Bad{"Empty", "", "empty at byte 0"}, Bad{"Blank", "  \n", "empty at byte 3"},
        Bad{"Cut", R"({"a":1)", "at byte 6"}, Bad{"CutInString", "\"abcdefghij", "at byte 11"},
        Bad{"CutInEscape", "\"\\", "at byte 2"}, Bad{"CutAfterColon", "{\"a\":", "at byte 5"},
        Bad{"Extra", "{} x", "extra text at byte 3"},
        Bad{"NoComma", "[1 2]", "a comma or \"]\" is due, not \"2\", at byte 3"},
        Bad{"TrailingComma", "[1,]", "at byte 3"}, Bad{"TrailingComma2", "{\"a\":1,}", "at byte 7"},
        Bad{"Mismatch", "[1}", "at byte 2"}, Bad{"NoColon", "{\"a\" 1}", "colon"},
        Bad{"BareName", "{a:1}", "a member's name is due"}, Bad{"Word", "[tru]", "at byte 1"},
        Bad{"LeadingZero", "01", "needless 0 at byte 1"}, Bad{"Minus", "-", "at byte 1"},
        Bad{"Point", "1.", "after the point"}, Bad{"Exponent", "1e+", "exponent"},
        Bad{"Giant", R"({"a":[1e400]})", "at byte 6, in a[0]", "a[0]"},
        Bad{"GiantDigits", std::string(400, '9'), "at byte 0", "body"},
        Bad{"Control", "{\"a\":\"x\ny\"}", "control character in a string is not escaped at byte 7",
            "a"},
        Bad{"Escape", R"(["\q"])", "no escape \\q at byte 2", "[0]"},
        Bad{"Hex", R"(["\u12g4"])", "hexadecimal", "[0]"},
        Bad{"LoneHigh", R"({"m":[{"c":"a\ud800b"}]})", "surrogate pair stands alone at byte 13",
            "m[0].c"},
        Bad{"LoneLow", R"(["\udc00"])", "second half", "[0]"},
        Bad{"TwoHigh", R"(["\ud800\ud800"])", "first half", "[0]"},
        Bad{"Utf8Lone", "[\"\x80\"]", "not valid UTF-8 at byte 2", "[0]"},
        Bad{"Utf8Overlong", "[\"\xc0\xaf\"]", "UTF-8", "[0]"},
        Bad{"Utf8Overlong3", "[\"\xe0\x80\xaf\"]", "UTF-8", "[0]"},
        Bad{"Utf8Surrogate", "[\"\xed\xa0\x80\"]", "UTF-8", "[0]"},
        Bad{"Utf8Beyond", "[\"\xf4\x90\x80\x80\"]", "UTF-8", "[0]"},
        Bad{"Utf8Cut", "[\"\xe2\x82\"]", "UTF-8", "[0]"},
        Bad{"Utf8OutsideString", "\xef\xbb\xbf{}", "byte 0xef, at byte 0"},
        Bad{"Deep", std::string(5000, '['), "deeper than 128 levels at byte 128"},
        Bad{"DeepObjects",
            [] {
              std::string s;
              for (int i = 0; i < 3000; ++i) s += "{\"a\":";
              return s;
            }(),
            "deeper than 128"},
        Bad{"Twice", R"({"a":1,"b":{"x":1,"y":2,"x":3}})",
            "\"x\" is there twice at byte 24, in b.x", "b.x"},
        Bad{"TwiceEscaped", R"({"a":1,"\u0061":2})", "twice", "a"},
        Bad{"TwiceAmongMany",
            R"({"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1,"k":1,"l":1,"m":1,"c":[2]})",
            "\"c\" is there twice", "c"}),
    [](const auto& param) { return std::string(param.param.name); });

// Whatever the bytes, parsing ends and says something.
TEST(Document, EveryCutOfAGoodTextIsRefused) {
  const std::string good = R"({"a":[1,-2.5e3,"x\u00e9\\",{"b":null,"c":[true,false,{}]}],"d":""})";
  for (size_t n = 0; n < good.size(); ++n) {
    Document d;
    const auto parsed = d.parse(good.substr(0, n));
    ASSERT_FALSE(parsed) << n;
    EXPECT_NE(parsed.error().message.find("at byte"), std::string::npos);
  }
  for (size_t n = 0; n < good.size(); ++n)
    for (int b = 0; b < 256; ++b) {
      std::string changed = good;
      changed[n] = static_cast<char>(b);
      Document d;
      if (!d.parse(changed)) continue;
      EXPECT_EQ(d.root().raw().size(), changed.size()) << changed;
    }
}

}  // namespace
}  // namespace omni::json
