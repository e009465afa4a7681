#include "service/admin/version.hpp"

#include <fmt/format.h>

#include <cstdint>

namespace omni::admin {

std::string versionOf(std::initializer_list<std::string_view> parts) {
  uint64_t hash = 14695981039346656037u;
  for (const std::string_view part : parts) {
    for (const char c : part) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
    hash = (hash ^ 0xffu) * 1099511628211u;
  }
  return fmt::format("{:016x}", hash);
}

Result<> sameVersion(const http::Request& request, std::string_view version, std::string_view id,
                     std::string_view what) {
  std::string wanted = request.header ? request.header("if-match") : std::string();
  if (wanted.empty() || wanted == "*") return {};
  if (wanted.size() > 1 && wanted.front() == '"' && wanted.back() == '"')
    wanted = wanted.substr(1, wanted.size() - 2);
  if (wanted == version) return {};
  auto error = makeError(FailureKind::Conflict,
                         fmt::format("Somebody else has changed this {} since you read it. Read it "
                                     "again, then repeat your change.",
                                     what),
                         "If-Match");
  error.error().conflict_id = id;
  error.error().reason = "version_changed";
  return error;
}

}  // namespace omni::admin
