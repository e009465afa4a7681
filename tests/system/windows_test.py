"""The Windows programs under Wine; scripts/test-windows prepares what it needs. kiro-sim is the Linux program of OMNI_BUILD_DIR."""
import getpass
import glob
import gzip
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "integration"))
import harness  # noqa: E402

STAGE = os.environ["OMNI_WINDOWS_STAGE"]
MSI = os.environ.get("OMNI_WINDOWS_MSI", "")
NEXT_MSI = os.environ.get("OMNI_WINDOWS_NEXT_MSI", "")  # the same programs with a higher version
BAD_PLUGINS = os.environ["OMNI_WINDOWS_BAD_PLUGINS"]
UNITS = os.environ.get("OMNI_WINDOWS_UNITS", "").split()
DRIVE = os.path.join(os.environ["WINEPREFIX"], "drive_c")
PROGRAMS = os.path.join(DRIVE, "Program Files", "OmniRoute")
DATA = os.path.join(DRIVE, "ProgramData", "OmniRoute")
SERVICE = r"System\CurrentControlSet\Services\OmniRoute"
EVENTS = r"System\CurrentControlSet\Services\EventLog\Application\OmniRoute"
SYSTEM_ENVIRONMENT = r"System\CurrentControlSet\Control\Session Manager\Environment"


def windows_path(path):
    return "Z:" + os.path.abspath(path).replace("/", "\\")


def wine(*command, seconds=120, env=None):
    return subprocess.run(["wine", *command], stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds,
                          encoding="utf-8", errors="replace", env={**os.environ, **(env or {})})


def registry(key, value=None):
    """The text of a value, or of all values, of a registry key of the machine; empty: not there."""
    seen = wine("reg", "query", "HKLM\\" + key, *(["/v", value] if value else []))
    return seen.stdout if seen.returncode == 0 else ""


def program(name):
    return os.path.join(STAGE, name)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class WineGateway(harness.Gateway):
    def command(self, ready):
        command = super().command(windows_path(os.path.normpath(ready)))
        paths = {"data.dir": self.data_dir, "plugins.dir": self.plugins, "log.file": self.log_path}
        for i, word in enumerate(command):
            key = word.split("=")[0]
            if key in paths:
                command[i] = f"{key}={windows_path(paths[key])}"
        return ["wine", program("omnirouted.exe"), *command[1:]]

    def stop(self, how=signal.SIGINT):  # Wine makes Ctrl+C of it
        return super().stop(how)


