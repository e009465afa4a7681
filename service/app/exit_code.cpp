#include "service/app/exit_code.hpp"

#include <string_view>
#include <utility>

namespace omni::app {

int exitCode(const Error& error) {
  static constexpr std::pair<std::string_view, int> kCodes[] = {
      {"storage_damaged", 65}, {"storage_newer", 65},    {"address_unusable", 69},
      {"storage_full", 74},    {"storage_io", 74},       {"storage_locked", 74},
      {"master_key_io", 74},   {"storage_readonly", 77}, {"master_key_permissions", 77},
      {"plugins_missing", 78}, {"wrong_master_key", 78}, {"master_key_missing", 78},
      {"master_key_size", 78}, {"master_key_type", 78},  {"master_key_path", 78},
  };
  for (const auto& [reason, code] : kCodes)
    if (error.reason == reason) return code;
  switch (error.kind) {
    case FailureKind::BadRequest:
    case FailureKind::NotFound:
    case FailureKind::Conflict:
      return 78;
    default:
      return 70;
  }
}

}  // namespace omni::app
