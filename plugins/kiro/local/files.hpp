#pragma once
// The thin layer over the file system. Errors are texts for people.

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/kiro/local/rows.hpp"

namespace omni::kiro::local {

template <typename T>
using Read = std::expected<T, std::string>;

// The existing paths that a path with "*" segments means, sorted; at most 200. Without "*": the
// path, if it is there.
std::vector<std::string> expand(std::string_view path, char separator);
// Names of the *.json files of a folder, sorted; at most 1000.
Read<std::vector<std::string>> jsonFilesIn(const std::string& folder);
// The whole file, at most `limit` bytes.
Read<std::string> readFile(const std::string& path, uint64_t limit);

// The rows of a tool's SQLite database. The owner is never blocked and nothing is written beside
// the file: without a write-ahead log the file is read without any lock and thrown away when it
// changed meanwhile; with one, file and log are copied to a private folder and read there.
struct DatabaseLimits {
  uint64_t copy_bytes = 512ull << 20;  // file and log, when they have to be copied
  int attempts = 5;                    // when the owner writes meanwhile
  std::string temporary_folder;        // empty: the system's
};
Read<std::vector<Row>> readDatabase(const std::string& path, const DatabaseLimits& limits = {});

}  // namespace omni::kiro::local
