#include "plugins/kiro/local/scan.hpp"

#include <algorithm>

#include "plugins/kiro/json.hpp"
#include "plugins/kiro/local/sso_cache.hpp"

namespace omni::kiro::local {
namespace {

constexpr uint64_t kLargestToken = 1u << 20;

void scanDatabase(const Place& place, const std::string& path, const DatabaseLimits& limits,
                  Listing& listing) {
  auto rows = readDatabase(path, limits);
  if (rows)
    readRows(place.kind, path, *rows, listing);
  else
    listing.problems.push_back({path, std::move(rows.error())});
}

void scanCache(const Roots& roots, const std::string& folder, Listing& listing) {
  auto names = jsonFilesIn(folder);
  if (!names) {
    listing.problems.push_back({folder, std::move(names.error())});
    return;
  }
  std::vector<CacheFile> files;
  for (std::string& name : *names) {
    std::string path = joined(roots.platform, folder, name);
    auto bytes = readFile(path, kLargestToken);
    if (bytes)
      files.push_back({std::move(path), std::move(name), std::move(*bytes)});
    else
      listing.problems.push_back({std::move(path), std::move(bytes.error())});
  }
  readCache(files, listing);
}

// The home of ".../home/ada/.config/Kiro/User/...": what lies before the tool's own part.
std::string ownerOf(std::string_view path) {
  for (std::string_view mark :
       {"/.config/", "/Library/Application Support/", "/AppData/", "\\AppData\\"})
    if (const auto at = path.find(mark); at != path.npos)
      return std::string(path.substr(0, at + 1));
  return {};
}

}  // namespace

Listing scan(const Roots& roots, const DatabaseLimits& limits) {
  Listing listing;
  std::vector<IdeProfile> profiles;
  const char separator = roots.platform == Platform::Windows ? '\\' : '/';
  for (const Place& place : placesToLook(roots)) {
    listing.searched.push_back(place.path);
    for (const std::string& path : expand(place.path, separator)) {
      if (place.type == Place::Database) {
        scanDatabase(place, path, limits, listing);
      } else if (place.type == Place::CacheFolder) {
        scanCache(roots, path, listing);
      } else if (const auto bytes = readFile(path, kLargestToken)) {
        if (const auto profile = parseObject(*bytes); profile && !text(*profile, "arn").empty())
          profiles.push_back({ownerOf(path), std::string(text(*profile, "arn")),
                              std::string(text(*profile, "name"))});
      }
    }
  }
  applyProfiles(profiles, listing.found);
  mergeSame(listing.found);
  return listing;
}

Read<Found> readFound(const Roots& roots, std::string_view id) {
  Listing listing = scan(roots);
  for (Found& found : listing.found)
    if (found.id() == id) return std::move(found);
  std::string message = "the account is not there any more; list again";
  for (const Problem& problem : listing.problems)
    message += "; " + problem.file + ": " + problem.message;
  return std::unexpected(std::move(message));
}

}  // namespace omni::kiro::local
