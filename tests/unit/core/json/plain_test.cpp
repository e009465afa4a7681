#include "core/json/plain.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <limits>

namespace omni::json {
namespace {

TEST(PlainJson, NumbersAreWrittenAsPeopleWriteThem) {
  const std::pair<double, std::string> rows[] = {
      {50, "50"},
      {12.5, "12.5"},
      {0, "0"},
      {-0.25, "-0.25"},
      {0.1, "0.1"},
      {1e-7, "1e-07"},
      {1e22, "1e+22"},
      {1234567.89, "1234567.89"},
      {1.0 / 3, "0.3333333333333333"},
      {0.0001, "0.0001"},
      {0.00012345678901234567, "0.00012345678901234567"},
      {100000, "100000"},
      {200000, "200000"},
      {9007199254740993, "9007199254740992"},
      {-1e15, "-1000000000000000"},
  };
  for (const auto& [number, text] : rows) {
    EXPECT_EQ(plainText(number), text);
    EXPECT_EQ(boost::json::parse(text).to_number<double>(), number) << text;
  }
  EXPECT_EQ(plainText(std::numeric_limits<double>::infinity()), "null");
  EXPECT_EQ(plainText(std::numeric_limits<double>::quiet_NaN()), "null");
  EXPECT_EQ(plainText(std::numeric_limits<int64_t>::min()), "-9223372036854775808");
  EXPECT_EQ(plainText(std::numeric_limits<uint64_t>::max()), "18446744073709551615");
}

TEST(PlainJson, EverythingElseReadsBackAsTheSame) {
  for (const char* text :
       {R"({"a":[1,-2,true,false,null,"x"],"b":{},"c":[],"d":{"e":[[{"f":"g"}]]}})",
        R"("quote \" slash \\ line \n tab \t nul \u0000 umlaut ü €")", "[]", "{}", "\"\""}) {
    const boost::json::value value = boost::json::parse(text);
    EXPECT_EQ(boost::json::parse(plainText(value)), value) << text;
  }
  EXPECT_EQ(plainText(boost::json::parse(R"({ "b" : 1, "a" : [ "x", 2.5 ] })")),
            R"({"b":1,"a":["x",2.5]})");
}

}  // namespace
}  // namespace omni::json
