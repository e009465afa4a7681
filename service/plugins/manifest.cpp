#include "service/plugins/manifest.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <fstream>
#include <iterator>

namespace omni::plugins {

namespace {

namespace json = boost::json;

constexpr uintmax_t kMaxManifest = 256 * 1024;

std::unexpected<Error> bad(std::string_view member, std::string_view what) {
  return makeError(FailureKind::BadRequest,
                   "manifest: \"" + std::string(member) + "\" " + std::string(what),
                   std::string(member));
}

Result<std::string> text(const json::object& object, std::string_view member, size_t limit) {
  const json::value* value = object.if_contains(member);
  if (!value) return bad(member, "is missing");
  if (!value->is_string() || value->get_string().empty())
    return bad(member, "must be a text that is not empty");
  if (value->get_string().size() > limit) return bad(member, "is too long");
  return std::string(value->get_string());
}

Result<uint32_t> number(const json::object& object, std::string_view member) {
  const json::value* value = object.if_contains(member);
  if (!value || !value->is_int64() || value->get_int64() < 0 || value->get_int64() > 0xffff)
    return bad("abi", "must be {\"major\": number, \"minor\": number}");
  return static_cast<uint32_t>(value->get_int64());
}

bool plainFileName(std::string_view name) {
  return name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\\:\0", 4)) == std::string_view::npos;
}

}  // namespace

bool validPluginId(std::string_view id) {
  if (id.empty() || id.size() > 32 || id[0] < 'a' || id[0] > 'z') return false;
  return std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

Result<std::string> readManifest(const std::filesystem::path& file) {
  std::error_code failed;
  if (std::filesystem::file_size(file, failed) > kMaxManifest || failed)
    return makeError(FailureKind::BadRequest, "manifest: too large or not readable");
  std::ifstream in(file, std::ios::binary);
  if (!in) return makeError(FailureKind::NotFound, "manifest: not readable");
  return std::string(std::istreambuf_iterator<char>(in), {});
}

Result<Manifest> parseManifest(std::string_view source) {
  boost::system::error_code failed;
  const json::value document = json::parse(source, failed);
  if (failed || !document.is_object())
    return makeError(FailureKind::BadRequest, "manifest: not a JSON object");
  const json::object& object = document.get_object();
  for (const auto& entry : object) {
    constexpr std::string_view kKnown[] = {"id",   "name",   "version",       "abi",
                                           "file", "sha256", "signInMethods", "settings"};
    if (std::find(std::begin(kKnown), std::end(kKnown), std::string_view(entry.key())) ==
        std::end(kKnown))
      return bad(std::string_view(entry.key()), "is not a known member");
  }

  Manifest out;
  for (auto [member, target, limit] :
       {std::tuple{"id", &out.id, size_t{32}}, std::tuple{"name", &out.name, size_t{200}},
        std::tuple{"version", &out.version, size_t{64}}, std::tuple{"file", &out.file, size_t{200}},
        std::tuple{"sha256", &out.sha256, size_t{64}}}) {
    auto value = text(object, member, limit);
    if (!value) return std::unexpected(std::move(value.error()));
    *target = std::move(*value);
  }
  if (!validPluginId(out.id)) return bad("id", "must be a-z, 0-9 and -, beginning with a letter");
  if (!plainFileName(out.file)) return bad("file", "must be a file name without a folder");
  std::transform(out.sha256.begin(), out.sha256.end(), out.sha256.begin(),
                 [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c | 0x20) : c; });
  const bool hex = std::all_of(out.sha256.begin(), out.sha256.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
  if (out.sha256.size() != 64 || !hex) return bad("sha256", "must be 64 hex digits");

  const json::value* abi = object.if_contains("abi");
  if (!abi || !abi->is_object())
    return bad("abi", "must be {\"major\": number, \"minor\": number}");
  auto major = number(abi->get_object(), "major");
  auto minor = number(abi->get_object(), "minor");
  if (!major) return std::unexpected(std::move(major.error()));
  if (!minor) return std::unexpected(std::move(minor.error()));
  out.abi_major = *major;
  out.abi_minor = *minor;

  if (const json::value* methods = object.if_contains("signInMethods")) {
    if (!methods->is_array()) return bad("signInMethods", "must be a list");
    out.sign_in_methods_json = json::serialize(*methods);
  }
  if (const json::value* settings = object.if_contains("settings")) {
    auto specs = parseSettingSpecs(*settings);
    if (!specs) return std::unexpected(std::move(specs.error()));
    out.settings = std::move(*specs);
  }
  return out;
}

}  // namespace omni::plugins
