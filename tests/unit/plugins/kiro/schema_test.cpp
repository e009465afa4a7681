#include "plugins/kiro/schema.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace omni::kiro {
namespace {

std::string clean(std::string_view raw) {
  std::string out;
  appendSchema(out, raw);
  return out;
}

TEST(KiroSchema, Cleaned) {
  struct Row {
    const char* what;
    const char* given;
    const char* expected;
  };
  for (
      const Row& row : {
          Row{"nothing", "", R"({"type":"object","properties":{}})"},
          Row{"no object", "[]", R"({"type":"object","properties":{}})"},
          Row{"broken", R"({"type":)", R"({"type":"object","properties":{}})"},
          Row{"no type", R"({"properties":{"a":{}}})",
              R"({"type":"object","properties":{"a":{}}})"},
          Row{"another type at the root", R"({"type":"string"})",
              R"({"type":"object","properties":{}})"},
          Row{"a property named like a keyword",
              R"({"type":"object","properties":{"anyOf":{"type":"string"},"not":{"enum":[1]}}})",
              R"({"type":"object","properties":{"anyOf":{"type":"string"},"not":{"enum":[1]}}})"},
          Row{"values are not schemas",
              R"({"properties":{"a":{"default":{"$ref":"x"},"enum":[{"anyOf":1}]}}})",
              R"({"type":"object","properties":{"a":{"default":{"$ref":"x"},"enum":[{"anyOf":1}]}}})"},
          Row{"true as a schema", R"({"properties":{"a":true},"additionalProperties":{}})",
              R"({"type":"object","properties":{"a":{}}})"},
          Row{"items",
              R"({"properties":{"a":{"items":{"additionalProperties":false,"type":"number"}}}})",
              R"({"type":"object","properties":{"a":{"items":{"type":"number"}}}})"},
          Row{"a list of types", R"({"properties":{"a":{"type":["string","null"]}}})",
              R"({"type":"object","properties":{"a":{"type":["string","null"]}}})"},
          Row{"allOf",
              R"({"allOf":[{"properties":{"a":{"type":"string"}},"required":["a"]},)"
              R"({"properties":{"b":{}},"required":["b"]}]})",
              R"({"type":"object","properties":{"a":{"type":"string"},"b":{}},"required":["a","b"]})"},
          Row{"anyOf at the root: what all demand",
              R"({"anyOf":[{"properties":{"k":{"const":"x"},"a":{}},"required":["k","a"]},)"
              R"({"properties":{"k":{"const":"y"}},"required":["k"]}]})",
              R"({"type":"object","properties":{"k":{"enum":["x","y"]},"a":{}},"required":["k"]})"},
          Row{"anyOf of types",
              R"({"properties":{"a":{"anyOf":[{"type":"string"},{"type":"array","items":{"type":"string"}}]}}})",
              R"({"type":"object","properties":{"a":{"items":{"type":"string"},"type":["string","array"]}}})"},
          Row{"oneOf of words",
              R"({"properties":{"a":{"oneOf":[{"const":"x"},{"enum":["y","z"]}]}}})",
              R"({"type":"object","properties":{"a":{"enum":["x","y","z"]}}})"},
          Row{"a reference with a description beside it",
              R"({"$defs":{"N":{"type":"integer","description":"old"}},)"
              R"("properties":{"n":{"$ref":"#/$defs/N","description":"new"}}})",
              R"({"type":"object","properties":{"n":{"description":"new","type":"integer"}}})"},
          Row{"a reference to nowhere", R"({"properties":{"n":{"$ref":"#/$defs/N"}}})",
              R"({"type":"object","properties":{"n":{}}})"},
          Row{"a reference elsewhere", R"({"properties":{"n":{"$ref":"http://x/y"}}})",
              R"({"type":"object","properties":{"n":{}}})"},
          Row{"a reference into itself",
              R"({"definitions":{"T":{"type":"object","properties":{"kids":{"items":{"$ref":"#/definitions/T"}}}}},)"
              R"("properties":{"t":{"$ref":"#/definitions/T"}}})",
              R"({"type":"object","properties":{"t":{"type":"object","properties":{"kids":{"items":{}}}}}})"},
          Row{"the root into itself", R"({"properties":{"a":{"$ref":"#"}}})",
              R"({"type":"object","properties":{"a":{"properties":{"a":{}}}}})"},
      }) {
    SCOPED_TRACE(row.what);
    EXPECT_EQ(boost::json::parse(clean(row.given)), boost::json::parse(row.expected))
        << clean(row.given);
  }
}

// Definitions that refer to each other twice each would double at every level.
TEST(KiroSchema, AMultiplyingSchemaStaysSmall) {
  std::string defs;
  for (int i = 0; i < 40; ++i)
    defs += (i ? "," : "") + std::string("\"D") + std::to_string(i) +
            R"(":{"properties":{"l":{"$ref":"#/$defs/D)" + std::to_string(i + 1) +
            R"("},"r":{"$ref":"#/$defs/D)" + std::to_string(i + 1) + R"("}}})";
  const auto out = clean(R"({"$defs":{)" + defs + R"(},"properties":{"x":{"$ref":"#/$defs/D0"}}})");
  EXPECT_LT(out.size(), 2u << 20);
}

TEST(KiroSchema, DeepSchemasPass) {
  std::string deep = R"({"type":"string"})";
  for (int i = 0; i < 25; ++i)
    deep = R"({"type":"object","properties":{"a":)" + deep + R"(},"additionalProperties":false})";
  const auto out = clean(deep);
  EXPECT_EQ(out.find("additionalProperties"), std::string::npos);
  EXPECT_NE(out.find(R"({"type":"string"})"), std::string::npos);
}

}  // namespace
}  // namespace omni::kiro
