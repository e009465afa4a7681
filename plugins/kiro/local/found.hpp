#pragma once
// An account of another tool on this machine, and the listing made of many. Plain values; Found
// holds secrets, its listing does not.

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace omni::kiro::local {

struct Found {
  std::string kind;         // kiro-cli, amazon-q, kiro-ide, sso-cache
  std::string file;         // where it lies
  std::string entry;        // row of a database; empty for a file of its own
  std::string auth_method;  // builder-id, idc, social, external_idp
  std::string provider;     // BuilderId, Enterprise, Google, Github, ExternalIdp; empty: not said
  std::string region;
  std::string start_url;
  std::string profile_arn;
  std::string profile_name;
  std::string email;
  std::string access_token;   // secret
  std::string refresh_token;  // secret
  int64_t expires_ms = 0;     // 0: not said
  std::string client_id;
  std::string client_secret;  // secret
  int64_t client_secret_expires_ms = 0;
  std::string token_endpoint;  // external identity provider
  std::string issuer_url;
  std::string scopes;
  std::vector<std::string> also_in;  // further files with the same refresh token

  std::string id() const;  // 16 hex digits of kind, file and entry
  // The id with thisMachine(), "<id>@<machine>": tells two machines with the same paths apart.
  std::string origin() const;
  std::string fingerprint() const;  // SHA-256 of the refresh token; empty without one
  // Why it cannot be imported; empty: it can.
  std::string obstacle() const;
};

// 8 hex digits of the machine's name.
std::string thisMachine();

struct Problem {
  std::string file;
  std::string message;  // what is wrong and what to do
};

struct Listing {
  std::vector<Found> found;
  std::vector<Problem> problems;
  std::vector<std::string> searched;
};

// Without secrets. `now_ms` decides what has expired.
boost::json::object listed(const Found& found, int64_t now_ms);
boost::json::object listed(const Listing& listing, int64_t now_ms);
// With secrets: what accounts.import takes as source.account.
boost::json::object revealed(const Found& found);

// The same token in several places becomes one; the first stays. What the others know more is taken
// over.
void mergeSame(std::vector<Found>& found);

}  // namespace omni::kiro::local
