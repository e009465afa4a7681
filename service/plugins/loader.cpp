#include "service/plugins/loader.hpp"

#include <algorithm>
#include <boost/dll/shared_library.hpp>
#include <fstream>
#include <iterator>
#include <memory>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "service/plugins/crash_probe.hpp"
#include "service/plugins/entry_check.hpp"
#include "service/plugins/file_safety.hpp"
#include "service/plugins/manifest.hpp"
#include "service/plugins/sha256.hpp"

namespace omni::plugins {

namespace {

// Kept where a leak checker sees it, and never destroyed: see the header.
boost::dll::shared_library& keepMapped(std::unique_ptr<boost::dll::shared_library> library) {
  static std::mutex mutex;
  static auto& kept = *new std::vector<std::unique_ptr<boost::dll::shared_library>>;
  const std::lock_guard lock(mutex);
  return *kept.emplace_back(std::move(library));
}

namespace fs = std::filesystem;
constexpr std::string_view kSuffix = kManifestSuffix;

Result<const omni_plugin_entry_t*> map(const fs::path& library, const Manifest& manifest) try {
  using boost::dll::load_mode::type;
  type mode = boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local;
#ifdef _WIN32
  mode |= boost::dll::load_mode::load_with_altered_search_path;
#endif
  // The throwing constructor: the one with error_code loses the loader's explanation.
  auto owner = std::make_unique<boost::dll::shared_library>(library, mode);
  // Leaked from here on, also when refused: its initialisers have run.
  boost::dll::shared_library& mapped = keepMapped(std::move(owner));
  if (!mapped.has(OMNI_ENTRY_SYMBOL))
    return makeError(FailureKind::Unsupported, "the library does not export " OMNI_ENTRY_SYMBOL);
  const omni_plugin_entry_t& entry = mapped.get<const omni_plugin_entry_t>(OMNI_ENTRY_SYMBOL);
  if (auto fits = checkEntry(entry, &manifest); !fits)
    return std::unexpected(std::move(fits.error()));
  return &entry;
} catch (const std::exception& error) {
  return makeError(FailureKind::Unsupported,
                   std::string("the library cannot be loaded: ") + error.what());
}

Result<const omni_plugin_entry_t*> load(const fs::path& folder, const fs::path& manifest_file,
                                        PluginInfo& info, std::set<std::string>& ids) {
  if (auto safe = checkFile(manifest_file); !safe) return std::unexpected(std::move(safe.error()));
  auto text = readManifest(manifest_file);
  if (!text) return std::unexpected(std::move(text.error()));
  auto manifest = parseManifest(*text);
  if (!manifest) return std::unexpected(std::move(manifest.error()));
  info.id = manifest->id;
  info.name = manifest->name;
  info.version = manifest->version;
  info.sign_in_methods_json = manifest->sign_in_methods_json;
  const fs::path library = folder / manifest->file;
  info.file = library.string();
  if (manifest_file.filename() != manifest->id + std::string(kSuffix))
    return makeError(FailureKind::BadRequest,
                     "the manifest's file must be named " + manifest->id + std::string(kSuffix));
  if (!ids.insert(manifest->id).second)
    return makeError(FailureKind::Conflict, "another plugin has the same id");
  if (auto abi = checkAbi(manifest->abi_major, manifest->abi_minor); !abi)
    return std::unexpected(std::move(abi.error()));
  if (auto safe = checkFile(library); !safe) return std::unexpected(std::move(safe.error()));
  auto digest = sha256OfFile(library);
  if (!digest) return std::unexpected(std::move(digest.error()));
  if (*digest != manifest->sha256)
    return makeError(
        FailureKind::Forbidden,
        "the library's SHA-256 differs from the manifest's: it was changed or is incomplete");
  if (auto alive = survivesLoading(library); !alive)
    return std::unexpected(std::move(alive.error()));
  return map(library, *manifest);
}

}  // namespace

Result<std::vector<FoundPlugin>> scanFolder(const fs::path& given) {
  std::error_code failed;
  const fs::path folder = fs::canonical(given, failed);
  if (failed)
    return makeError(FailureKind::NotFound,
                     "the plugin folder " + given.string() + " does not exist");
  if (auto safe = checkFolder(folder); !safe) return std::unexpected(std::move(safe.error()));
  std::vector<fs::path> manifests;
  for (fs::directory_iterator it(folder, failed), end; !failed && it != end; it.increment(failed))
    if (it->path().filename().string().ends_with(kSuffix)) manifests.push_back(it->path());
  if (failed)
    return makeError(FailureKind::NotFound,
                     "the plugin folder " + folder.string() + " cannot be read");
  std::sort(manifests.begin(), manifests.end());

  std::vector<FoundPlugin> found;
  std::set<std::string> ids;
  for (const fs::path& manifest : manifests) {
    FoundPlugin plugin;
    plugin.info.id = manifest.filename().string();
    plugin.info.id.resize(plugin.info.id.size() - kSuffix.size());
    plugin.info.name = plugin.info.id;
    auto entry = load(folder, manifest, plugin.info, ids);
    if (entry) {
      plugin.entry = *entry;
      plugin.info.status = PluginStatus::Loaded;
    } else {
      plugin.info.reason = std::move(entry.error().message);
    }
    found.push_back(std::move(plugin));
  }
  return found;
}

}  // namespace omni::plugins
