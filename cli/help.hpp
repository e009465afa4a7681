#pragma once
// Help, completions and man pages out of the command table. Pure.

#include <string>
#include <string_view>
#include <vector>

#include "cli/command.hpp"

namespace omni::cli {

// `group` empty: all commands; "providers": those of the group; "exit-codes".
std::string helpOverview(std::string_view group, size_t width,
                         const std::vector<Command>& table = commandTable());
std::string helpFor(const Command& command, size_t width);

// Empty: no such shell.
std::string completionScript(std::string_view shell,
                             const std::vector<Command>& table = commandTable());
// troff of omniroute(1), with all commands.
std::string manPage(const std::vector<Command>& table = commandTable());

}  // namespace omni::cli
