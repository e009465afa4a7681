#pragma once
// Reads request bodies strictly: what is not understood is refused by name instead of ignored.
// Private to service/admin.

#include <boost/json/object.hpp>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/error.hpp"
#include "service/http/route.hpp"

namespace omni::admin {

// BadRequest with the byte offset for what is no JSON, and for JSON that is no object.
Result<boost::json::object> parseObject(std::string_view body);
// For routes whose body may be missing: {} then. UnsupportedMediaType for a body that is not
// declared as JSON.
Result<boost::json::object> parseOptionalObject(const http::Request& request);

// BadRequest that names the first member which is not in `known`. `path` is the prefix in error
// messages, e.g. "models[1].".
Result<> refuseUnknown(const boost::json::object& object,
                       std::initializer_list<std::string_view> known, std::string_view path = {});

// nullopt: not there, or null. BadRequest with the path: another type.
Result<std::optional<std::string>> stringMember(const boost::json::object& object,
                                                std::string_view key, std::string_view path = {});
Result<std::optional<bool>> boolMember(const boost::json::object& object, std::string_view key,
                                       std::string_view path = {});

// A member name as it may be shown in a message: somebody may paste a token where a name belongs.
std::string shownName(std::string_view name);

}  // namespace omni::admin