class Console(unittest.TestCase):
    """On the console, with the data in a folder whose name has spaces and letters of several scripts."""

    def setUp(self):
        self.work = tempfile.mkdtemp(prefix="omni-wine-")
        self.addCleanup(shutil.rmtree, self.work, True)
        self.data = os.path.join(self.work, "Müller und Žák", "данные 数据")
        os.makedirs(self.data, 0o700)
        self.sim = harness.Simulator()
        self.addCleanup(self.sim.stop)
        self.gateway = WineGateway(self.sim, self.data, plugins=os.path.join(STAGE, "plugins"))
        self.addCleanup(self.gateway.stop)

    def test_demo(self):
        first, second = (self.sim.account(email=f"{name}@example.com") for name in ("dev", "pro"))
        first_id = self.gateway.import_account(first, "kiro-dev", region="eu-west-1")
        second_id = self.gateway.import_account(second, "kiro-pro")
        self.assertNotEqual(first_id, second_id)
        for connection in (first_id, second_id):
            answer = self.gateway.refresh(connection)
            self.assertEqual(answer.status, 200, answer)
        answer = self.gateway.post("/api/combos", {"name": "my-kiro", "strategy": "priority",
                                                   "models": ["kiro/kiro-dev", "kiro/kiro-pro"]})
        self.assertEqual(answer.status, 201, answer)
        answer = self.gateway.chat("my-kiro")
        self.assertEqual(answer.status, 200, answer)
        self.assertTrue(answer.json["choices"][0]["message"]["content"])
        answer = self.gateway.chat("my-kiro", stream=True)
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(harness.stream_events(answer.body)[-1], "[DONE]")
        self.assertTrue(harness.streamed_text(answer.body))
        # The second account is used when the first one cannot be.
        self.assertEqual(self.gateway.call("PATCH", f"/api/providers/{first_id}", {"isActive": False}).status, 200)
        self.assertEqual(self.gateway.chat("my-kiro").status, 200)
        # The key is sealed by the system, and the data are where they were asked for.
        with open(os.path.join(self.data, "master.key"), "rb") as key:
            self.assertEqual(key.read(8), b"OMNIKEY1")
        # An orderly end; a second process opens the same key and the same accounts.
        self.assertEqual(self.gateway.stop(), 0)
        self.gateway.start()
        self.assertEqual(self.gateway.record(second_id)["name"], "kiro-pro")
        self.assertEqual(self.gateway.chat("my-kiro").status, 200)

    def test_command_line(self):
        self.gateway.import_account(self.sim.account(email="dev@example.com"), "kiro-dev")
        seen = wine(program("omniroute.exe"), "--url", self.gateway.base, "providers", "list")
        self.assertEqual(seen.returncode, 0, seen)
        self.assertIn("kiro-dev", seen.stdout)

    def test_finds_accounts_of_tools(self):
        account = self.sim.account(email="ide@example.com")
        home = os.path.join(self.work, "Žofie 山田")
        own = os.path.join(DRIVE, "users", getpass.getuser())  # Wine sets USERPROFILE itself
        for folder in (home, own):
            cache = os.path.join(folder, ".aws", "sso", "cache")
            os.makedirs(cache, exist_ok=True)
            with open(os.path.join(cache, "kiro-auth-token.json"), "w") as file:
                json.dump({"accessToken": account["accessToken"], "refreshToken": account["refreshToken"],
                           "profileArn": account["profileArn"], "expiresAt": "2099-01-01T00:00:00.000Z", "authMethod": "social",
                           "provider": "Google"}, file)
        self.addCleanup(shutil.rmtree, os.path.join(own, ".aws"), True)
        for arguments in (("--home", windows_path(home)), ()):
            with self.subTest(arguments):
                seen = wine(program("omniroute.exe"), "--url", self.gateway.base, "import", "--list", "--json", *arguments)
                self.assertEqual(seen.returncode, 0, seen)
                self.assertEqual([found["kind"] for found in json.loads(seen.stdout)["found"]], ["kiro-ide"], seen)
        seen = wine(program("omniroute.exe"), "--url", self.gateway.base, "import", "--all", "--yes", "--name", "ide",
                    "--home", windows_path(home))
        self.assertEqual(seen.returncode, 0, seen)
        self.assertEqual(self.gateway.record("ide")["name"], "ide")

    def test_dashboard(self):
        answer = self.gateway.get("/", headers={"Accept": "text/html", "Accept-Encoding": "gzip"})
        self.assertEqual(answer.status, 200, answer)
        page = gzip.decompress(answer.body) if answer.headers.get("Content-Encoding") == "gzip" else answer.body
        self.assertIn(b"/assets/", page)

    def test_key_is_closed_to_others(self):
        """Wine keeps access lists as modes of Linux."""
        self.assertEqual(self.gateway.stop(), 0)
        key = os.path.join(self.data, "master.key")
        self.assertEqual(os.stat(key).st_mode & 0o007, 0)
        # One that others can read is refused, with the code that says that a person has to see to it.
        os.chmod(key, 0o644)
        seen = self.refused(self.gateway)
        self.assertEqual(seen.returncode, 77, seen)
        self.assertIn("master key", seen.stderr)

    def refused(self, gateway):
        return subprocess.run(gateway.command(os.path.join(self.work, "never.json")), stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=60, encoding="utf-8", errors="replace")

    def test_plugin_folder_that_others_may_change(self):
        self.gateway.stop()
        plugins = os.path.join(self.work, "plugins")
        shutil.copytree(os.path.join(STAGE, "plugins"), plugins)
        os.chmod(plugins, 0o777)
        self.gateway.plugins = plugins
        self.gateway.start()
        self.assertEqual([one["id"] for one in self.gateway.get("/api/plugins").json["plugins"] if one["status"] == "loaded"], [])
        self.assertIn("lets Everyone change it", self.gateway.log())

    def test_bad_plugins_are_refused_and_do_no_harm(self):
        self.gateway.stop()
        plugins = os.path.join(self.work, "plugins")
        shutil.copytree(os.path.join(STAGE, "plugins"), plugins)
        for name in ("crashing_load", "crashing_init", "exiting_init", "throwing_init", "wrong_major", "missing_symbol", "none"):
            with open(os.path.join(BAD_PLUGINS, name + ".dll"), "rb") as file:
                library = file.read()
            plugin = name.replace("_", "-")
            with open(os.path.join(plugins, name + ".dll"), "wb") as file:
                file.write(library)
            with open(os.path.join(plugins, plugin + ".plugin.json"), "w") as file:
                # The loader reads the entry's id only after the trial, so the manifest may be of another one.
                json.dump({"id": plugin, "name": plugin, "version": "1.2.3", "abi": {"major": 1, "minor": 0},
                           "file": name + ".dll", "sha256": hashlib.sha256(library).hexdigest(), "signInMethods": []}, file)
        with open(os.path.join(plugins, "echo.dll"), "ab") as file:
            file.write(b"changed")
        self.gateway.plugins = plugins
        self.gateway.start()
        listed = {plugin["id"]: plugin for plugin in self.gateway.get("/api/plugins").json["plugins"]}
        self.assertEqual(listed["kiro"]["status"], "loaded", listed)
        for plugin, part in (("crashing-load", "when it is loaded"), ("crashing-init", "when it is loaded"),
                             ("exiting-init", "when it is loaded"), ("missing-symbol", "does not export"), ("echo", "SHA-256")):
            self.assertNotEqual(listed[plugin]["status"], "loaded", plugin)
            self.assertIn(part, listed[plugin]["reason"], plugin)

    def test_no_service_without_manager(self):
        seen = wine(program("omnirouted.exe"), "--service")
        self.assertEqual(seen.returncode, 64, seen)
        self.assertIn("--install-service", seen.stderr)


