#pragma once
// One call of a sign-in service.

#include <omniroute/sdk.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plugins/kiro/json.hpp"

namespace omni::kiro {

// A sign-in call may not be repeated when it uses something up: a refresh token, a code.
enum class Repeat { Never, Allowed };

sdk::Result<sdk::HttpResponse> postJson(sdk::Call& call, std::string url, const json::object& body,
                                        Repeat repeat);
using FormFields = std::vector<std::pair<std::string_view, std::string_view>>;
sdk::Result<sdk::HttpResponse> postForm(sdk::Call& call, std::string url, const FormFields& fields);

// RFC 3986: everything but letters, digits and -._~ is written as %XX.
std::string percentEncoded(std::string_view text);
// nullopt: a broken escape.
std::optional<std::string> percentDecoded(std::string_view text);

}  // namespace omni::kiro
