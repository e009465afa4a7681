#pragma once

#include <string>
#include <string_view>

// Identifiers and digests.
namespace omni::sim {

std::string randomText(std::size_t length);  // letters and digits
std::string randomDigits(std::size_t length);
std::string uuid();
std::string accessToken();
std::string refreshToken();
std::string userCode();  // ABCD-EFGH
std::string sha256(std::string_view data);
std::string base64Url(std::string_view data);
std::string hex(std::string_view data);
std::string unhex(std::string_view text);
std::string shortHash(std::string_view secret);

}  // namespace omni::sim
