#pragma once
// From arguments to a command of the table. Pure.

#include <expected>
#include <string>
#include <vector>

#include "cli/command.hpp"

namespace omni::cli {

struct Parsed {
  const Command* command = nullptr;  // null: help for `group` (empty: everything) was asked for
  std::string group;
  bool help = false;
  bool version = false;
  Invocation invocation;  // global options are in it too
};

// The text says what is wrong and what was probably meant.
std::expected<Parsed, std::string> parse(const std::vector<std::string>& arguments,
                                         const std::vector<Command>& table = commandTable());

}  // namespace omni::cli
