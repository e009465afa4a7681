#include "cli/complete.hpp"

#include <algorithm>
#include <set>

namespace omni::cli {
namespace {

std::vector<std::string> choices(std::string_view list) {
  std::vector<std::string> out;
  for (size_t at = 0; at <= list.size() && !list.empty();) {
    const auto end = std::min(list.find('|', at), list.size());
    out.emplace_back(list.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

}  // namespace

std::vector<Candidate> complete(
    const std::vector<std::string>& typed,
    const std::function<std::vector<std::string>(std::string_view)>& dynamic,
    const std::vector<Command>& table) {
  std::string current = typed.empty() ? std::string() : typed.back();
  if (current == "\"\"") current.clear();  // how PowerShell hands over an empty word
  std::vector<std::string> before;
  std::vector<std::string> given = typed;
  if (!given.empty()) given.pop_back();
  std::string waiting;  // an option whose value is being typed
  for (const std::string& one : given) {
    if (!waiting.empty()) {
      waiting.clear();
      continue;
    }
    if (!one.starts_with('-')) {
      before.push_back(one);
      continue;
    }
    waiting = one.contains('=') ? std::string() : one;
    // Only known options with a value wait; all others are switches.
    const auto takes = [&](std::span<const Option> options) {
      return std::ranges::any_of(options, [&](const Option& option) {
        return !option.value.empty() && (one == "--" + std::string(option.name) ||
                                         (option.letter && one == std::string{'-', option.letter}));
      });
    };
    bool found = takes(globalOptions());
    for (const Command& command : table) found = found || takes(command.options);
    if (!found) waiting.clear();
  }
  const bool help = !before.empty() && before[0] == "help";
  if (help) before.erase(before.begin());
  const Command* command = nullptr;
  size_t taken = 0;
  for (const Command& one : table) {
    const auto path = words(one.path);
    if (path.size() <= before.size() && path.size() > taken &&
        std::equal(path.begin(), path.end(), before.begin())) {
      command = &one;
      taken = path.size();
    }
  }
  std::vector<Candidate> out;
  const auto offer = [&](std::string value, std::string_view text) {
    if (value.starts_with(current) &&
        std::ranges::none_of(out, [&](const Candidate& c) { return c.value == value; }))
      out.push_back({std::move(value), std::string(text)});
  };
  const auto everyOption = [&](auto&& use) {
    if (command)
      for (const Option& option : command->options) use(option);
    for (const Option& option : globalOptions()) use(option);
  };
  if (!waiting.empty()) {
    everyOption([&](const Option& option) {
      if (waiting == "--" + std::string(option.name) ||
          (option.letter && waiting == std::string{'-', option.letter})) {
        if (option.choices.starts_with('@'))
          for (std::string& value : dynamic(option.choices)) offer(std::move(value), "");
        else
          for (std::string& value : choices(option.choices)) offer(std::move(value), "");
      }
    });
    return out;
  }
  if (current.starts_with('-')) {
    everyOption([&](const Option& option) { offer("--" + std::string(option.name), option.help); });
    offer("--help", "Show help.");
    return out;
  }
  for (const Command& one : table) {
    const auto path = words(one.path);
    if (path.size() > before.size() && std::equal(before.begin(), before.end(), path.begin()))
      offer(path[before.size()], path.size() == before.size() + 1 ? one.summary : "");
  }
  if (before.empty() && !help) offer("help", "Show help.");
  if (command && !command->complete.empty() && !help) {
    if (command->complete.starts_with('@'))
      for (std::string& value : dynamic(command->complete)) offer(std::move(value), "");
    else if (before.size() == taken)
      for (std::string& value : choices(command->complete)) offer(std::move(value), "");
  }
  return out;
}

}  // namespace omni::cli
