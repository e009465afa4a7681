#include "plugins/kiro/schema.hpp"

#include <algorithm>
#include <array>

#include "plugins/kiro/json_text.hpp"
#include "plugins/kiro/schema_merge.hpp"

namespace omni::kiro {
namespace {

constexpr std::string_view kNoParameters = R"({"type":"object","properties":{}})";

enum class Copied { Yes, NeedsMerge, Invalid };

// Copies a schema while it leaves the refused keywords out, without a tree. Gives up at a keyword
// that needs other parts of the schema.
class Copier {
 public:
  explicit Copier(std::string& out) : out_(out) {}

  Copied schema(std::string_view raw, bool root) {
    if (raw.empty() || raw.front() != '{') {
      out_ += "{}";  // true and false are schemas too; upstream wants objects
      return Copied::Yes;
    }
    Copied state = Copied::Yes;
    bool first = true;
    bool has_properties = false;
    out_ += '{';
    if (root) {
      out_ += R"("type":"object")";
      first = false;
    }
    const bool valid = eachMember(raw, [&](std::string_view key, std::string_view value) {
      if (state != Copied::Yes) return;
      if (isMergedKeyword(key)) {
        state = Copied::NeedsMerge;
        return;
      }
      if (isRefusedKeyword(key) || (root && key == "type") ||
          (key == "required" && isEmptyArray(value)))
        return;
      if (!first) out_ += ',';
      first = false;
      appendQuoted(out_, key);
      out_ += ':';
      if (key == "properties" && value.front() == '{') {
        has_properties = true;
        state = properties(value);
      } else if (key == "items") {
        state = value.front() == '[' ? schemas(value) : schema(value, false);
      } else if (key == "prefixItems" && value.front() == '[') {
        state = schemas(value);
      } else {
        out_ += value;
      }
    });
    if (!valid) return Copied::Invalid;
    if (root && !has_properties && state == Copied::Yes) out_ += R"(,"properties":{})";
    out_ += '}';
    return state;
  }

 private:
  static bool isEmptyArray(std::string_view value) {
    return value.size() >= 2 && value.front() == '[' && skipSpace(value, 1) == value.size() - 1;
  }
  Copied properties(std::string_view raw) {
    Copied state = Copied::Yes;
    bool first = true;
    out_ += '{';
    eachMember(raw, [&](std::string_view key, std::string_view value) {
      if (state != Copied::Yes) return;
      if (!first) out_ += ',';
      first = false;
      appendQuoted(out_, key);
      out_ += ':';
      state = schema(value, false);
    });
    out_ += '}';
    return state;
  }
  Copied schemas(std::string_view raw) {
    Copied state = Copied::Yes;
    bool first = true;
    out_ += '[';
    eachElement(raw, [&](std::string_view value) {
      if (state != Copied::Yes) return;
      if (!first) out_ += ',';
      first = false;
      state = schema(value, false);
    });
    out_ += ']';
    return state;
  }

  std::string& out_;
};

}  // namespace

bool isRefusedKeyword(std::string_view key) {
  static constexpr std::array<std::string_view, 19> kRefused = {"additionalProperties",
                                                                "$schema",
                                                                "$id",
                                                                "$comment",
                                                                "$anchor",
                                                                "$defs",
                                                                "definitions",
                                                                "not",
                                                                "if",
                                                                "then",
                                                                "else",
                                                                "unevaluatedProperties",
                                                                "unevaluatedItems",
                                                                "patternProperties",
                                                                "propertyNames",
                                                                "dependencies",
                                                                "dependentSchemas",
                                                                "dependentRequired",
                                                                "contains"};
  return std::ranges::find(kRefused, key) != kRefused.end();
}

bool isMergedKeyword(std::string_view key) {
  return key == "$ref" || key == "anyOf" || key == "oneOf" || key == "allOf";
}

void appendSchema(std::string& out, std::string_view raw) {
  raw = trimmed(raw);
  if (raw.empty() || raw.front() != '{') {
    out += kNoParameters;
    return;
  }
  const size_t start = out.size();
  const Copied state = Copier(out).schema(raw, true);
  if (state == Copied::Yes) return;
  out.resize(start);
  const std::string merged = state == Copied::NeedsMerge ? mergedSchema(raw) : std::string();
  if (merged.empty() || Copier(out).schema(merged, true) != Copied::Yes) {
    out.resize(start);
    out += kNoParameters;
  }
}

}  // namespace omni::kiro
