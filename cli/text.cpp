#include "cli/text.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "core/base/edit_distance.hpp"

namespace omni::cli {
namespace {

struct Decoded {
  char32_t code;
  size_t bytes;
  bool valid;
};

Decoded decode(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1, true};
  const size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 0;
  if (bytes == 0 || lead > 0xf4 || text.size() < bytes) return {'?', 1, false};
  char32_t code = lead & (0xff >> (bytes + 1));
  for (size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {'?', 1, false};
    code = (code << 6) | (byte(i) & 0x3f);
  }
  const bool good = code >= (bytes == 2   ? 0x80u
                             : bytes == 3 ? 0x800u
                                          : 0x10000u) &&
                    code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
  return {good ? code : U'?', good ? bytes : 1, good};
}

bool within(char32_t code, char32_t first, char32_t last) {
  return code >= first && code <= last;
}

size_t columns(char32_t code) {
  if (within(code, 0x300, 0x36f) || within(code, 0x483, 0x489) || within(code, 0x591, 0x5bd) ||
      within(code, 0x610, 0x61a) || within(code, 0x64b, 0x65f) || within(code, 0x1ab0, 0x1aff) ||
      within(code, 0x1dc0, 0x1dff) || within(code, 0x200b, 0x200f) ||
      within(code, 0x20d0, 0x20ff) || within(code, 0xfe00, 0xfe0f) ||
      within(code, 0xfe20, 0xfe2f) || within(code, 0xe0100, 0xe01ef))
    return 0;
  if (within(code, 0x1100, 0x115f) || within(code, 0x231a, 0x231b) ||
      within(code, 0x23e9, 0x23ec) || within(code, 0x2614, 0x2615) ||
      within(code, 0x2648, 0x2653) || within(code, 0x26a1, 0x26a1) ||
      within(code, 0x2705, 0x2705) || within(code, 0x274c, 0x274c) ||
      within(code, 0x2e80, 0x303e) || within(code, 0x3041, 0xa4cf) ||
      within(code, 0xac00, 0xd7a3) || within(code, 0xf900, 0xfaff) ||
      within(code, 0xfe30, 0xfe6f) || within(code, 0xff00, 0xff60) ||
      within(code, 0xffe0, 0xffe6) || within(code, 0x1f300, 0x1f64f) ||
      within(code, 0x1f680, 0x1f6ff) || within(code, 0x1f900, 0x1faff) ||
      within(code, 0x20000, 0x3fffd))
    return 2;
  return 1;
}

}  // namespace

size_t displayWidth(std::string_view text) {
  size_t width = 0;
  while (!text.empty()) {
    const Decoded next = decode(text);
    width += columns(next.code);
    text.remove_prefix(next.bytes);
  }
  return width;
}

std::string clipped(std::string_view text, size_t width) {
  if (displayWidth(text) <= width) return std::string(text);
  if (width == 0) return {};
  std::string out;
  size_t used = 0;
  while (!text.empty()) {
    const Decoded next = decode(text);
    if (used + columns(next.code) > width - 1) break;
    used += columns(next.code);
    out.append(text.substr(0, next.bytes));
    text.remove_prefix(next.bytes);
  }
  return out + "…";
}

std::string padded(std::string_view text, size_t width) {
  std::string out(text);
  const size_t used = displayWidth(text);
  if (used < width) out.append(width - used, ' ');
  return out;
}

std::string safe(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const Decoded next = decode(text);
    if (next.code == '\n' || next.code == '\t' || next.code == '\r')
      out += ' ';
    else if (!next.valid || next.code < 0x20 || within(next.code, 0x7f, 0x9f) ||
             within(next.code, 0x202a, 0x202e) || within(next.code, 0x2066, 0x2069) ||
             within(next.code, 0x200e, 0x200f) || next.code == 0x61c)
      out += '?';
    else
      out.append(text.substr(0, next.bytes));
    text.remove_prefix(next.bytes);
  }
  return out;
}

std::vector<std::string> wrapped(std::string_view text, size_t width) {
  std::vector<std::string> lines;
  std::string line;
  const auto flush = [&] {
    lines.push_back(std::move(line));
    line.clear();
  };
  while (!text.empty()) {
    const auto end = text.find_first_of(" \n");
    const std::string_view word = text.substr(0, end);
    if (!line.empty() && displayWidth(line) + 1 + displayWidth(word) > width) flush();
    if (!word.empty()) line.append(line.empty() ? "" : " ").append(word);
    if (end == text.npos) break;
    if (text[end] == '\n') flush();
    text.remove_prefix(end + 1);
  }
  if (!line.empty() || lines.empty()) flush();
  return lines;
}

std::string nearest(std::string_view given, const std::vector<std::string>& known) {
  if (given.empty() || given.size() > 40) return {};
  size_t best = given.size() <= 3 ? 2 : 3;  // further away than this is no slip of the fingers
  std::string found;
  for (const std::string& one : known) {
    const size_t distance = editDistance(given, one);
    if (distance < best || (one.size() > given.size() && given.size() >= 3 &&
                            one.starts_with(given) && found.empty())) {
      best = std::min(best, distance);
      found = one;
    }
  }
  return found;
}

std::string relativeTime(int64_t at_ms, int64_t now_ms) {
  if (at_ms <= 0) return "-";
  const int64_t seconds = (at_ms - now_ms) / 1000;
  const int64_t size = std::llabs(seconds);
  if (size < 5) return "now";
  std::string amount = size < 90        ? fmt::format("{} s", size)
                       : size < 5400    ? fmt::format("{} min", (size + 30) / 60)
                       : size < 172'800 ? fmt::format("{} h", (size + 1800) / 3600)
                                        : fmt::format("{} d", (size + 43'200) / 86'400);
  return seconds > 0 ? "in " + amount : amount + " ago";
}

int64_t parseIso(std::string_view text) {
  int year, month, day, hour, minute, second, millis = 0;
  const std::string copy(text.substr(0, 40));
  if (std::sscanf(copy.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d.%3d", &year, &month, &day, &hour, &minute,
                  &second, &millis) < 6)
    return 0;
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return 0;
  const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return ((days * 24 + hour) * 60 + minute) * 60'000 + second * 1000 + millis;
}

std::string isoText(int64_t unix_ms) {
  using std::chrono::floor;
  const std::chrono::sys_time<std::chrono::milliseconds> at{std::chrono::milliseconds(unix_ms)};
  const auto day = floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(floor<std::chrono::seconds>(at - day));
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count());
}

}  // namespace omni::cli
