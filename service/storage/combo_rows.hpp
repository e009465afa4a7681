#pragma once
// How a combo lies in the table `combos`: targets and options as JSON. Private to service/storage.

#include <string>

#include "core/routing/combo.hpp"

namespace omni::storage {

// A target that needs no more than its text is a string, any other an object.
std::string targetsText(const std::vector<routing::Target>& targets);
bool parseTargets(const std::string& document, std::vector<routing::Target>& out);

// What differs from the defaults.
std::string optionsText(const routing::ComboOptions& options);
bool parseOptions(const std::string& document, routing::ComboOptions& out);

}  // namespace omni::storage
