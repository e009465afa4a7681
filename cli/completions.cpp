// Completions: each shell asks the program itself what may come next ("omniroute __complete
// WORD..."), so that accounts and combos of the running service complete too; the words of the
// table are answered without the service.
#include <fmt/format.h>

#include "cli/help.hpp"

namespace omni::cli {
namespace {

constexpr std::string_view kBash =
    R"(# bash completion of omniroute; put it into ~/.local/share/bash-completion/completions/omniroute
_omniroute() {
  local cur="${COMP_WORDS[COMP_CWORD]}" line
  COMPREPLY=()
  while IFS=$'\t' read -r line _; do
    printf -v line '%q' "$line"
    COMPREPLY+=("$line")
  done < <(omniroute __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  if [ ${#COMPREPLY[@]} -eq 0 ]; then
    compopt -o default 2>/dev/null
  fi
}
complete -F _omniroute omniroute
)";

constexpr std::string_view kZsh = R"(#compdef omniroute
# zsh completion of omniroute; put it into a folder of $fpath as _omniroute
_omniroute() {
  local -a found
  local value help
  while IFS=$'\t' read -r value help; do
    found+=("${value//:/\\:}${help:+:$help}")
  done < <(omniroute __complete "${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( ${#found} )); then
    _describe omniroute found
  else
    _files
  fi
}
if [ "$funcstack[1]" = "_omniroute" ]; then
  _omniroute "$@"
else
  compdef _omniroute omniroute
fi
)";

constexpr std::string_view kFish =
    R"(# fish completion of omniroute; put it into ~/.config/fish/completions/omniroute.fish
function __omniroute_complete
    set -l words (commandline -opc) (commandline -ct)
    omniroute __complete $words[2..-1] 2>/dev/null
end
complete -c omniroute -f -a '(__omniroute_complete)'
)";

constexpr std::string_view kPowerShell = R"(# PowerShell completion of omniroute; add it to $PROFILE
Register-ArgumentCompleter -Native -CommandName omniroute -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $words = @($commandAst.CommandElements | Select-Object -Skip 1 | ForEach-Object { $_.ToString() })
  if ($wordToComplete -eq '') { $words += '""' }
  omniroute __complete @words 2>$null | ForEach-Object {
    $value, $help = $_ -split "`t", 2
    if (-not $help) { $help = $value }
    [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $help)
  }
}
)";

// One line a command, so that a completion works by the eye too where the program itself is not in
// the path.
std::string listing(const std::vector<Command>& table) {
  std::string out = "# Commands:\n";
  for (const Command& command : table)
    out += fmt::format("#   {} {}\n", command.path, command.arguments);
  return out;
}

}  // namespace

std::string completionScript(std::string_view shell, const std::vector<Command>& table) {
  const std::string_view script = shell == "bash"         ? kBash
                                  : shell == "zsh"        ? kZsh
                                  : shell == "fish"       ? kFish
                                  : shell == "powershell" ? kPowerShell
                                                          : std::string_view();
  return script.empty() ? std::string() : std::string(script) + listing(table);
}

}  // namespace omni::cli
