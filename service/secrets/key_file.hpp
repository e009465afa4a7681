#pragma once
// How one system keeps the file of the master key, and the key in memory. POSIX: the 32 bytes, mode
// 0600. Windows: sealed with DPAPI for the account that the service runs as (eight bytes that name
// the format, then what CryptProtectData made), in a folder that is closed to others; a file of 32
// bytes that was brought from another system is read too.

#include <array>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "core/base/error.hpp"
#include "service/secrets/master_key.hpp"

namespace omni::secrets {

// Longer than a key by one byte, so that a longer file is noticed. Wiped at the end.
struct KeyBytes {
  std::array<unsigned char, MasterKey::kSize + 1> bytes{};
  size_t size = 0;

  KeyBytes() = default;
  KeyBytes(const KeyBytes&) = delete;
  KeyBytes& operator=(const KeyBytes&) = delete;
  ~KeyBytes();
  std::span<const unsigned char, MasterKey::kSize> key() const {
    return std::span(bytes).first<MasterKey::kSize>();
  }
};

// Unavailable with a reason that programs can tell apart.
std::unexpected<Error> keyError(std::string reason, std::string message);

// False: there is no such file. Errors: it is open to others, no regular file, sealed for another
// account or machine, or cannot be read.
Result<bool> readKeyFile(const std::filesystem::path& path, KeyBytes& out);

// On disk before it returns. False: the file came into being meanwhile.
Result<bool> createKeyFile(const std::filesystem::path& path,
                           std::span<const unsigned char, MasterKey::kSize> key);

// Keeps memory out of swap, as far as the system allows it, until letGo().
void keepInMemory(void* memory, size_t size) noexcept;
void letGo(void* memory, size_t size) noexcept;

}  // namespace omni::secrets
