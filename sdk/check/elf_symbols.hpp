#pragma once
// Which symbols an ELF library exports, read from its .dynsym section without loading it.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace omni::check {

// `file` is the whole library. nullopt when it is not a 64-bit little-endian ELF file with section
// headers, or damaged. Source of the layout: the System V ABI (gABI), "Object Files".
std::optional<std::vector<std::string>> exportedSymbols(std::string_view file);

}  // namespace omni::check
