#pragma once
// The last line of defence against a secret in the log. Whoever logs keeps secrets out in the first
// place.

#include <string>
#include <string_view>

namespace omni::telemetry {

// Replaces what has the shape of a known secret by "[redacted]": AWS SSO tokens (aor…, aoa…), Kiro
// API keys (ksk_…), "sk-…" keys, JSON web tokens (eyJ…), what follows "Bearer", and the user part
// of a URL. Pure; thread-safe.
std::string redact(std::string_view text);

}  // namespace omni::telemetry