class Managed(unittest.TestCase):
    """Started by the service control manager. One process of the user is kept, or Wine ends its services."""

    def setUp(self):
        self.keeper = subprocess.Popen(["wine", "cmd"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       stderr=subprocess.DEVNULL)
        self.addCleanup(self.keeper.stdout.close)
        self.addCleanup(self.keeper.wait, 60)
        self.addCleanup(self.keeper.stdin.close)
        # Whoever comes first starts Wine's services, which then hold its output open: nobody would see that output's end. So
        # it has to be this process, whose output nobody reads to the end.
        self.keeper.stdin.write(b"echo ready\r\n")
        self.keeper.stdin.flush()
        while True:
            line = self.keeper.stdout.readline()
            self.assertTrue(line, "Wine's cmd ended")
            if line.strip().endswith(b"ready"):  # after the prompt
                break

    def state(self):
        return wine("sc", "query", "OmniRoute").stdout

    def reaches(self, state):
        harness.wait_for(lambda: state in self.state(), 60, f"the service to be {state}")

    def started(self, port):
        client = harness.Client(f"http://127.0.0.1:{port}")

        def answers():
            try:
                return client.get("/healthz").status == 200
            except OSError:
                return False
        harness.wait_for(answers, 60, f"the service on port {port}")
        return client

    def not_answering(self, port):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) != 0

    def test_service(self):
        port = free_port()
        done = wine(program("omnirouted.exe"), "--install-service", "--set", f"server.port={port}")
        self.assertEqual(done.returncode, 0, done)
        try:
            self.reaches("STOPPED")
            # Wine closes what it makes; a list that is set later it mixes with that of the folder above.
            self.assertEqual(os.stat(DATA).st_mode & 0o007, 0, "the data folder is open to others")
            service = registry(SERVICE)
            for part in ("NT SERVICE\\OmniRoute", "--service", f"server.port={port}"):
                self.assertIn(part, service)
            self.assertRegex(service, r"Start\s+REG_DWORD\s+0x2")
            self.assertIn("omnirouted.exe", registry(EVENTS, "EventMessageFile"))
            # An upgrade or repair calls it again, without settings: those of the administrator stay.
            self.assertEqual(wine(program("omnirouted.exe"), "--install-service").returncode, 0)
            self.assertIn(f"server.port={port}", registry(SERVICE))
            for _ in range(2):
                begun = wine("net", "start", "OmniRoute")
                self.assertEqual(begun.returncode, 0, begun)
                self.started(port)
                self.reaches("RUNNING")
                log = os.path.join(DATA, "omnirouted.log")
                self.assertTrue(os.path.exists(log), log)
                self.assertEqual(os.stat(os.path.join(DATA, "master.key")).st_mode & 0o007, 0, "the key is open to others")
                stopped = wine("net", "stop", "OmniRoute")
                self.assertEqual(stopped.returncode, 0, stopped)
                self.reaches("STOPPED")
                self.assertTrue(self.not_answering(port))
        finally:
            removed = wine(program("omnirouted.exe"), "--remove-service")
        self.assertEqual(removed.returncode, 0, removed)
        self.assertNotIn("STATE", self.state())
        self.assertEqual(registry(EVENTS), "")
        self.assertTrue(os.path.exists(os.path.join(DATA, "master.key")))
        gone = wine(program("omnirouted.exe"), "--remove-service", "--remove-data")
        self.assertEqual(gone.returncode, 0, gone)
        self.assertFalse(os.path.exists(DATA))

    def test_a_start_that_only_a_person_can_mend(self):
        """The SCM hears the service's own code, and the service is not started again and again."""
        done = wine(program("omnirouted.exe"), "--install-service", "--set", f"server.port={free_port()}",
                    "--set", "data.masterKeyFile=C:\\windows")
        self.assertEqual(done.returncode, 0, done)
        try:
            wine("net", "start", "OmniRoute")
            harness.wait_for(lambda: re.search(r"STATE\s+: 1\b", self.state()) and "(0x4e)" in self.state(), 60, "code 78")
        finally:
            wine(program("omnirouted.exe"), "--remove-service", "--remove-data")

    @unittest.skipUnless(MSI and NEXT_MSI, "no MSI was made")
    def test_msi(self):
        self.assertTrue(self.not_answering(20128), "port 20128 is in use")
        done = wine("msiexec", "/i", windows_path(MSI), "/qn")
        self.assertEqual(done.returncode, 0, done)
        for name in ("omnirouted.exe", "omniroute.exe", "plugins/kiro.dll", "plugins/kiro.plugin.json", "licences/poco.txt"):
            self.assertTrue(os.path.exists(os.path.join(PROGRAMS, name)), name)
        self.reaches("RUNNING")
        self.assertIn("Program Files\\OmniRoute", registry(SYSTEM_ENVIRONMENT, "PATH"))
        client = self.started(20128)
        combo = {"name": "kept", "strategy": "priority", "models": ["echo/one"]}
        self.assertEqual(client.post("/api/oauth/echo/import", {"label": "one", "name": "one"}).status, 200)
        answer = client.post("/api/combos", combo)
        self.assertEqual(answer.status, 201, answer)

        with self.subTest("repair"):  # Wine replaces a file in use only at the next start of the system
            wine("net", "stop", "OmniRoute")
            os.unlink(os.path.join(PROGRAMS, "plugins", "kiro.dll"))
            done = wine("msiexec", "/i", windows_path(MSI), "REINSTALL=ALL", "REINSTALLMODE=amus", "/qn")
            self.assertEqual(done.returncode, 0, done)
            self.assertTrue(os.path.exists(os.path.join(PROGRAMS, "plugins", "kiro.dll")))
            if "RUNNING" not in self.state():
                wine("net", "start", "OmniRoute")
            self.started(20128)

        with self.subTest("upgrade"):
            wine("net", "stop", "OmniRoute")
            done = wine("msiexec", "/i", windows_path(NEXT_MSI), "/qn")
            self.assertEqual(done.returncode, 0, done)
            self.assertTrue(os.path.exists(os.path.join(PROGRAMS, "omnirouted.exe")))
            self.reaches("RUNNING")
            names = [combo["name"] for combo in self.started(20128).get("/api/combos").json["combos"]]
            self.assertEqual(names, ["kept"])

        with self.subTest("downgrade"):
            self.assertNotEqual(wine("msiexec", "/i", windows_path(MSI), "/qn").returncode, 0)
            self.assertTrue(os.path.exists(os.path.join(PROGRAMS, "omnirouted.exe")))

        with self.subTest("uninstall keeps the data"):
            wine("net", "stop", "OmniRoute")
            gone = wine("msiexec", "/x", windows_path(NEXT_MSI), "/qn")
            self.assertEqual(gone.returncode, 0, gone)
            self.assertNotIn("STATE", self.state())
            self.assertEqual(glob.glob(os.path.join(PROGRAMS, "**", "*.exe"), recursive=True), [])
            self.assertEqual(glob.glob(os.path.join(PROGRAMS, "**", "*.dll"), recursive=True), [])
            self.assertNotIn("OmniRoute", registry(SYSTEM_ENVIRONMENT, "PATH"))
            self.assertTrue(os.path.exists(os.path.join(DATA, "master.key")), "the data are kept")

        with self.subTest("installed again, and removed with the data"):
            self.assertEqual(wine("msiexec", "/i", windows_path(MSI), "/qn").returncode, 0)
            names = [combo["name"] for combo in self.started(20128).get("/api/combos").json["combos"]]
            self.assertEqual(names, ["kept"])
            wine("net", "stop", "OmniRoute")
            gone = wine("msiexec", "/x", windows_path(MSI), "REMOVEDATA=1", "/qn")
            self.assertEqual(gone.returncode, 0, gone)
            self.assertNotIn("STATE", self.state())
            self.assertFalse(os.path.exists(DATA), "the data are removed")


class Units(unittest.TestCase):
    def test_programs(self):
        self.assertTrue(UNITS, "no unit test was named")
        for path in UNITS:
            with self.subTest(os.path.basename(path)):
                seen = wine(path, "--gtest_brief=1", seconds=300)
                self.assertEqual(seen.returncode, 0, seen.stdout[-3000:] + seen.stderr[-1000:])
                self.assertRegex(seen.stdout, r"\[  PASSED  \] [1-9]")


if __name__ == "__main__":
    unittest.main(verbosity=2)
