#include "sdk/check/file_checks.hpp"

#include <omniroute/abi.h>
#include <openssl/evp.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>

#include "sdk/check/elf_symbols.hpp"
#include "sdk/check/json.hpp"

namespace omni::check {
namespace {

namespace fs = std::filesystem;

constexpr uintmax_t kMaxManifestBytes = 1u << 20;
constexpr uintmax_t kMaxLibraryBytes = 1u << 30;

std::optional<std::string> readFile(const fs::path& path, uintmax_t max_bytes) {
  std::error_code code;
  const uintmax_t size = fs::file_size(path, code);
  if (code || size > max_bytes) return std::nullopt;
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(in), {});
}

std::string sha256Hex(const std::string& bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr) != 1) return {};
  std::string out;
  for (unsigned int i = 0; i < size; ++i) {
    out += "0123456789abcdef"[digest[i] >> 4];
    out += "0123456789abcdef"[digest[i] & 15];
  }
  return out;
}

bool hasText(const Json& object, const char* name) {
  const Json* member = object.member(name);
  return member && member->isString() && !member->string.empty();
}

Finding checkTop(const Json& manifest) {
  for (const char* name : {"id", "name", "version", "file", "sha256"})
    if (!hasText(manifest, name))
      return failed(std::string("member \"") + name + "\" is missing or not a text");
  if (!isPluginId(manifest.member("id")->string))
    return failed("\"id\" is not [a-z][a-z0-9-]{0,31}");
  if (!isSemanticVersion(manifest.member("version")->string))
    return failed("\"version\" is not a semantic version like 1.2.3");
  const std::string& file = manifest.member("file")->string;
  if (file.find_first_of("/\\") != std::string::npos || file.starts_with('.'))
    return failed("\"file\" is not a plain file name");
  if (!std::regex_match(manifest.member("sha256")->string, std::regex("[0-9a-f]{64}")))
    return failed("\"sha256\" is not 64 lower-case hexadecimal digits");
  return ok();
}

Finding checkAbi(const Json& manifest) {
  const Json* abi = manifest.member("abi");
  if (!abi || !abi->isObject() || !abi->member("major") || !abi->member("minor"))
    return failed("member \"abi\" is not {\"major\": n, \"minor\": n}");
  const auto major = abi->member("major")->asUint();
  const auto minor = abi->member("minor")->asUint();
  if (!major || !minor) return failed("\"abi\" holds something that is not a whole number");
  if (*major != OMNI_ABI_MAJOR)
    return failed("\"abi.major\" is " + std::to_string(*major) + ", this SDK's is " +
                  std::to_string(OMNI_ABI_MAJOR));
  if (*minor > OMNI_ABI_MINOR)
    return failed("\"abi.minor\" is " + std::to_string(*minor) + ", newer than this SDK's " +
                  std::to_string(OMNI_ABI_MINOR));
  return ok();
}

Finding checkField(const Json& field, const std::string& where) {
  if (!field.isObject()) return failed(where + " is not an object");
  for (const char* name : {"name", "label", "type"})
    if (!hasText(field, name)) return failed(where + " lacks the text \"" + name + "\"");
  const Json* required = field.member("required");
  if (required && !required->isBool()) return failed(where + ".required is not true or false");
  const Json* help = field.member("help");
  if (help && !help->isString()) return failed(where + ".help is not a text");
  return ok();
}

Finding checkSignIn(const Json& manifest) {
  const Json* methods = manifest.member("signInMethods");
  if (!methods) return skipped("no \"signInMethods\": accounts can only come from the API");
  if (!methods->isArray()) return failed("\"signInMethods\" is not an array");
  std::vector<std::string> ids;
  for (size_t i = 0; i < methods->array.size(); ++i) {
    const Json& method = methods->array[i];
    const std::string where = "signInMethods[" + std::to_string(i) + "]";
    for (const char* name : {"id", "method", "title"})
      if (!hasText(method, name)) return failed(where + " lacks the text \"" + name + "\"");
    const std::string& id = method.member("id")->string;
    if (std::find(ids.begin(), ids.end(), id) != ids.end())
      return failed("signInMethods repeats the id " + id);
    ids.push_back(id);
    const Json* fields = method.member("fields");
    if (!fields || !fields->isArray()) return failed(where + " lacks the array \"fields\"");
    for (size_t f = 0; f < fields->array.size(); ++f) {
      Finding finding = checkField(fields->array[f], where + ".fields[" + std::to_string(f) + "]");
      if (finding.outcome == Outcome::Fail) return finding;
    }
  }
  return ok();
}

