#include <fmt/format.h>

#include "cli/help.hpp"

namespace omni::cli {
namespace {

// Backslashes, hyphens that must stay hyphens, and dots or quotes at the start of a line.
std::string troff(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n'))
      out.append("\\&").push_back(c);
    else
      out += c;
  }
  return out;
}

void addOptions(std::string& out, std::span<const Option> options) {
  for (const Option& option : options) {
    out += ".TP\n";
    if (option.letter) out += fmt::format("\\fB\\-{}\\fR, ", option.letter);
    out += fmt::format("\\fB\\-\\-{}\\fR", troff(option.name));
    if (!option.value.empty()) out += fmt::format(" \\fI{}\\fR", troff(option.value));
    out += '\n' + troff(option.help);
    if (!option.choices.empty() && !option.choices.starts_with('@'))
      out += " (" + troff(option.choices) + ")";
    out += '\n';
  }
}

}  // namespace

std::string manPage(const std::vector<Command>& table) {
  std::string out = fmt::format(
      ".TH OMNIROUTE 1 \"\" \"omniroute {}\" \"User Commands\"\n.SH NAME\nomniroute \\- command "
      "line of the OmniRoute "
      "service\n.SH SYNOPSIS\n.B omniroute\n.I command\n.RI [ options ]\n.SH "
      "DESCRIPTION\nAdministers a running "
      "omnirouted over its HTTP API: accounts, combos, keys, proxies, and the settings of clients. "
      "Secrets are read from "
      "standard input or asked for without echo, never taken from arguments.\n.SH OPTIONS OF EVERY "
      "COMMAND\n",
      OMNI_VERSION);
  addOptions(out, globalOptions());
  out += ".SH COMMANDS\n";
  for (const Command& command : table) {
    out += fmt::format(".SS \"omniroute {}{}{}\"\n{}\n", troff(command.path),
                       command.arguments.empty() ? "" : " ", troff(command.arguments),
                       troff(command.summary));
    if (!command.details.empty()) out += ".PP\n" + troff(command.details) + '\n';
    addOptions(out, command.options);
    for (std::string_view example : command.examples)
      out += fmt::format(".PP\n.nf\n    {}\n.fi\n", troff(example));
  }
  out += ".SH EXIT STATUS\n";
  for (const ExitCode& code : exitCodes())
    out += fmt::format(".TP\n.B {}\n{}\n", code.code, troff(code.meaning));
  out +=
      ".SH ENVIRONMENT\n.TP\n.B OMNIROUTE_URL\nAddress of the service; http://127.0.0.1:20128 "
      "without it.\n.TP\n.B "
      "OMNIROUTE_API_KEY\nKey for a service that asks for one.\n.TP\n.B "
      "OMNIROUTE_PLUGINS_DIR\nFolder of the plugins that "
      "\\fBomniroute import\\fR loads.\n.TP\n.B NO_COLOR\nWhen set, nothing is coloured.\n.SH "
      "FILES\n.TP\n.I "
      "~/.config/omniroute/key\nKey that is used without OMNIROUTE_API_KEY and \\-\\-key\\-file; "
      "must be readable by its "
      "owner only.\n.SH SEE ALSO\nomnirouted(8)\n";
  return out;
}

}  // namespace omni::cli
