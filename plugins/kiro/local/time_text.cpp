#include "plugins/kiro/local/time_text.hpp"

#include <cctype>
#include <charconv>
#include <chrono>
#include <cmath>

namespace omni::kiro::local {
namespace {

int64_t fromNumber(double value) {
  if (!(value > 0) || value > 9e18) return 0;
  if (value < 1e11) return std::llround(value * 1000);
  if (value < 1e14) return std::llround(value);
  if (value < 1e17) return std::llround(value / 1e3);
  return std::llround(value / 1e6);
}

class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}
  bool digits(size_t count, int& out) {
    if (rest_.size() < count) return false;
    out = 0;
    for (size_t i = 0; i < count; ++i) {
      if (!std::isdigit(static_cast<unsigned char>(rest_[i]))) return false;
      out = out * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(count);
    return true;
  }
  bool take(std::string_view any) {
    if (rest_.empty() || any.find(rest_.front()) == any.npos) return false;
    rest_.remove_prefix(1);
    return true;
  }
  char next() const { return rest_.empty() ? '\0' : rest_.front(); }
  bool done() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

}  // namespace

int64_t timeMs(std::string_view text) {
  while (!text.empty() && (text.front() == '"' || text.front() == ' ')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == '"' || text.back() == ' ')) text.remove_suffix(1);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) return fromNumber(number);

  Reader in(text);
  int year, month, day, hour, minute, second = 0, millis = 0, offset = 0;
  if (!in.digits(4, year) || !in.take("-") || !in.digits(2, month) || !in.take("-") ||
      !in.digits(2, day) || !in.take("Tt ") || !in.digits(2, hour) || !in.take(":") ||
      !in.digits(2, minute))
    return 0;
  if (in.take(":")) {
    if (!in.digits(2, second)) return 0;
    if (in.take(".,")) {
      int digit = 0, count = 0;
      for (; in.digits(1, digit); ++count)
        if (count < 3) millis = millis * 10 + digit;
      if (count == 0 || count > 9) return 0;
      for (; count < 3; ++count) millis *= 10;
    }
  }
  in.take(" ");
  if (!in.take("Zz")) {
    const char sign = in.next();
    if (in.take("+-")) {
      int hours = 0, minutes = 0;
      if (!in.digits(2, hours)) return 0;
      in.take(":");
      if (!in.done() && !in.digits(2, minutes)) return 0;
      if (hours > 23 || minutes > 59) return 0;
      offset = (hours * 60 + minutes) * (sign == '-' ? -1 : 1);
    }
  } else if (in.take("(")) {
    return 0;
  }
  if (!in.done() || hour > 24 || minute > 59 || second > 60) return 0;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (!date.ok()) return 0;
  const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return ((days * 24 + hour) * 60 + minute - offset) * 60'000 + second * 1000 + millis;
}

int64_t timeMs(const boost::json::value* value) {
  if (!value) return 0;
  if (value->is_number()) return fromNumber(value->to_number<double>());
  if (!value->is_string()) return 0;
  return timeMs(std::string_view(value->get_string().data(), value->get_string().size()));
}

}  // namespace omni::kiro::local
