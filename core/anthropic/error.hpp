#pragma once
// Errors as Anthropic's clients read them. Source of the wire: Anthropic API reference, "Errors".

#include <string>
#include <string_view>

#include "core/base/error.hpp"

namespace omni::anthropic {

// As httpStatus(), but 529 for what is overloaded: by that these clients know when to come back.
int errorStatus(const Error& error);
// {"type":"error","error":{"type","message"},"request_id"}
std::string errorBody(const Error& error, std::string_view request_id);

}  // namespace omni::anthropic
