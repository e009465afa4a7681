#pragma once
// Hashes that only this installation can make: what is stored of an API key is worth nothing
// without the master key. Implemented by service/secrets.

#include <string>
#include <string_view>

#include "core/base/error.hpp"

namespace omni {

// Thread-safe.
class KeyedHash {
 public:
  virtual ~KeyedHash() = default;
  // HMAC-SHA-256 of `data` as 64 lower-case hex digits, under a key derived from the master key for
  // this `purpose`: hashes of different purposes cannot be compared.
  virtual Result<std::string> keyedHash(std::string_view purpose, std::string_view data) = 0;
};

// Thread-safe. Slow on purpose (some 100 ms and 32 MB a call).
class PasswordHasher {
 public:
  virtual ~PasswordHasher() = default;
  virtual Result<std::string> hashPassword(std::string_view password) = 0;
  // False for a wrong password; an error for a hash of an unknown form.
  virtual Result<bool> verifyPassword(std::string_view password, std::string_view hash) = 0;
};

}  // namespace omni
