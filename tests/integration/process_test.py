"""The process: configuration errors, plugins that are refused, signals, start-up time."""
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import unittest

from harness import OMNIROUTED, PLUGINS, Gateway, World, wait_for


class Process(World):
    def run_once(self, *arguments):
        return subprocess.run([OMNIROUTED, *arguments], capture_output=True, text=True, timeout=60)

    def test_bad_settings_refuse_the_start_and_name_key_and_allowed_values(self):
        for setting, expected in (("server.port=99999", "0 to 65535"), ("server.prot=1", "server.port"),
                                  ("log.level=loud", "debug|info|warning|error")):
            with self.subTest(setting):
                result = self.run_once("--check-config", "--set", setting)
                self.assertEqual(result.returncode, 78, result)
                self.assertIn(expected, result.stderr)

    def test_a_second_service_on_the_same_folder_is_refused(self):
        self.two_accounts()
        backup = os.path.join(self.work, "b.json")
        made = self.gateway.post("/api/backup", {"passphrase": "correct horse battery"})
        self.assertEqual(made.status, 200, made.body)
        with open(backup, "w") as file:
            json.dump(made.json, file)
        where = ["--set", f"data.dir={self.data}", "--set", f"plugins.dir={PLUGINS}", "--set", "server.port=0"]
        for arguments in ([], [f"--restore={backup}"], ["--begin-anew"]):
            result = subprocess.run([OMNIROUTED, *arguments, *where], capture_output=True, text=True, timeout=60, input="correct horse battery\n")
            self.assertEqual(result.returncode, 74, result)
            self.assertIn(f"Another omnirouted (process {self.gateway.process.pid}) uses the data folder", result.stderr)
            self.assertIn("data.dir", result.stderr)
        self.assertEqual(self.gateway.chat("kiro/kiro-dev").status, 200)
        self.gateway.stop(signal.SIGKILL)
        self.gateway.start()
        self.assertEqual(self.gateway.chat("kiro/kiro-dev").status, 200, "a lock dies with its process")

    def test_check_config_looks_for_the_plugins(self):
        result = self.run_once("--check-config", "--set", "plugins.dir=/nonexistent")
        self.assertEqual(result.returncode, 78, result)
        self.assertIn("/nonexistent", result.stderr)

    def test_bad_settings_of_plugins_refuse_the_start_too(self):
        file = os.path.join(self.work, "settings.properties")
        for line, expected in (("plugins.kiro.wrie = legacy", "plugins.kiro.wire"), ("plugins.kiro.wire = new", "auto|kiro|codewhisperer|legacy"),
                               ("plugins.kiro.timeout.idleMs = soon", "whole number from 1"), ("plugins.kir.wire = auto", "echo, kiro, openai"),
                               ("plugins.echo.wire = auto", "has no settings")):
            with self.subTest(line), open(file, "w") as out:
                out.write(line + "\n")
                out.flush()
                for more in (["--check-config"], []):
                    result = self.run_once(*more, "--config", file, "--set", f"plugins.dir={PLUGINS}", "--set", f"data.dir={self.data}-none")
                    self.assertEqual(result.returncode, 78, result)
                    self.assertIn(file, result.stderr)
                    self.assertIn(line.split(" = ")[0], result.stderr)
                    self.assertIn(expected, result.stderr)
        self.assertFalse(os.path.exists(f"{self.data}-none"))

    def test_what_plugins_declare_is_what_they_read_and_describe(self):
        root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        for plugin in ("kiro", "openai", "echo"):
            folder = os.path.join(root, "plugins", plugin)
            with open(os.path.join(folder, plugin + ".plugin.json.in")) as file:
                declared = {setting["key"] for setting in json.load(file)["settings"]}
            source = ""
            for path, _, files in os.walk(folder):
                for name in files:
                    if name.endswith((".cpp", ".hpp")):
                        with open(os.path.join(path, name)) as file:
                            source += file.read()
            read = set(re.findall(r'setting\("([A-Za-z.]+)"\)', source))
            self.assertLessEqual(read, declared)
            for key in declared:
                self.assertTrue(f'"{key}"' in source or ("endpoint." in key and f'url("{key[9:]}"' in source), f"{plugin} never reads {key}")
            readme = os.path.join(folder, "README.md")
            with open(readme) as file:
                text = file.read()
            for key in declared:
                self.assertTrue(f"`{key}`" in text or f"`plugins.{plugin}.{key}`" in text, f"{readme} does not describe {key}")

    def test_the_help_shows_the_settings_of_plugins(self):
        text = self.run_once("--help").stdout
        self.assertIn("plugins.kiro.wire = auto  (auto|kiro|codewhisperer|legacy)", text)

    def test_check_config_help_and_version(self):
        self.assertEqual(self.run_once("--check-config", "--set", f"data.dir={self.data}").returncode, 0)
        self.assertIn("--config", self.run_once("--help").stdout)
        self.assertIn("omnirouted", self.run_once("--version").stdout)

    def test_port_in_use_is_refused_with_the_remedy(self):
        other = os.path.join(self.work, "other")
        os.mkdir(other, 0o700)
        result = self.run_once("--set", f"server.port={self.gateway.port}", "--set", f"data.dir={other}",
                               "--set", f"plugins.dir={PLUGINS}")
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("server.port", result.stderr)

    def test_a_refused_plugin_is_listed_and_the_rest_runs(self):
        plugins = os.path.join(self.work, "plugins")
        shutil.copytree(PLUGINS, plugins)
        for name in os.listdir(plugins):
            os.chmod(os.path.join(plugins, name), 0o644)
        os.chmod(plugins, 0o755)
        with open(os.path.join(plugins, "echo.so"), "ab") as file:
            file.write(b"tampered")
        self.gateway.stop()
        self.gateway.plugins = plugins
        self.gateway.start()
        listed = {p["id"]: p for p in self.gateway.get("/api/plugins").json["plugins"]}
        self.assertEqual(listed["kiro"]["status"], "loaded")
        self.assertEqual(listed["echo"]["status"], "refused")
        self.assertIn("SHA-256", listed["echo"]["reason"])

    def test_sigterm_lets_a_running_stream_end(self):
        self.two_accounts()
        self.sim.turn(text="word " * 20, delayMs=50)
        result = {}
        thread = threading.Thread(target=lambda: result.update(answer=self.gateway.chat("kiro/kiro-dev", stream=True)))
        thread.start()
        wait_for(lambda: self.sim.get("/__control/health").json.get("activeStreams", 0) > 0, 10, "the stream to start")
        self.assertEqual(self.gateway.stop(), 0)
        thread.join()
        self.assertTrue(result["answer"].body.decode().rstrip().endswith("[DONE]"), result["answer"].body[-300:])

    def test_sighup_reloads_and_the_service_goes_on(self):
        self.gateway.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "reload" in self.gateway.log(), 10, "the reload to be logged")
        self.assertEqual(self.gateway.get("/api/health").status, 200)

    def test_health(self):
        health = self.gateway.get("/api/health").json
        self.assertEqual(health["status"], "ok")
        self.assertEqual(self.gateway.get("/healthz").status, 200)

    def test_the_log_is_json_lines(self):
        self.gateway.stop()
        lines = self.gateway.log().splitlines()
        self.assertTrue(lines)
        for line in lines:
            json.loads(line)


if __name__ == "__main__":
    unittest.main()
