#pragma once
// base64url without padding (RFC 4648 section 5), for PKCE and for the claims inside a JWT.

#include <omniroute/sdk.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace omni::kiro {

std::string base64Url(std::string_view bytes);
std::optional<std::string> fromBase64Url(std::string_view text);
// `bytes` random bytes as base64url.
std::string randomText(const sdk::Host& host, size_t bytes);
// base64url(SHA-256(verifier)): the S256 challenge of RFC 7636.
std::string pkceChallenge(std::string_view verifier);

// A claim of a JWT that is read for display only: the signature is not looked at. The first of
// `names` that is a text; empty when the token is no JWT or has none.
std::string jwtClaim(std::string_view token, std::initializer_list<std::string_view> names);

}  // namespace omni::kiro
