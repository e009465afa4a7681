#include "core/json/reader.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace omni::json {
namespace {

[[noreturn]] void raise(std::string path, std::string_view what, std::string reason = {}) {
  Error error;
  error.kind = FailureKind::BadRequest;
  error.message = fmt::format("{} {}", path, what);
  error.field = std::move(path);
  error.reason = std::move(reason);
  throw Refusal{std::move(error)};
}

[[noreturn]] void wrongKind(const Value& value, std::string_view wanted) {
  refuse(value, fmt::format("must be {}, not {}", wanted, kindName(value.kind())));
}

bool isBase64(std::string_view data) {
  static constexpr auto kKnown = [] {
    std::array<bool, 256> known{};
    for (const char c : std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                         "0123456789+/"))
      known[static_cast<unsigned char>(c)] = true;
    return known;
  }();
  if (data.empty() || data.size() % 4 != 0) return false;
  if (data.ends_with('=')) data.remove_suffix(data.ends_with("==") ? 2 : 1);
  bool good = true;
  for (const char c : data) good = good && kKnown[static_cast<unsigned char>(c)];
  return good;
}

}  // namespace

void refuse(const Value& value, std::string_view what) {
  raise(value.path(), what);
}

void refuseMember(const Value& object, std::string_view name, std::string_view what) {
  raise(object.pathOf(name), what);
}

void refuseUnsupported(const Value& value, std::string_view what) {
  raise(value.path(), what, "unsupported_parameter");
}

Value object(const Value& value) {
  if (!value.is(Kind::Object)) wrongKind(value, "an object");
  return value;
}

Value array(const Value& value) {
  if (!value.is(Kind::Array)) wrongKind(value, "an array");
  return value;
}

std::string_view text(const Value& value) {
  if (!value.is(Kind::String)) wrongKind(value, "a string");
  return value.text();
}

Value get(const Value& object, std::string_view name) {
  const Value found = object.find(name);
  return found.is(Kind::Null) ? Value() : found;
}

Value required(const Value& object, std::string_view name) {
  const Value found = get(object, name);
  if (!found) refuseMember(object, name, "is missing");
  return found;
}

std::string_view requiredText(const Value& object, std::string_view name) {
  return text(required(object, name));
}

std::string_view optionalText(const Value& object, std::string_view name) {
  const Value found = get(object, name);
  return found ? text(found) : std::string_view();
}

bool flag(const Value& object, std::string_view name, bool fallback) {
  const Value found = get(object, name);
  if (!found) return fallback;
  if (found.is(Kind::True)) return true;
  if (!found.is(Kind::False)) wrongKind(found, "true or false");
  return false;
}

double number(const Value& object, std::string_view name, double low, double high) {
  const Value found = get(object, name);
  if (!found) return std::numeric_limits<double>::quiet_NaN();
  if (!found.is(Kind::Number)) wrongKind(found, "a number");
  const std::string_view raw = found.raw();
  double value = 0;
  const auto [end, code] = std::from_chars(raw.data(), raw.data() + raw.size(), value);
  (void)end;
  if (code != std::errc() || !(value >= low && value <= high))
    refuse(found, fmt::format("must be from {} to {}", low, high));
  return value;
}

int64_t count(const Value& object, std::string_view name, int64_t low) {
  const Value found = get(object, name);
  if (!found) return -1;
  if (!found.is(Kind::Number)) wrongKind(found, "a whole number");
  const std::string_view raw = found.raw();
  double value = 0;
  std::from_chars(raw.data(), raw.data() + raw.size(), value);
  // Up to 2^53 a double is exact; 1e3 and 5.0 are whole numbers too.
  constexpr double kExact = 9007199254740992.0;
  if (!(value >= static_cast<double>(low) && value <= kExact) || value != std::floor(value))
    refuse(found, fmt::format("must be a whole number of at least {} and at most 2^53", low));
  return static_cast<int64_t>(value);
}

std::string listed(std::initializer_list<std::string_view> names) {
  std::string out;
  size_t i = 0;
  for (const std::string_view name : names) {
    if (i > 0) out += i + 1 == names.size() ? " and " : ", ";
    out += name;
    ++i;
  }
  return out;
}

chat::Part textPart(std::string_view text) {
  chat::Part part;
  part.text = text;
  return part;
}

void fillImage(chat::Part& part, const Value& where, std::string_view media_type,
               std::string_view data) {
  part.kind = chat::PartKind::Image;
  if (media_type != "image/png" && media_type != "image/jpeg" && media_type != "image/jpg" &&
      media_type != "image/gif" && media_type != "image/webp") {
    refuse(where, fmt::format("has the type \"{}\"; known are image/png, image/jpeg, image/gif and "
                              "image/webp",
                              media_type.substr(0, 100)));
  }
  if (!isBase64(data)) refuse(where, "is not valid base64 (RFC 4648, with padding)");
  part.media_type = media_type;
  part.data = data;
}

void fillImageUrl(chat::Part& part, const Value& url) {
  const std::string_view address = text(url);
  part.kind = chat::PartKind::Image;
  if (address.starts_with("https://") || address.starts_with("http://")) {
    part.text = address;
    return;
  }
  const size_t comma = address.find(',');
  if (!address.starts_with("data:") || comma == std::string_view::npos)
    refuse(url, "must be an https URL or a data URL such as data:image/png;base64,...");
  std::string_view head = address.substr(5, comma - 5);
  if (!head.ends_with(";base64"))
    refuse(url, "must be a base64 data URL such as data:image/png;base64,...");
  head.remove_suffix(7);
  fillImage(part, url, head.substr(0, head.find(';')), address.substr(comma + 1));
}

void ToolPairs::result(const Value& id_member, std::string_view id) const {
  if (!ids_.contains(id))
    refuse(id_member,
           fmt::format("\"{}\" answers no tool call of an earlier message", id.substr(0, 100)));
}

}  // namespace omni::json
