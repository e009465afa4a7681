#pragma once
// Which hosts a sign-in form may name. Nothing that a form says reaches a host name or a browser
// unchecked. Source of the lists: kiro-protocol C.1 and I.

#include <omniroute/sdk.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace omni::kiro {

struct Url {
  std::string scheme;  // lower case
  std::string host;    // lower case, no port
  std::string port;    // digits or empty
  std::string path;    // with query and fragment; empty or beginning with '/', '?' or '#'
};
// http and https only, without user information; host: letters, digits, '-' and '.'.
std::optional<Url> parseUrl(std::string_view text);

// Empty: fine. Else why the address is refused and what to do, to be shown.
//
// https on *.awsapps.com or *.awsapps-us-gov.com, or a host of the setting "signIn.startUrlHosts".
std::string startUrlProblem(const sdk::Host& host, std::string_view url);
// https on one of the known identity providers, or a host of the setting "externalIdp.hosts".
std::string tokenEndpointProblem(const sdk::Host& host, std::string_view url);
// Both settings are lists with commas: "login.example.com" (that host), ".example.com" (every host
// below it), or "http://127.0.0.1:8080" (that origin, also without TLS).

// An address that upstream wants a browser to open: https only.
bool isBrowserUrl(std::string_view url);

}  // namespace omni::kiro
