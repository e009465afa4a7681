"""The Windows programs under Wine; scripts/test-windows prepares what it needs. kiro-sim is the Linux program of OMNI_BUILD_DIR."""
import glob
import json
import os
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
UNITS = os.environ.get("OMNI_WINDOWS_UNITS", "").split()
DRIVE = os.path.join(os.environ["WINEPREFIX"], "drive_c")


def windows_path(path):
    return "Z:" + os.path.abspath(path).replace("/", "\\")


def wine(*command, seconds=120):
    return subprocess.run(["wine", *command], stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds,
                          encoding="utf-8", errors="replace")


def program(name):
    return os.path.join(STAGE, name)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class WineGateway(harness.Gateway):
    def command(self, ready):
        command = super().command(windows_path(ready))
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
        self.assertEqual(self.gateway.record(second_id)["connection"]["name"], "kiro-pro")
        self.assertEqual(self.gateway.chat("my-kiro").status, 200)

    def test_command_line(self):
        self.gateway.import_account(self.sim.account(email="dev@example.com"), "kiro-dev")
        seen = wine(program("omniroute.exe"), "--url", self.gateway.base, "providers", "list")
        self.assertEqual(seen.returncode, 0, seen)
        self.assertIn("kiro-dev", seen.stdout)

    def test_no_service_without_manager(self):
        seen = wine(program("omnirouted.exe"), "--service")
        self.assertEqual(seen.returncode, 64, seen)
        self.assertIn("--install-service", seen.stderr)


class Managed(unittest.TestCase):
    """Started by the service control manager. One process of the user is kept, or Wine ends its services."""

    def setUp(self):
        self.keeper = subprocess.Popen(["wine", "cmd"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
        self.addCleanup(self.keeper.wait, 60)
        self.addCleanup(self.keeper.stdin.close)

    def state(self):
        return wine("sc", "query", "OmniRoute").stdout

    def test_service(self):
        port = free_port()
        done = wine(program("omnirouted.exe"), "--install-service", "--set", f"server.port={port}")
        self.assertEqual(done.returncode, 0, done)
        try:
            self.assertIn("STOPPED", self.state())
            started = wine("net", "start", "OmniRoute")
            self.assertEqual(started.returncode, 0, started)
            self.assertIn("RUNNING", self.state())
            answer = harness.Client(f"http://127.0.0.1:{port}").get("/healthz")
            self.assertEqual(answer.status, 200, answer)
            log = os.path.join(DRIVE, "ProgramData", "OmniRoute", "omnirouted.log")
            self.assertTrue(os.path.exists(log), log)
            stopped = wine("net", "stop", "OmniRoute")
            self.assertEqual(stopped.returncode, 0, stopped)
            self.assertIn("STOPPED", self.state())
            with self.assertRaises(OSError):
                harness.Client(f"http://127.0.0.1:{port}").get("/healthz")
        finally:
            removed = wine(program("omnirouted.exe"), "--remove-service")
        self.assertEqual(removed.returncode, 0, removed)
        self.assertNotIn("STATE", self.state())

    @unittest.skipUnless(MSI, "no MSI was made")
    def test_msi(self):
        with socket.socket() as probe:
            self.assertNotEqual(probe.connect_ex(("127.0.0.1", 20128)), 0, "port 20128 is in use")
        done = wine("msiexec", "/i", windows_path(MSI), "/qn")
        self.assertEqual(done.returncode, 0, done)
        folder = os.path.join(DRIVE, "Program Files", "OmniRoute")
        for name in ("omnirouted.exe", "omniroute.exe", "plugins/kiro.dll", "plugins/kiro.plugin.json"):
            self.assertTrue(os.path.exists(os.path.join(folder, name)), name)
        self.assertIn("RUNNING", self.state())
        answer = harness.wait_for(lambda: harness.Client("http://127.0.0.1:20128").get("/healthz"), 5)
        self.assertEqual(answer.status, 200, answer)
        # Wine replaces and removes a file in use only at the next start of the system.
        wine("net", "stop", "OmniRoute")
        gone = wine("msiexec", "/x", windows_path(MSI), "/qn")
        self.assertEqual(gone.returncode, 0, gone)
        self.assertNotIn("STATE", self.state())
        self.assertEqual(glob.glob(os.path.join(folder, "**", "*.exe"), recursive=True), [])
        self.assertEqual(glob.glob(os.path.join(folder, "**", "*.dll"), recursive=True), [])
        self.assertTrue(os.path.isdir(os.path.join(DRIVE, "ProgramData", "OmniRoute")), "the data are kept")


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
