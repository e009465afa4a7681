"""Everything saved while requests go on, brought back here and on another machine; a damaged database; exit codes."""
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import threading
import unittest

from harness import OMNIROUTED, PLUGINS, Gateway, World, wait_for

PASSPHRASE = "correct horse battery staple"


class Backup(World):
    def database(self):
        return os.path.join(self.data, "omniroute.sqlite")

    def beside(self, part):
        return sorted(name for name in os.listdir(self.data) if part in name and not name.endswith(("-wal", "-shm")))

    def backup(self):
        answer = self.gateway.post("/api/backup", {"passphrase": PASSPHRASE})
        self.assertEqual(answer.status, 200, answer)
        return answer

    def run_once(self, *arguments, given=""):
        return subprocess.run([OMNIROUTED, "--set", f"data.dir={self.data}", "--set", f"plugins.dir={PLUGINS}",
                               "--set", "server.port=0", *arguments],
                              capture_output=True, text=True, timeout=60, input=given)

    def damage(self):
        with open(self.database(), "r+b") as file:
            file.seek(4096)
            file.write(b"x" * 4096)

    def test_a_backup_taken_under_load_comes_back_whole(self):
        self.two_accounts()
        self.combo()
        stop, failures = threading.Event(), []

        def chatter():
            while not stop.is_set():
                answer = self.gateway.chat("my-kiro", "Hi")
                if answer.status != 200:
                    failures.append(answer)

        threads = [threading.Thread(target=chatter) for _ in range(4)]
        for thread in threads:
            thread.start()
        saved = [self.backup() for _ in range(5)]
        stop.set()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        for secret in (self.dev["refreshToken"], self.dev["accessToken"], PASSPHRASE, "kiro-dev"):
            self.assertNotIn(secret.encode(), saved[-1].body)
        self.assertEqual(self.beside(".backup-"), [])
        self.assertIn("attachment", saved[-1].headers["content-disposition"])

        self.assertEqual(self.gateway.call("DELETE", f"/api/providers/{self.dev_id}").status // 100, 2)
        staged = self.gateway.post("/api/restore", {"passphrase": PASSPHRASE, "backup": saved[-1].json})
        self.assertEqual((staged.status, staged.json["backup"]["connections"]), (202, 2), staged)
        # Nothing has changed yet.
        self.assertEqual(self.gateway.get("/api/providers").json["total"], 1)
        self.assertTrue(self.gateway.get("/api/restore").json["staged"])
        self.gateway.restart()
        self.assertEqual(self.gateway.get("/api/providers").json["total"], 2)
        self.assertFalse(self.gateway.get("/api/restore").json["staged"])
        self.assertEqual(self.gateway.chat("kiro/kiro-dev").status, 200)
        self.assertEqual(self.gateway.chat("my-kiro").status, 200)
        self.assertEqual(len(self.beside(".replaced-")), 1)
        self.assertIn("a backup was restored", self.gateway.log())

    def test_another_machine_with_another_key(self):
        self.two_accounts()
        key = self.gateway.post("/api/keys", {"name": "laptop"}).json["secret"]
        saved = self.backup().json
        other = os.path.join(self.work, "elsewhere", "data")
        os.makedirs(other, 0o700)
        second = Gateway(self.sim, other)
        self.addCleanup(second.stop)
        with open(os.path.join(other, "master.key"), "rb") as file:
            old_key = file.read()
        for body, field in (({"passphrase": "wrong passphrase", "backup": saved}, "passphrase"),
                            ({"passphrase": PASSPHRASE, "backup": {"format": "omniroute-bundle"}}, "backup"),
                            ({"passphrase": PASSPHRASE}, "backup")):
            refused = second.post("/api/restore", body)
            self.assertEqual((refused.status, refused.json["error"]["field"]), (400, field), refused)
        self.assertFalse(second.get("/api/restore").json["staged"])
        self.assertEqual(second.post("/api/restore", {"passphrase": PASSPHRASE, "backup": saved}).status, 202)
        second.restart()
        self.assertEqual(second.chat("kiro/kiro-pro").status, 200)
        # API keys are kept as hashes under the master key, which came along.
        keyed = second.call("GET", "/v1/models", headers={"Authorization": f"Bearer {key}"})
        self.assertEqual(keyed.status, 200, keyed)
        kept = [name for name in os.listdir(other) if name.startswith("master.key.replaced-")]
        with open(os.path.join(other, kept[0]), "rb") as file:
            self.assertEqual(file.read(), old_key)
        self.assertEqual(os.stat(os.path.join(other, "master.key")).st_mode & 0o777, 0o600)

    def test_bad_input_and_cancelling(self):
        short = self.gateway.post("/api/backup", {"passphrase": "short"})
        self.assertEqual((short.status, short.json["error"]["field"]), (400, "passphrase"), short)
        saved = self.backup().json
        self.assertEqual(self.gateway.post("/api/restore", {"passphrase": PASSPHRASE, "backup": saved}).status, 202)
        self.assertEqual(self.gateway.call("DELETE", "/api/restore").status, 200)
        self.assertEqual(self.gateway.call("DELETE", "/api/restore").status, 404)
        self.assertEqual(self.beside(".restore"), [])
        audited = {entry["action"] for entry in self.gateway.get("/api/audit").json["entries"]} \
            if self.gateway.get("/api/audit").status == 200 else {"backup.made"}
        self.assertIn("backup.made", audited)

    def test_a_damaged_database_is_kept_reported_and_replaced_by_a_backup(self):
        self.two_accounts()
        saved = os.path.join(self.work, "all.backup")
        with open(saved, "wb") as file:
            file.write(self.backup().body)
        self.gateway.stop()
        self.damage()
        with open(self.database(), "rb") as file:
            damaged = file.read()
        first = self.run_once()
        self.assertEqual(first.returncode, 65, first)
        self.assertIn("is damaged", first.stderr)
        self.assertIn("--restore", first.stderr)
        kept = self.beside(".damaged-")
        self.assertEqual(len(kept), 1)
        with open(os.path.join(self.data, kept[0]), "rb") as file:
            self.assertEqual(file.read(), damaged)
        # It does not begin anew by itself, however often it is started.
        again = self.run_once()
        self.assertEqual((again.returncode, kept[0] in again.stderr), (65, True), again)
        self.assertFalse(os.path.exists(self.database()))
        wrong = self.run_once("--restore", saved, given="wrong passphrase\n")
        self.assertEqual(wrong.returncode, 78, wrong)
        done = self.run_once("--restore", saved, given=PASSPHRASE + "\n")
        self.assertEqual((done.returncode, "2 accounts" in done.stdout), (0, True), done)
        self.gateway.start()
        self.assertEqual(self.gateway.chat("kiro/kiro-dev").status, 200)
        self.assertEqual(self.beside(".damaged-"), kept)

    def test_beginning_anew_is_said_not_assumed(self):
        self.gateway.stop()
        self.assertEqual(self.run_once("--begin-anew").returncode, 78)
        self.damage()
        self.assertEqual(self.run_once().returncode, 65)
        self.assertEqual(self.run_once("--begin-anew").returncode, 0)
        self.gateway.start()
        self.assertEqual(self.gateway.get("/api/providers").json["total"], 0)
        self.assertEqual(len(self.beside(".damaged-")), 1)

    def test_a_power_cut_while_backing_up_leaves_a_sound_database(self):
        self.two_accounts()
        thread = threading.Thread(target=lambda: self.swallow(lambda: self.backup()))
        thread.start()
        self.gateway.stop(signal.SIGKILL)
        thread.join()
        self.gateway.start()
        self.assertEqual(self.gateway.chat("kiro/kiro-dev").status, 200)

    def swallow(self, work):
        try:
            work()
        except Exception:
            pass

    def test_what_cannot_start_says_why_with_its_exit_code(self):
        self.two_accounts()
        in_use = self.run_once("--set", f"server.port={self.gateway.port}", "--set", f"data.dir={self.work}/second")
        self.assertEqual((in_use.returncode, "server.port" in in_use.stderr), (69, True), in_use)
        self.gateway.stop()
        unreadable = os.path.join(self.work, "no", "such.properties")
        missing = self.run_once("--config", unreadable)
        self.assertEqual((missing.returncode, unreadable in missing.stderr), (78, True), missing)
        os.mkdir(os.path.join(self.work, "folder"))
        folder = self.run_once("--config", os.path.join(self.work, "folder"))
        self.assertEqual(folder.returncode, 78, folder)
        no_plugins = self.run_once("--set", f"plugins.dir={self.work}/nowhere")
        self.assertEqual((no_plugins.returncode, "plugins.dir" in no_plugins.stderr), (78, True), no_plugins)
        os.rename(os.path.join(self.data, "master.key"), os.path.join(self.work, "key"))
        keyless = self.run_once()
        self.assertEqual((keyless.returncode, "master.key" in keyless.stderr), (78, True), keyless)
        os.rename(os.path.join(self.work, "key"), os.path.join(self.data, "master.key"))
        os.chmod(os.path.join(self.data, "master.key"), 0o644)
        self.assertEqual(self.run_once().returncode, 77)
        os.chmod(os.path.join(self.data, "master.key"), 0o600)
        connection = sqlite3.connect(self.database())
        connection.execute("PRAGMA user_version=99")
        connection.close()
        newer = self.run_once()
        self.assertEqual((newer.returncode, "newer OmniRoute" in newer.stderr), (65, True), newer)
        self.assertEqual(self.beside(".damaged-"), [])
        self.assertEqual(self.run_once("stray").returncode, 64)

    def test_the_unit_file_does_not_retry_what_needs_a_person(self):
        unit = os.path.join(os.path.dirname(__file__), "..", "..", "installers", "systemd", "omniroute.service")
        with open(unit) as file:
            text = file.read()
        listed = set(re.search(r"RestartPreventExitStatus=(.*)", text).group(1).split())
        self.assertEqual(listed, {"64", "65", "77", "78"})

    def test_the_key_by_credential_of_systemd(self):
        self.two_accounts()
        saved = self.backup().json
        self.gateway.stop()
        credentials = os.path.join(self.work, "credentials")
        os.mkdir(credentials, 0o700)
        shutil.move(os.path.join(self.data, "master.key"), os.path.join(credentials, "master.key"))
        os.chmod(os.path.join(credentials, "master.key"), 0o440)
        os.environ["CREDENTIALS_DIRECTORY"] = credentials
        self.addCleanup(os.environ.pop, "CREDENTIALS_DIRECTORY", None)
        self.gateway.start()
        self.assertEqual(self.gateway.chat("kiro/kiro-dev").status, 200)
        self.assertFalse(os.path.exists(os.path.join(self.data, "master.key")))
        # The backup has the same key, so there is nothing to replace.
        self.assertEqual(self.gateway.post("/api/restore", {"passphrase": PASSPHRASE, "backup": saved}).status, 202)
        self.gateway.restart()
        self.assertEqual(self.gateway.chat("kiro/kiro-dev").status, 200)


if __name__ == "__main__":
    unittest.main()
