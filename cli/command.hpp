#pragma once
// The commands as data: parser, help, completions and man pages are made from this one table.

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/api.hpp"
#include "cli/terminal.hpp"

namespace omni::cli {

struct Option {
  std::string_view name;   // without the dashes
  std::string_view value;  // what its value is called, e.g. "NAME"; empty: a switch
  std::string_view help;
  std::string_view choices = {};  // "a|b|c"; "@accounts" and the like complete only; empty: any
  char letter = 0;                // short form; 0: none
};

// One given command line, checked against the table.
struct Invocation {
  std::vector<std::string> arguments;
  std::map<std::string, std::string, std::less<>> options;  // a switch has the value "yes"
  bool has(std::string_view name) const { return options.contains(name); }
  std::string get(std::string_view name, std::string_view fallback = {}) const {
    const auto found = options.find(name);
    return found == options.end() ? std::string(fallback) : found->second;
  }
  std::string argument(size_t index) const {
    return index < arguments.size() ? arguments[index] : std::string();
  }
};

struct Session {
  const Api& api;
  const Terminal& terminal;
  bool json;  // machine-readable output was asked for
  bool yes;   // ask nothing
};

struct Command {
  std::string_view path;       // "providers list"
  std::string_view arguments;  // "<account>", "[model] [text...]"; "..." takes several
  std::string_view summary;
  std::vector<Option> options;
  std::string_view details = {};
  std::vector<std::string_view> examples = {};
  int (*run)(const Session&, const Invocation&) = nullptr;
  // What an argument can be completed with: a list "a|b|c", or "@accounts", "@combos", "@models".
  std::string_view complete = {};
};

const std::vector<Command>& commandTable();
std::span<const Option> globalOptions();

struct ExitCode {
  int code;
  std::string_view meaning;
};
std::span<const ExitCode> exitCodes();

// How many words of "providers list" there are, and its first.
std::vector<std::string> words(std::string_view path);

}  // namespace omni::cli
