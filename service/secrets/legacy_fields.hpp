#pragma once
// Fields that OmniRoute encrypted (source: omniroute-reference 5.6): AES-256-GCM with a 16-byte
// nonce under scrypt(storage key, fixed salt), Node's default cost (n 16384, r 8, p 1).

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ports/bundle.hpp"

namespace omni::secrets {

// Thread-safe.
class OmniRouteFields final : public LegacyFields {
 public:
  bool sealed(std::string_view field) const override;
  Result<std::vector<Result<std::string>>> open(const std::vector<std::string>& fields,
                                                std::string_view storage_key) const override;
};

// Pure: "enc:v1:<iv>:<ciphertext>:<tag>" as bytes; nullopt when it is malformed.
struct LegacyField {
  std::string nonce;
  std::string sealed;  // ciphertext and tag
};
std::optional<LegacyField> parseLegacyField(std::string_view text);

}  // namespace omni::secrets
