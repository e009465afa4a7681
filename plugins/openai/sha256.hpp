#pragma once
// SHA-256 (FIPS 180-4), for the fingerprint that recognises the same account again. Pure.

#include <string>
#include <string_view>

namespace omni::openai_upstream {

std::string sha256Hex(std::string_view data);  // 64 lower-case hex digits

}  // namespace omni::openai_upstream
