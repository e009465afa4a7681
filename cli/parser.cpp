#include "cli/parser.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "cli/text.hpp"

namespace omni::cli {
namespace {

std::string quoted(std::string_view text) {
  return "\"" + clipped(safe(text), 60) + "\"";
}

const Option* optionNamed(std::span<const Option> options, std::string_view name) {
  for (const Option& option : options)
    if (option.name == name) return &option;
  return nullptr;
}
const Option* optionLettered(std::span<const Option> options, char letter) {
  for (const Option& option : options)
    if (option.letter == letter && letter) return &option;
  return nullptr;
}

// The longest path that the words begin with; how many words it took.
const Command* match(const std::vector<std::string>& given, const std::vector<Command>& table,
                     size_t& taken) {
  const Command* found = nullptr;
  taken = 0;
  for (const Command& command : table) {
    const auto path = words(command.path);
    if (path.size() <= given.size() && path.size() > taken &&
        std::equal(path.begin(), path.end(), given.begin())) {
      found = &command;
      taken = path.size();
    }
  }
  return found;
}

bool isGroup(std::string_view word, const std::vector<Command>& table) {
  return std::ranges::any_of(table, [&](const Command& command) {
    const auto path = words(command.path);
    return path.size() > 1 && path[0] == word;
  });
}

std::string unknownCommand(const std::vector<std::string>& given,
                           const std::vector<Command>& table) {
  const bool group = isGroup(given[0], table);
  if (group && given.size() == 1) return {};
  std::set<std::string> known;
  for (const Command& command : table) {
    const auto path = words(command.path);
    if (!group)
      known.insert(path[0]);
    else if (path.size() > 1 && path[0] == given[0])
      known.insert(path[1]);
  }
  const std::string& wrong = group ? given[1] : given[0];
  const std::string near = nearest(wrong, {known.begin(), known.end()});
  std::string message =
      fmt::format("there is no command {}", quoted(group ? given[0] + " " + wrong : wrong));
  if (!near.empty())
    message += fmt::format("; did you mean \"omniroute {}{}\"?", group ? given[0] + " " : "", near);
  else
    message += fmt::format("; \"omniroute help{}\" lists them", group ? " " + given[0] : "");
  return message;
}

std::expected<void, std::string> store(const Option& option, std::string value, Invocation& into) {
  if (!option.choices.empty() && !option.choices.starts_with('@')) {
    std::vector<std::string> known;
    for (size_t at = 0; at <= option.choices.size();) {
      const auto end = std::min(option.choices.find('|', at), option.choices.size());
      known.emplace_back(option.choices.substr(at, end - at));
      at = end + 1;
    }
    if (std::ranges::find(known, value) == known.end()) {
      const std::string near = nearest(value, known);
      return std::unexpected(fmt::format("--{} cannot be {}; {}", option.name, quoted(value),
                                         near.empty()
                                             ? "it is one of " + std::string(option.choices)
                                             : "did you mean " + near + "?"));
    }
  }
  into.options[std::string(option.name)] = std::move(value);
  return {};
}

std::expected<void, std::string> checkCount(const Command& command, const Invocation& in) {
  size_t most = 0;
  for (const std::string& part : words(command.arguments)) {
    const bool many = part.contains("...");
    most = many ? 1000 : most + 1;
  }
  size_t index = 0;
  for (const std::string& part : words(command.arguments)) {
    if (index++ == in.arguments.size() && part[0] == '<')
      return std::unexpected(fmt::format("{} is missing; usage: omniroute {} {}", part,
                                         command.path, command.arguments));
  }
  if (in.arguments.size() > most)
    return std::unexpected(fmt::format("{} is one argument too many; usage: omniroute {}{}{}",
                                       quoted(in.arguments[most]), command.path,
                                       command.arguments.empty() ? "" : " ", command.arguments));
  return {};
}

}  // namespace

std::vector<std::string> words(std::string_view path) {
  std::vector<std::string> out;
  for (size_t at = 0; at < path.size();) {
    const auto end = std::min(path.find(' ', at), path.size());
    if (end > at) out.emplace_back(path.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

std::expected<Parsed, std::string> parse(const std::vector<std::string>& arguments,
                                         const std::vector<Command>& table) {
  Parsed out;
  // Words and options may be mixed; which options there are depends on the command, so the words
  // come first.
  std::vector<std::string> plain;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& one = arguments[i];
    if (one == "--") break;
    if (one.starts_with('-') && one.size() > 1) {
      const std::string name = one.starts_with("--") ? one.substr(2, one.find('=') - 2) : "";
      const Option* global = name.empty() ? optionLettered(globalOptions(), one[1])
                                          : optionNamed(globalOptions(), name);
      if (global && !global->value.empty() && !one.contains('=')) ++i;
      if (global) continue;
      size_t taken = 0;
      if (!plain.empty() && match(plain, table, taken)) break;
      for (const Command& command : table) {
        const Option* own = name.empty() ? optionLettered(command.options, one[1])
                                         : optionNamed(command.options, name);
        if (!own) continue;
        if (!own->value.empty() && !one.contains('=')) ++i;
        break;
      }
      continue;
    }
    plain.push_back(one);
    if (plain.size() == 3) break;
  }
  if (!plain.empty() && plain[0] == "help") {
    out.help = true;
    for (size_t i = 1; i < plain.size(); ++i) out.group += (i > 1 ? " " : "") + plain[i];
    size_t taken = 0;
    if (plain.size() > 1) out.command = match({plain.begin() + 1, plain.end()}, table, taken);
    if (plain.size() > 1 && !out.command && !isGroup(plain[1], table) && out.group != "exit-codes")
      return std::unexpected(unknownCommand({plain.begin() + 1, plain.end()}, table));
    return out;
  }
  size_t taken = 0;
  out.command = match(plain, table, taken);
  const std::vector<std::string> path =
      out.command ? words(out.command->path) : std::vector<std::string>();

  bool only_arguments = false;
  size_t path_seen = 0;
  const std::span<const Option> own =
      out.command ? std::span<const Option>(out.command->options) : std::span<const Option>();
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& one = arguments[i];
    if (only_arguments || !one.starts_with('-') || one.size() == 1) {
      if (path_seen < path.size() && one == path[path_seen])
        ++path_seen;
      else
        out.invocation.arguments.push_back(one);
      continue;
    }
    if (one == "--") {
      only_arguments = true;
      continue;
    }
    const bool longer = one.starts_with("--");
    const auto equals = longer ? one.find('=') : one.npos;
    const std::string name =
        longer ? one.substr(2, equals == one.npos ? one.npos : equals - 2) : one.substr(1, 1);
    if (name == "help" || one == "-h") {
      out.help = true;
      continue;
    }
    if (name == "version" && !out.command) {
      out.version = true;
      continue;
    }
    const Option* option = longer ? optionNamed(own, name) : optionLettered(own, one[1]);
    if (!option)
      option =
          longer ? optionNamed(globalOptions(), name) : optionLettered(globalOptions(), one[1]);
    if (!option || (!longer && one.size() > 2 && option->value.empty())) {
      std::vector<std::string> known{"help"};
      for (const Option& other : own) known.emplace_back(other.name);
      for (const Option& other : globalOptions()) known.emplace_back(other.name);
      const std::string near = longer ? nearest(name, known) : std::string();
      // Its value is not repeated: somebody may have put a secret there.
      std::string message =
          fmt::format("there is no option {}", quoted(longer ? "--" + name : one.substr(0, 2)));
      if (out.command) message += fmt::format(" of \"omniroute {}\"", out.command->path);
      if (name == "token" || name == "api-key" || name == "key" || name == "password")
        message +=
            "; secrets are read from standard input or asked for, because arguments are visible to "
            "other users";
      else if (!near.empty())
        message += fmt::format("; did you mean --{}?", near);
      return std::unexpected(message);
    }
    std::string value = "yes";
    if (option->value.empty()) {
      if (equals != one.npos)
        return std::unexpected(fmt::format("--{} takes no value", option->name));
    } else if (equals != one.npos) {
      value = one.substr(equals + 1);
    } else if (!longer && one.size() > 2) {
      value = one.substr(2);
    } else if (i + 1 < arguments.size()) {
      value = arguments[++i];
    } else {
      return std::unexpected(
          fmt::format("--{} needs a value: --{}={}", option->name, option->name, option->value));
    }
    if (auto stored = store(*option, std::move(value), out.invocation); !stored)
      return std::unexpected(stored.error());
  }
  if (out.version) return out;
  if (!out.command) {
    if (plain.empty()) {
      out.help = true;
      return out;
    }
    out.group = plain[0];
    if (const std::string wrong = unknownCommand(plain, table); !wrong.empty())
      return std::unexpected(wrong);
    out.help = true;  // a group alone: what there is in it
    return out;
  }
  if (!out.help)
    if (auto count = checkCount(*out.command, out.invocation); !count)
      return std::unexpected(count.error());
  return out;
}

}  // namespace omni::cli
