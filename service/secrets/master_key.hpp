#pragma once
// The key under which all secrets at rest are sealed: 32 random bytes in a file of its own, so that
// a copy of the database alone is worth nothing. Losing the file loses the secrets: it is never
// replaced or overwritten here.

#include <array>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>

#include "core/base/error.hpp"

namespace omni::secrets {

// Move-only owner of the key bytes. They are kept out of swap where the system allows it and wiped
// at the end. Reading is thread-safe. A moved-from key is empty and must not be read.
class MasterKey {
 public:
  static constexpr size_t kSize = 32;

  // Copies the bytes; the caller wipes its own.
  explicit MasterKey(std::span<const unsigned char, kSize> bytes);
  std::span<const unsigned char, kSize> bytes() const { return *bytes_; }

 private:
  using Bytes = std::array<unsigned char, kSize>;
  struct Wipe {
    void operator()(Bytes* bytes) const noexcept;
  };
  std::unique_ptr<Bytes, Wipe> bytes_;
};

// Reads the key file, or makes it (mode 0600, on disk before this returns) when it is missing and
// `sealed_data_exists` is false. Errors, all with the remedy: missing although sealed data exist,
// wrong size, open to group or others, not a regular file, I/O. A credential of systemd (a file
// directly in $CREDENTIALS_DIRECTORY) may show the group-read bit: there it is the mask of the ACL
// that lets the service user read it.
Result<MasterKey> loadOrCreateMasterKey(const std::filesystem::path& path, bool sealed_data_exists);

}  // namespace omni::secrets
