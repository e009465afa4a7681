#pragma once
// Passwords as scrypt hashes (RFC 7914): "scrypt$<log2 N>$<r>$<p>$<salt hex>$<hash hex>". The cost
// stands in the hash, so that it may be raised later.

#include <string>
#include <string_view>

#include "core/ports/clock.hpp"
#include "core/ports/keyed_hash.hpp"

namespace omni::secrets {

// Thread-safe. `random` must outlive it. A call takes 128 * N * r bytes: 32 MB with the default.
class ScryptHasher final : public PasswordHasher {
 public:
  // log2_n below the default is for tests.
  explicit ScryptHasher(Random& random, int log2_n = 15) : random_(random), log2_n_(log2_n) {}
  Result<std::string> hashPassword(std::string_view password) override;
  Result<bool> verifyPassword(std::string_view password, std::string_view hash) override;

 private:
  Random& random_;
  int log2_n_;
};

}  // namespace omni::secrets
