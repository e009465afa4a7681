#pragma once
// Windows speaks UTF-16, the project UTF-8. Windows only.

#include <string>
#include <string_view>

namespace omni::platform {

std::wstring wide(std::string_view text);       // what is not UTF-8 becomes U+FFFD
std::string utf8(std::wstring_view text);       // so does half a surrogate pair
std::string systemMessage(unsigned long code);  // of GetLastError(), without a line break

}  // namespace omni::platform
