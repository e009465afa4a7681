#pragma once
// Reads accounts out of another program's SQLite file that somebody uploads.

#include <filesystem>

#include "core/ports/bundle.hpp"

namespace omni::storage {

// Thread-safe. `directory`: where the private copy (mode 0600, gone afterwards) may lie.
class SqliteForeignDatabase final : public ForeignDatabase {
 public:
  explicit SqliteForeignDatabase(std::filesystem::path directory)
      : directory_(std::move(directory)) {}
  Result<std::vector<ForeignRow>> read(std::string_view bytes) override;

 private:
  std::filesystem::path directory_;
};

}  // namespace omni::storage
