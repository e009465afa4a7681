#include "plugins/kiro/region.hpp"

#include <algorithm>

namespace omni::kiro {
namespace {

bool lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool digit(char c) {
  return c >= '0' && c <= '9';
}

std::string_view field(std::string_view text, int index) {
  for (; index > 0; --index) {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) return {};
    text.remove_prefix(colon + 1);
  }
  return text.substr(0, text.find(':'));
}

}  // namespace

bool isRegion(std::string_view text) {
  if (text.size() < 6 || text.size() > 40 || !lower(text[0]) || !lower(text[1]) || text[2] != '-')
    return false;
  const auto dash = text.find('-', 3);
  if (dash == std::string_view::npos || dash == 3) return false;
  const auto name = text.substr(3, dash - 3);
  const auto number = text.substr(dash + 1);
  return std::ranges::all_of(name, lower) && !number.empty() && number.size() <= 2 &&
         std::ranges::all_of(number, digit);
}

bool isProfileArn(std::string_view text) {
  constexpr std::string_view kPrefix = "arn:aws:codewhisperer:";
  if (!text.starts_with(kPrefix) || !isRegion(field(text, 3))) return false;
  const auto account = field(text, 4);
  if (account.size() != 12 || !std::ranges::all_of(account, digit)) return false;
  const auto profile = field(text, 5);
  if (!profile.starts_with("profile/") || profile.size() == 8 ||
      profile.data() + profile.size() != text.data() + text.size())
    return false;
  return std::ranges::all_of(profile.substr(8), [](char c) {
    return lower(c) || digit(c) || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
  });
}

std::string_view arnRegion(std::string_view arn) {
  return field(arn, 3);
}

std::string serviceRegion(std::string_view profile_arn) {
  const auto region = field(profile_arn, 3);
  return region == "eu-central-1" ? std::string(region) : std::string(kDefaultRegion);
}

}  // namespace omni::kiro
