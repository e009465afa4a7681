#pragma once
// KeyedHash under a key derived from the master key with HKDF-SHA-256 (RFC 5869), so that the key
// that seals secrets is never used for anything else.

#include <array>
#include <map>
#include <string>
#include <string_view>

#include "core/ports/keyed_hash.hpp"
#include "service/secrets/master_key.hpp"

namespace omni::secrets {

// Thread-safe. The derived root key is wiped at the end. Errors: Internal when the library refuses.
class HmacKeyedHash final : public KeyedHash {
 public:
  static Result<HmacKeyedHash> derive(const MasterKey& key);
  HmacKeyedHash(HmacKeyedHash&& other) noexcept;
  HmacKeyedHash& operator=(HmacKeyedHash&&) = delete;
  ~HmacKeyedHash() override;

  Result<std::string> keyedHash(std::string_view purpose, std::string_view data) override;

 private:
  HmacKeyedHash() = default;
  std::array<unsigned char, 32> root_{};
};

// HMAC-SHA-256 as lower-case hex; for signatures whose key the other side holds too (webhooks).
Result<std::string> hmacSha256Hex(std::string_view key, std::string_view data);

}  // namespace omni::secrets
