#!/usr/bin/env python3
"""Checks who includes and links whom, as ARCHITECTURE says. Usage: check_layers.py [ROOT]

Before it judges ROOT, it judges a small tree of its own with one violation of each kind, so that a check that has stopped
seeing anything fails too. Exit status 1 when there is a violation, 2 when the check itself is broken."""
import os
import re
import sys
import tempfile

SOURCES = (".h", ".hpp", ".c", ".cc", ".cpp", ".inl", ".in.hpp")
SIBLINGS = ("admin", "config", "http", "platform", "plugins", "secrets", "storage", "telemetry", "upstream")
PROJECT_DIRS = ("sdk", "core", "service", "plugins", "simulator", "cli", "tests", "dashboard")

# C headers that C++ has too; the C++ ones have neither dot nor slash.
C_HEADERS = set("assert ctype errno float inttypes limits locale math setjmp signal stdarg stdbool stddef stdint stdio "
                "stdlib string time wchar wctype".split())

INCLUDE = re.compile(r'^[ \t]*#[ \t]*(?:include|include_next|import)[ \t]*(?:"([^"]+)"|<([^>]+)>|(\S+))', re.M)
COMMENT = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
# What core must be handed through a port.
CORE_CALLS = re.compile(r'\b(?:system_clock|steady_clock|high_resolution_clock)\s*::\s*now\b|\brandom_device\b|'
                        r'\bgetenv\s*\(|\bdlopen\s*\(|\bsleep_for\b')


def is_standard(header):
    if header.endswith(".h"):
        return header[:-2] in C_HEADERS
    return "." not in header and "/" not in header


class Rule:
    """`project`: prefixes of project files that may be included. `libraries`: prefixes of others; None: any."""

    def __init__(self, name, project, libraries=None, links=(), core_calls=True):
        self.name, self.project, self.libraries = name, project, libraries
        self.links, self.core_calls = links, core_calls


def rule_for(path):
    """The rule of a file, by its path below the root; None: unchecked."""
    parts = path.split("/")
    top = parts[0]
    if top == "sdk":
        if parts[1] == "check":  # a program that runs plugins, not something a plugin sees
            return Rule("sdk/check", ("sdk/",), None)
        return Rule("sdk", ("sdk/",), ())
    if top == "core":
        return Rule("core", ("core/",), ("boost/json", "boost/system/", "fmt/"), ("omni_core",), core_calls=False)
    if top == "plugins" and len(parts) > 2:
        return Rule(f"plugins/{parts[1]}", ("sdk/include/", f"plugins/{parts[1]}/"), None)
    if top == "simulator":
        return Rule("simulator", ("simulator/",), None)
    if top == "cli":
        # It runs plugins' optional abilities in the user's own context, so it sees the ABI, and no more of the service.
        return Rule("cli", ("cli/", "core/", "sdk/include/"), None, ("omni_core",))
    if top == "service" and len(parts) > 2:
        folder = parts[1]
        if folder == "app":
            return Rule("service/app", ("service/", "core/", "dashboard/assets.hpp"), None,
                        ("omni_core", "omni_app", "omni_dashboard") + tuple(f"omni_{s}" for s in SIBLINGS))
        # platform is what the operating systems do differently: below its siblings, above nothing.
        project, libraries = ("core/", f"service/{folder}/", "service/platform/"), None
        if folder == "plugins":
            project += ("sdk/include/",)
        if folder == "admin":
            project, libraries = project + ("service/http/route.hpp",), ("boost/json", "boost/system/", "fmt/")
        return Rule(f"service/{folder}", project, libraries, ("omni_core", "omni_platform", f"omni_{folder}"))
    if top == "service":
        return Rule("service", ("service/", "core/"), None, ("omni_core", "omni_app") + tuple(f"omni_{s}" for s in SIBLINGS))
    return None


