#include "plugins/kiro/tool_names.hpp"

#include <algorithm>

#include "plugins/kiro/sha256.hpp"

namespace omni::kiro {
namespace {

constexpr size_t kLongest = 64;
constexpr size_t kKept = 55;  // and "_" and eight digits of the hash

bool letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool legal(char c) {
  return letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

}  // namespace

bool isSafeToolName(std::string_view name) {
  return isSafeToolId(name) && letter(name.front());
}

bool isSafeToolId(std::string_view id) {
  return !id.empty() && id.size() <= kLongest && std::ranges::all_of(id, legal);
}

std::string safeToolName(std::string_view name) {
  if (isSafeToolName(name)) return std::string(name);
  std::string out = !name.empty() && letter(name.front()) ? "" : "t";
  for (const char c : name.substr(0, kKept)) out += legal(c) ? c : '_';
  return out.substr(0, kKept) + "_" + sha256Hex(name).substr(0, 8);
}

std::string safeToolId(std::string_view id, std::string_view seed) {
  if (isSafeToolId(id)) return std::string(id);
  return "tooluse_" + sha256Hex(id.empty() ? seed : id).substr(0, 22);
}

}  // namespace omni::kiro
