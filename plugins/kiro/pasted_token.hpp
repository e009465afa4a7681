#pragma once
// What an import form holds: a token alone, its parts, or the whole of a token file of the Kiro IDE
// or command line, in either spelling. Source of the file shapes: kiro-protocol D.1 and D.2.

#include <omniroute/sdk.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace omni::kiro {

struct PastedToken {
  std::string method;  // idc, builder_id, social, external_idp, api_key, or empty: not said
  std::string refresh_token, access_token;
  int64_t expires_ms = 0;  // of the access token; 0: not said
  std::string region, profile_arn, start_url;
  std::string client_id, client_secret, client_id_hash;
  std::string provider;  // Google, Github, BuilderId, Enterprise; empty: not said
  std::string token_endpoint, issuer_url, scopes;
  std::string api_key;
  std::string tool, item;  // of a scan: the tool that holds it, and where (local::Found::origin())
  bool allow_shared = false;
  bool rotate = true;  // false: take the access token as it is and leave the refresh token unused
};

// Everything is checked but what only upstream can know. BAD_REQUEST names the member.
sdk::Result<PastedToken> readPastedToken(const sdk::Host& host, std::string_view input);

// Unix ms of RFC 3339 (any fraction, Z or offset), or of a number of seconds or milliseconds.
std::optional<int64_t> parseTime(std::string_view text);

}  // namespace omni::kiro
