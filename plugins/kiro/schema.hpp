#pragma once
// JSON Schemas of tools as Kiro takes them. Wire source: kiro-protocol E.7, H.2, H.9 rows 28 to 30.
// Thread-safe (no state).

#include <string>
#include <string_view>

namespace omni::kiro {

// Appends the cleaned schema: an object schema at its root, without the keywords that upstream
// refuses. References into the schema's own definitions are replaced by what they name;
// alternatives are merged into one schema that admits all of them, so that names, types and
// descriptions stay. What is no JSON object becomes the schema of a tool without parameters.
void appendSchema(std::string& out, std::string_view raw);

}  // namespace omni::kiro
