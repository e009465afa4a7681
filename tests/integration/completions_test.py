"""The completions, each in its own shell as a person uses it: Tab in a terminal. A shell that is not installed is skipped, and said."""
import os
import re
import shutil
import subprocess
import sys

from harness import BUILD, wait_for
from terminal import Terminal
import cli_test


class Shells(cli_test.Cli):
    def setUp(self):
        super().setUp()
        self.two_accounts()
        renamed = self.gateway.call("PATCH", f"/api/providers/{self.pro_id}", {"name": "my own: account"})
        self.assertEqual(renamed.status, 200, renamed)
        self.env["PATH"] = os.path.join(BUILD, "bin") + ":" + self.env["PATH"]

    def shell(self, name):
        found = shutil.which(name)
        if not found:
            print(f"*** {name} is not installed: its completion was NOT tried ***", file=sys.stderr)
            self.skipTest(f"{name} is not installed")
        return found

    def script(self, shell, *place):
        file = os.path.join(self.home, *place)
        os.makedirs(os.path.dirname(file), exist_ok=True)
        with open(file, "w") as out:
            out.write(self.run_piped("completion", shell))
        return file

    def interactive(self, program, *arguments):
        terminal = Terminal(self.env, *arguments, program=program, width=120)
        self.addCleanup(lambda: terminal.code is None and (terminal.send("\x15\nexit\n"), terminal.finish()))
        terminal.expect("READY> ")
        return terminal

    def tab(self, terminal, line, *seen):
        terminal.raw = ""
        terminal.send(line + "\t")
        for pattern in seen:
            # Not terminal.text, which drops what a shell draws over: a list of choices stands below the line that is edited.
            wait_for(lambda: terminal.more() and re.search(pattern, terminal.everything), what=f"{pattern} in {terminal.raw!r}")
        terminal.send("\x15")

    def test_bash(self):
        script = self.script("bash", "completion.bash")
        rc = os.path.join(self.home, "rc")
        with open(rc, "w") as out:
            out.write(f"PS1='READY> '\nbind 'set show-all-if-ambiguous on'\nbind 'set bell-style none'\nsource {script}\n")
        terminal = self.interactive(self.shell("bash"), "--noprofile", "--rcfile", rc, "-i")
        self.tab(terminal, "omniroute pro", r"(?s)providers.*proxies")
        self.tab(terminal, "omniroute web", r"omniroute webhooks ")
        self.tab(terminal, "omniroute providers show kiro", r"show kiro-dev ")
        self.tab(terminal, "omniroute providers show my", r"show my\\ own:\\ account ")
        self.tab(terminal, "omniroute logs --clear", r"--clear-content ")

    def test_zsh(self):
        self.script("zsh", "functions", "_omniroute")
        with open(os.path.join(self.home, ".zshrc"), "w") as out:
            out.write("fpath=($HOME/functions $fpath)\nautoload -Uz compinit\ncompinit -u -D\nPS1='READY> '\nunsetopt beep zle_bracketed_paste\n")
        self.env["ZDOTDIR"] = self.home
        terminal = self.interactive(self.shell("zsh"), "-d", "-i")
        self.tab(terminal, "omniroute pro", r"providers +proxies")
        self.tab(terminal, "omniroute web", r"omniroute webhooks ")
        self.tab(terminal, "omniroute webhooks ", r"(?s)deliveries.*-- What was sent to it last")
        self.tab(terminal, "omniroute providers show kiro", r"show kiro-dev ")
        self.tab(terminal, "omniroute providers show my", r"show my\\ own:\\ account ")
        self.tab(terminal, "omniroute logs --clear", r"--clear-content ")

    def test_zsh_sourced(self):
        script = self.script("zsh", "omniroute.zsh")
        with open(os.path.join(self.home, ".zshrc"), "w") as out:
            out.write(f"autoload -Uz compinit\ncompinit -u -D\nsource {script}\nPS1='READY> '\nunsetopt beep zle_bracketed_paste\n")
        self.env["ZDOTDIR"] = self.home
        terminal = self.interactive(self.shell("zsh"), "-d", "-i")
        self.tab(terminal, "omniroute web", r"omniroute webhooks ")

    def fish(self, line):
        done = subprocess.run([self.shell("fish"), "-c", "complete -C $argv[1]", line], env=self.env, capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return dict(one.split("\t", 1) if "\t" in one else (one, "") for one in done.stdout.splitlines())

    def test_fish(self):
        self.script("fish", ".config", "fish", "completions", "omniroute.fish")
        self.assertEqual(set(self.fish("omniroute pro")), {"providers", "proxies"})
        self.assertEqual(set(self.fish("omniroute webhooks ")), {"list", "add", "test", "deliveries", "enable", "disable", "remove"})
        self.assertIn("What was sent", self.fish("omniroute webhooks d")["deliveries"])
        self.assertEqual(set(self.fish("omniroute providers show ")), {"kiro-dev", "my own: account"})
        self.assertEqual(set(self.fish("omniroute logs --clear")), {"--clear-content"})
        self.assertEqual(set(self.fish("omniroute completion f")), {"fish"})
        self.assertEqual(set(self.fish("omniroute combos edit x --strategy r")), {"round-robin", "reset-soonest"})

    def test_powershell(self):
        self.script("powershell", "omniroute.ps1")
        script = (". ~/omniroute.ps1; (TabExpansion2 -inputScript 'omniroute pro' -cursorColumn 13).CompletionMatches"
                  " | ForEach-Object { $_.CompletionText }")
        done = subprocess.run([self.shell("pwsh"), "-NoProfile", "-Command", script], env=self.env, capture_output=True, text=True, timeout=90)
        self.assertEqual(sorted(done.stdout.split()), ["providers", "proxies"], done.stderr)