def without_comments(text):
    """Blanks comments, keeps strings and line numbers."""
    def blank(match):
        found = match.group(0)
        return re.sub(r"[^\n]", " ", found) if found.startswith("/") else found
    return COMMENT.sub(blank, text)


def resolve(root, path, header):
    """The project file that an include means, below the root; None: it is a library's or the standard's."""
    beside = os.path.normpath(os.path.join(os.path.dirname(path), header)).replace(os.sep, "/")
    if os.path.isfile(os.path.join(root, beside)) or header.startswith("."):
        return beside
    if header.startswith("omniroute/"):
        return "sdk/include/" + header
    if header.split("/")[0] in PROJECT_DIRS:
        return os.path.normpath(header).replace(os.sep, "/")
    return None


def check_source(root, path, rule):
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
        text = without_comments(file.read())
    for match in INCLUDE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        quoted, angled, macro = match.groups()
        header = quoted or angled
        where = f"{path}:{line}: "
        if macro:
            yield where + f"{rule.name} must not include through a macro ({macro}): the check cannot follow it"
            continue
        target = resolve(root, path, header)
        if target is not None:
            if not any(target == p or (p.endswith("/") and target.startswith(p)) for p in rule.project):
                yield where + f"{rule.name} must not include {target}; it may include {', '.join(rule.project)}"
        elif not is_standard(header) and rule.libraries is not None \
                and not any(header.startswith(p) for p in rule.libraries):
            allowed = ", ".join(("standard headers",) + rule.libraries)
            yield where + f"{rule.name} must not include <{header}>; it may include {allowed}"
    if not rule.core_calls:
        for match in CORE_CALLS.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            yield f"{path}:{line}: {rule.name} must not call {match.group(0).strip('( ')}: it gets that through core/ports"


def check_links(root, path, rule):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        text = re.sub(r"#[^\n]*", "", file.read())
    libraries = "|".join(("core", "app") + SIBLINGS)
    for match in re.finditer(rf"\bomni_({libraries})\b", text):
        if match.group(0) not in rule.links:
            line = text.count("\n", 0, match.start()) + 1
            yield f"{path}:{line}: {rule.name} must not link {match.group(0)}"


def check(root):
    """(violations, number of source files seen)"""
    violations, seen = [], 0
    for top in ("sdk", "core", "service", "plugins", "simulator", "cli"):
        for folder, folders, files in os.walk(os.path.join(root, top)):
            folders[:] = sorted(f for f in folders if f not in ("build", "node_modules", "third_party"))
            for name in sorted(files):
                path = os.path.relpath(os.path.join(folder, name), root).replace(os.sep, "/")
                rule = rule_for(path)
                if rule is None:
                    continue
                if name.endswith(SOURCES):
                    seen += 1
                    violations += check_source(root, path, rule)
                elif name == "CMakeLists.txt" and path != "service/CMakeLists.txt":
                    violations += check_links(root, path, rule)
    return violations, seen


