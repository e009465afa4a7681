#pragma once
// Seals secrets with AES-256-GCM under the master key.
// Sealed form: "v1:" + base64(nonce[12] | ciphertext | tag[16]); the nonce is random for each call,
// the context is the additional authenticated data. Printable, so that it fits any text column.

#include <string>
#include <string_view>
#include <utility>

#include "core/ports/sealer.hpp"
#include "service/secrets/master_key.hpp"

namespace omni::secrets {

// Thread-safe. Owns the key. Errors: Internal; opening says only "cannot be decrypted: wrong master
// key, or the data was damaged" (reason "unseal_failed"), whatever the cause, and never shows
// contents.
class AesGcmSealer final : public Sealer {
 public:
  explicit AesGcmSealer(MasterKey key) : key_(std::move(key)) {}

  Result<std::string> seal(std::string_view plaintext, std::string_view context) override;
  Result<std::string> open(std::string_view sealed, std::string_view context) override;

 private:
  MasterKey key_;
};

}  // namespace omni::secrets
