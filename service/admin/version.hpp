#pragma once
// Two people who edit the same thing: the second is told, instead of undoing the first. Private to
// service/admin.

#include <initializer_list>
#include <string>
#include <string_view>

#include "core/base/error.hpp"
#include "service/http/route.hpp"

namespace omni::admin {

// Tells versions apart that people make (FNV-1a, 64 bits, in hex); no protection against somebody
// who wants two to be equal.
std::string versionOf(std::initializer_list<std::string_view> parts);

// Conflict (reason "version_changed", with `id`) when the request's If-Match names another version.
// `what`: "account", for the message.
Result<> sameVersion(const http::Request& request, std::string_view version, std::string_view id,
                     std::string_view what);

}  // namespace omni::admin
