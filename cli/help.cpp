#include "cli/help.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "cli/text.hpp"

namespace omni::cli {
namespace {

size_t usable(size_t width) {
  return width == 0 ? 100 : std::clamp<size_t>(width, 30, 100);
}

void addPair(std::string& out, std::string_view left, std::string_view right, size_t column,
             size_t width) {
  std::string line = "  " + std::string(left);
  const bool own_line = displayWidth(line) + 2 > column || column + 20 > width;
  const size_t indent = column + 20 > width ? 6 : column;
  if (own_line) {
    out += line + '\n';
    line.clear();
  }
  bool first = !own_line;
  for (const std::string& piece : wrapped(right, width - indent)) {
    out += (first ? padded(line, indent) : std::string(indent, ' ')) + piece + '\n';
    first = false;
  }
}

std::string optionText(const Option& option) {
  return fmt::format("{}--{}{}", option.letter ? fmt::format("-{}, ", option.letter) : "",
                     option.name, option.value.empty() ? "" : fmt::format(" {}", option.value));
}

void addOptions(std::string& out, std::span<const Option> options, size_t width) {
  for (const Option& option : options) {
    std::string help(option.help);
    if (!option.choices.empty() && !option.choices.starts_with('@'))
      help += " (" + std::string(option.choices) + ")";
    addPair(out, optionText(option), help, 26, width);
  }
}

void addParagraph(std::string& out, std::string_view text, size_t width) {
  for (const std::string& line : wrapped(text, width)) out += line + '\n';
}

}  // namespace

std::string helpOverview(std::string_view group, size_t width, const std::vector<Command>& table) {
  width = usable(width);
  std::string out;
  if (group == "exit-codes") {
    out = "Exit codes\n";
    for (const ExitCode& code : exitCodes())
      addPair(out, std::to_string(code.code), code.meaning, 8, width);
    return out;
  }
  if (group.empty()) {
    addParagraph(out, "omniroute - many accounts behind one address, from the command line", width);
    out += '\n';
    addParagraph(out, "Usage: omniroute <command> [options]", width);
    out += "\nCommands\n";
  } else {
    addParagraph(out, fmt::format("Usage: omniroute {} <command> [options]", group), width);
    out += "\nCommands\n";
  }
  for (const Command& command : table) {
    const auto path = words(command.path);
    if (!group.empty() && path[0] != group) continue;
    // Everything below a group is shown with it, one line each, when the group is asked for.
    if (group.empty() && path.size() > 1 && path[0] != "login") {
      const bool first = &command == &*std::ranges::find_if(table, [&](const Command& other) {
        return words(other.path)[0] == path[0];
      });
      if (!first) continue;
      std::string names;
      for (const Command& other : table)
        if (const auto sub = words(other.path); sub.size() > 1 && sub[0] == path[0])
          names += (names.empty() ? "" : ", ") + sub[1];
      addPair(out, path[0] + " ...", names, 26, width);
      continue;
    }
    addPair(out,
            std::string(command.path) + (command.arguments.empty() ? "" : " ") +
                std::string(command.arguments),
            command.summary, 26, width);
  }
  out += "\nOptions of every command\n";
  addOptions(out, globalOptions(), width);
  out += '\n';
  addParagraph(
      out, "More: omniroute help <command>, omniroute help exit-codes, omniroute man | man -l -",
      width);
  return out;
}

std::string helpFor(const Command& command, size_t width) {
  width = usable(width);
  std::string out;
  addParagraph(out, command.summary, width);
  out += '\n';
  addParagraph(
      out,
      fmt::format("Usage: omniroute {}{}{}{}", command.path, command.arguments.empty() ? "" : " ",
                  command.arguments, command.options.empty() ? "" : " [options]"),
      width);
  if (!command.details.empty()) {
    out += '\n';
    addParagraph(out, command.details, width);
  }
  if (!command.options.empty()) {
    out += "\nOptions\n";
    addOptions(out, command.options, width);
  }
  out += "\nOptions of every command\n";
  addOptions(out, globalOptions(), width);
  if (!command.examples.empty()) {
    out += "\nExamples\n";
    for (std::string_view example : command.examples) out += fmt::format("  {}\n", example);
  }
  return out;
}

}  // namespace omni::cli
