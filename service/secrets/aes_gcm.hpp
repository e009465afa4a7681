#pragma once
// AES-256-GCM over byte strings, for what is not sealed under the master key. Private to
// service/secrets.

#include <optional>
#include <string>
#include <string_view>

namespace omni::secrets {

inline constexpr size_t kGcmTag = 16;

// Ciphertext and tag; nullopt when OpenSSL fails. `key`: 32 bytes.
std::optional<std::string> gcmSeal(std::string_view key, std::string_view nonce,
                                   std::string_view plaintext, std::string_view aad);
// nullopt: wrong key, or not what was sealed. `sealed`: ciphertext and tag.
std::optional<std::string> gcmOpen(std::string_view key, std::string_view nonce,
                                   std::string_view sealed, std::string_view aad);

}  // namespace omni::secrets