# path -> (content, how many violations are in it)
SEEDS = {
    "sdk/include/omniroute/abi.h": ("#include <stdint.h>\n#include <string_view>\n", 0),
    "sdk/include/omniroute/bad.hpp": ('#include <fmt/format.h>\n#include "core/ports/clock.hpp"\n', 2),
    "sdk/check/child.cpp": ('#include <unistd.h>\n#include "omniroute/abi.h"\n#include "service/plugins/loader.hpp"\n', 1),
    "core/ports/clock.hpp": ("#include <cstdint>\n#include <boost/json.hpp>\n#include <fmt/format.h>\n", 0),
    "core/a/comment.cpp": ('// #include "service/http/server.hpp"\n/*\n#include <Poco/URI.h>\n*/\nauto s = "//";\n', 0),
    "core/a/socket.cpp": ("#include <sys/socket.h>\n#include <Poco/URI.h>\n#include <sqlite3.h>\n", 3),
    "core/a/up.cpp": ('#include "../../service/http/route.hpp"\n#include <omniroute/abi.h>\n', 2),
    "core/a/clock.cpp": ("#include <chrono>\nauto t = std::chrono::system_clock::now();\nstd::random_device d;\n", 2),
    "core/a/after_string.cpp": ('auto s = "/*";\n#include <Poco/URI.h>\nauto t = "*/";\n', 1),
    "core/a/macro.cpp": ("#define H <Poco/URI.h>\n#include H\n", 1),
    "core/CMakeLists.txt": ("target_link_libraries(omni_core PRIVATE omni_http)\n", 1),
    "service/http/route.hpp": ('#include "core/ports/clock.hpp"\n', 0),
    "service/http/server.hpp": ('#include "route.hpp"\n#include <Poco/URI.h>\n', 0),
    "service/http/bad.cpp": ('#include "service/storage/db.hpp"\n#  include "omniroute/abi.h"\n', 2),
    "service/admin/good.cpp": ('#include "service/http/route.hpp"\n#include "core/ports/clock.hpp"\n', 0),
    "service/admin/bad.cpp": ('#include "service/http/server.hpp"\n#include <Poco/URI.h>\n', 2),
    "service/admin/CMakeLists.txt": ("# omni_storage\nomni_add_library(omni_admin PUBLIC omni_core omni_http)\n", 1),
    "service/storage/db.hpp": ('#include <sqlite3.h>\n#include "service/app/gateway.hpp"\n', 1),
    "service/plugins/loader.cpp": ('#include "omniroute/abi.h"\n#include "core/ports/clock.hpp"\n', 0),
    "service/plugins/bad.cpp": ('#include "plugins/kiro/kiro.hpp"\n', 1),
    "service/app/gateway.hpp": ('#include "service/storage/db.hpp"\n#include "core/ports/clock.hpp"\n', 0),
    "service/app/CMakeLists.txt": ("omni_add_library(omni_app PUBLIC omni_http omni_storage)\n", 0),
    "service/app/bad.cpp": ('#include "omniroute/abi.h"\n#include "simulator/sim.hpp"\n', 2),
    "plugins/kiro/kiro.hpp": ('#include "omniroute/abi.h"\n#include "plugins/kiro/wire.hpp"\n#include <boost/json.hpp>\n', 0),
    "plugins/kiro/bad.cpp": ('#include "core/ports/clock.hpp"\n#include "plugins/echo/echo.hpp"\n#include "../echo/x.hpp"\n', 3),
    "cli/good.cpp": ('#include "cli/api.hpp"\n#include "core/base/error.hpp"\n#include <omniroute/abi.h>\n#include <Poco/URI.h>\n', 0),
    "cli/bad.cpp": ('#include "service/http/route.hpp"\n#include "plugins/kiro/kiro.hpp"\n', 2),
    "simulator/sim.hpp": ('#include "simulator/wire.hpp"\n#include <Poco/URI.h>\n', 0),
    "simulator/bad.cpp": ('#include "plugins/kiro/kiro.hpp"\n#include "core/ports/clock.hpp"\n', 2),
}


def self_test():
    """What is wrong with the check itself; empty: nothing."""
    with tempfile.TemporaryDirectory() as root:
        for path, (content, _) in SEEDS.items():
            os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                file.write(content)
        violations, _ = check(root)
    problems = []
    for path, (_, wanted) in SEEDS.items():
        found = [v for v in violations if v.startswith(path + ":")]
        if len(found) != wanted:
            problems.append(f"self-test: {path} has {wanted} seeded violations, found {len(found)}: {found}")
    return problems


def main(arguments):
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    root = os.path.abspath(arguments[0]) if arguments else here
    problems = self_test()
    if problems:
        print("\n".join(problems), file=sys.stderr)
        return 2
    violations, seen = check(root)
    if seen == 0:
        print(f"no source file under {root}: wrong folder?", file=sys.stderr)
        return 2
    print("\n".join(violations) if violations else f"layers: {seen} files, none includes what it must not")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
