#pragma once
// Goes through all places and collects what lies there; a source that cannot be read becomes a
// problem and the others go on. No side effect.

#include <string_view>

#include "plugins/kiro/local/files.hpp"
#include "plugins/kiro/local/found.hpp"
#include "plugins/kiro/local/roots.hpp"

namespace omni::kiro::local {

Listing scan(const Roots& roots, const DatabaseLimits& limits = {});
// The account with this id, read anew.
Read<Found> readFound(const Roots& roots, std::string_view id);

}  // namespace omni::kiro::local