Finding checkSettings(const Json& manifest) {
  const Json* settings = manifest.member("settings");
  if (!settings) return skipped("no \"settings\": a mistyped one will not be noticed");
  if (!settings->isArray()) return failed("\"settings\" is not an array");
  std::vector<std::string> keys;
  for (size_t i = 0; i < settings->array.size(); ++i) {
    const Json& setting = settings->array[i];
    const std::string where = "settings[" + std::to_string(i) + "]";
    if (!setting.isObject()) return failed(where + " is not an object");
    if (!hasText(setting, "key")) return failed(where + " lacks the text \"key\"");
    const std::string& key = setting.member("key")->string;
    static const std::regex kKey("[A-Za-z0-9]([A-Za-z0-9.]{0,98}[A-Za-z0-9])?");
    if (!std::regex_match(key, kKey))
      return failed(where + ".key is not of letters, digits and dots between them");
    constexpr std::string_view kKnown[] = {"key",    "type",    "min", "max",
                                           "values", "default", "help"};
    const auto unknown =
        std::find_if(setting.object.begin(), setting.object.end(), [&](const auto& member) {
          return std::find(std::begin(kKnown), std::end(kKnown), member.first) == std::end(kKnown);
        });
    if (unknown != setting.object.end())
      return failed(where + " has the unknown member " + unknown->first);
    if (std::find(keys.begin(), keys.end(), key) != keys.end())
      return failed("settings repeats the key " + key);
    keys.push_back(key);
    const std::string type = hasText(setting, "type") ? setting.member("type")->string : "";
    if (type != "text" && type != "integer" && type != "choice")
      return failed(where + ".type is not text, integer or choice");
    const Json* values = setting.member("values");
    const bool texts = values && values->isArray() && !values->array.empty() &&
                       std::all_of(values->array.begin(), values->array.end(),
                                   [](const Json& value) { return value.isString(); });
    if (type == "choice" && !texts)
      return failed(where + " is a choice without the texts \"values\"");
    for (const char* limit : {"min", "max"})
      if (type == "integer" && setting.member(limit) &&
          setting.member(limit)->kind != Json::Kind::Number)
        return failed(where + "." + limit + " is not a whole number");
    if (setting.member("default") && !setting.member("default")->isString())
      return failed(where + ".default is not a text");
  }
  return ok();
}

}  // namespace

bool isPluginId(const std::string& text) {
  static const std::regex kPattern("[a-z][a-z0-9-]{0,31}");
  return std::regex_match(text, kPattern);
}

bool isSemanticVersion(const std::string& text) {
  static const std::regex kPattern(
      R"re((0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?)re");
  return std::regex_match(text, kPattern);
}

std::optional<ManifestFacts> checkManifest(const std::string& path, Report& report) {
  const auto text = readFile(path, kMaxManifestBytes);
  const auto manifest = text ? parseJson(*text) : std::nullopt;
  const bool readable = manifest && manifest->isObject();
  report.add("manifest.read",
             !text      ? failed("the file cannot be read or is larger than 1 MiB")
             : readable ? ok()
                        : failed("it is not one JSON object"),
             "Write the manifest as JSON without comments; sdk/template has one to copy.");
  if (!readable) return std::nullopt;

  Finding members = checkTop(*manifest);
  const bool usable = members.outcome == Outcome::Ok;
  report.add(
      "manifest.members", std::move(members),
      "Give the manifest id, name, version, abi, file and sha256; the build writes the last two.");
  report.add("manifest.abi", checkAbi(*manifest),
             "Build against the SDK of the host and copy its ABI version.");
  report.add("manifest.sign_in", checkSignIn(*manifest),
             "Each sign-in method needs id, method, title and fields; each field needs name, label "
             "and type.");
  report.add("manifest.settings", checkSettings(*manifest),
             "List each setting with key and type, so that a wrong one refuses the start.");
  if (!usable) return std::nullopt;

  const fs::path library = fs::absolute(path).parent_path() / manifest->member("file")->string;
  std::error_code code;
  const fs::file_status status = fs::symlink_status(library, code);
  const bool regular = !code && fs::is_regular_file(status);
  report.add("file.regular",
             regular ? ok()
             : fs::is_symlink(status)
                 ? failed("the library is a symbolic link")
                 : failed("there is no regular file " + library.filename().string()),
             "Put the library itself, not a link, beside its manifest.");
  if (!regular) return std::nullopt;
  const auto bytes = readFile(library, kMaxLibraryBytes);
  report.add("file.sha256",
             bytes && sha256Hex(*bytes) == manifest->member("sha256")->string
                 ? ok()
                 : failed("the library's SHA-256 is not the manifest's"),
             "Write the manifest after the last step that changes the library (strip, signing).");
  return ManifestFacts{manifest->member("id")->string, manifest->member("version")->string,
                       library.string()};
}

void checkExports(const std::string& library, Report& report) {
  const char* advice =
      "Compile with -fvisibility=hidden and link with the SDK's plugin.map (omniroute_add_plugin "
      "does both).";
#if defined(_WIN32)
  report.add("file.exports", skipped("only checked on ELF systems"), advice);
  (void)library;
#else
  const auto bytes = readFile(library, kMaxLibraryBytes);
  const auto symbols = bytes ? exportedSymbols(*bytes) : std::nullopt;
  if (!symbols) {
    report.add("file.exports",
               skipped("not a 64-bit little-endian ELF library with section headers"), advice);
    return;
  }
  if (symbols->size() == 1 && symbols->front() == OMNI_ENTRY_SYMBOL) {
    report.add("file.exports", ok(), advice);
    return;
  }
  std::string list;
  for (size_t i = 0; i < symbols->size() && i < 5; ++i) list += (i ? ", " : "") + (*symbols)[i];
  if (symbols->size() > 5) list += ", ...";
  report.add(
      "file.exports",
      failed("it exports " + std::to_string(symbols->size()) +
             " symbols instead of only " OMNI_ENTRY_SYMBOL + (list.empty() ? "" : ": " + list)),
      advice);
#endif
}

}  // namespace omni::check
