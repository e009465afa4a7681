#pragma once
// A small JSON reader for manifests. The SDK's tools depend on no JSON library, so that they build
// wherever a plugin does. Strict about syntax, at most 64 levels deep. Values only; not thread-safe
// to modify.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace omni::check {

struct Json {
  enum class Kind { Null, Bool, Number, String, Array, Object };
  Kind kind = Kind::Null;
  bool boolean = false;
  double number = 0;
  std::string string;
  std::vector<Json> array;
  std::map<std::string, Json, std::less<>> object;

  // nullptr when this is no object or has no such member.
  const Json* member(std::string_view name) const;
  bool isString() const { return kind == Kind::String; }
  bool isObject() const { return kind == Kind::Object; }
  bool isArray() const { return kind == Kind::Array; }
  bool isBool() const { return kind == Kind::Bool; }
  // A number without fraction, 0 … 2^32-1.
  std::optional<uint32_t> asUint() const;
};

// nullopt when `text` is not exactly one JSON value or an object repeats a member.
std::optional<Json> parseJson(std::string_view text);

std::string quote(std::string_view text);

}  // namespace omni::check
