#pragma once
// Names and ids that upstream takes. Wire source: kiro-protocol E.6 (8), E.7, H.2. Thread-safe.

#include <map>
#include <string>
#include <string_view>

namespace omni::kiro {

// Name sent -> name the client gave, for names that Kiro would refuse.
using ToolNames = std::map<std::string, std::string, std::less<>>;

// A name that matches ^[a-zA-Z][a-zA-Z0-9_-]{0,63}$: the same when it does already, else shortened
// with a hash.
std::string safeToolName(std::string_view name);
bool isSafeToolName(std::string_view name);

// An id that matches ^[A-Za-z0-9_-]{1,64}$: the same when it does already, else made from it; from
// `seed` when it is empty.
std::string safeToolId(std::string_view id, std::string_view seed);
bool isSafeToolId(std::string_view id);

}  // namespace omni::kiro
