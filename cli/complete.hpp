#pragma once
// What may come next on a command line that is being typed. Pure but for `dynamic`.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command.hpp"

namespace omni::cli {

struct Candidate {
  std::string value;
  std::string help;
};
// `typed`: the words so far, the last one being typed (may be empty). `dynamic` answers
// "@accounts", "@combos" and
// "@models".
std::vector<Candidate> complete(
    const std::vector<std::string>& typed,
    const std::function<std::vector<std::string>(std::string_view)>& dynamic,
    const std::vector<Command>& table = commandTable());

}  // namespace omni::cli
