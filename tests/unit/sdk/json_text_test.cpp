#include <gtest/gtest.h>
#include <omniroute/json_text.hpp>

namespace omni::sdk {
namespace {

TEST(JsonText, FindsOuterMembersOnly) {
  constexpr const char* kText =
      R"( {"a" : {"label":"inner"}, "b":[1,{"c":"}"}], "label" : "outer", "n": 12 } )";
  EXPECT_EQ(jsonMember(kText, "label"), "\"outer\"");
  EXPECT_EQ(jsonMember(kText, "n"), "12");
  EXPECT_EQ(jsonMember(kText, "b"), R"([1,{"c":"}"}])");
  EXPECT_EQ(jsonMember(kText, "c"), std::nullopt);
}

TEST(JsonText, BrokenInputHasNoMembers) {
  for (const char* text :
       {"", "[]", "{", "{\"label\"", "{\"label\":", "{\"label\":\"x", "{\"label\":[1", "null"})
    EXPECT_EQ(jsonMember(text, "label"), std::nullopt) << text;
}

TEST(JsonText, DecodesEscapes) {
  EXPECT_EQ(jsonString(R"("a\"\\\n\u00e9\ud83d\ude00")"), "a\"\\\n\xC3\xA9\xF0\x9F\x98\x80");
  for (const char* text :
       {"", "\"", "x", R"("\x")", R"("\u12")", R"("\ud83d")", R"("\ude00")", "\"a\"b\""})
    EXPECT_EQ(jsonString(text), std::nullopt) << text;
}

TEST(JsonText, QuoteIsReversible) {
  const std::string text = "quote \" slash \\ newline \n bell \a \xC3\xA9";
  EXPECT_EQ(jsonString(jsonQuote(text)), text);
}

}  // namespace
}  // namespace omni::sdk
