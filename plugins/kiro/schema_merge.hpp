#pragma once
// The slow half of schema cleaning: references and combinators. Inside of plugins/kiro only.

#include <string>
#include <string_view>

namespace omni::kiro {

bool isRefusedKeyword(std::string_view key);  // left out wherever a schema stands
bool isMergedKeyword(std::string_view key);   // $ref, anyOf, oneOf, allOf

// The schema without $ref, anyOf, oneOf and allOf; empty when it is no JSON object. A reference
// that leads back into itself ends as an open schema; so does whatever a schema that multiplies its
// own references would grow beyond reason.
std::string mergedSchema(std::string_view raw);

}  // namespace omni::kiro
