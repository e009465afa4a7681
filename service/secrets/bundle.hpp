#pragma once
// Export bundles: scrypt and AES-256-GCM in a JSON envelope,
//   {"format":"omniroute-bundle" or
//   "omniroute-backup","version":1,"kdf":"scrypt","n":32768,"r":8,"p":1,"salt":…,
//    "cipher":"aes-256-gcm","nonce":…,"data":…}
// with salt (16 bytes), nonce (12 bytes) and data (ciphertext and 16-byte tag) in base64.
// Everything but data is authenticated.

#include <cstdint>
#include <string>
#include <string_view>

#include "core/ports/bundle.hpp"

namespace omni::secrets {

// What is sealed. The name is authenticated, so that one kind is never taken for the other.
struct BundleKind {
  std::string_view format = "omniroute-bundle";
  std::string_view word = "bundle";  // in messages, and the field that errors name
};
inline constexpr BundleKind kBackupKind{"omniroute-backup", "backup"};

struct BundleEnvelope {
  uint64_t n = 0;
  uint32_t r = 0;
  uint32_t p = 0;
  std::string salt;   // bytes
  std::string nonce;  // bytes
  std::string data;   // bytes
};

// Pure. BadRequest (field "bundle"): no bundle, a newer version, or a cost that would let a bundle
// stop the service (n above 2^17, r above 8, p above 4).
Result<BundleEnvelope> parseBundleEnvelope(std::string_view text, BundleKind kind = {});

// Thread-safe.
class ScryptBundleCipher final : public BundleCipher {
 public:
  explicit ScryptBundleCipher(BundleKind kind = {}) : kind_(kind) {}
  Result<std::string> seal(std::string_view plaintext, std::string_view passphrase) override;
  Result<std::string> open(std::string_view envelope, std::string_view passphrase) override;

 private:
  BundleKind kind_;
};

}  // namespace omni::secrets
