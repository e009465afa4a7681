#pragma once
// Names and ids that people and scripts use. Private to service/admin.

#include <string>
#include <string_view>

#include "core/base/error.hpp"
#include "core/ports/clock.hpp"

namespace omni::admin {

// 1 to 100 characters of UTF-8, no '/' (it separates provider, account and model), no control
// character, no space at either end.
Result<> checkName(std::string_view name, std::string_view field);

std::string newUuid(Random& random);  // version 4

}  // namespace omni::admin
