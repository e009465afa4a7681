#pragma once
// SHA-256 (FIPS 180-4). The plugin links no crypto library; this hashes fingerprints and ids, never
// passwords.

#include <string>
#include <string_view>

namespace omni::kiro {

std::string sha256Hex(std::string_view data);  // 64 lower-case hex digits

}  // namespace omni::kiro
