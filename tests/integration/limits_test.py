"""Real small file systems and limits: the service goes on with what it can do, and says what is wrong."""
import os
import resource
import socket
import subprocess
import sys
import unittest

import harness
from harness import World, wait_for


class OnADisk(World):
    """What is common to tests whose data folder is a file system of its own."""

    def loud_skip(self, why):
        print(f"\n*** SKIPPED: {why}\n*** Full, read-only and failing disks were NOT tried.\n", file=sys.stderr)
        self.skipTest(why)

    def serves(self):
        for name in ("kiro-dev", "kiro-pro"):
            answer = self.gateway.chat(f"kiro/{name}", "Hi")
            self.assertEqual(answer.status, 200, answer)

    def refused_import(self, reason):
        account = self.sim.account(email="late@example.com")
        answer = self.gateway.post("/api/oauth/kiro/import",
                                   {"refreshToken": account["refreshToken"], "name": "late"})
        self.assertGreaterEqual(answer.status, 500, answer)
        self.assertIn(reason, answer.body.decode())
        self.assertNotIn(account["refreshToken"], answer.body.decode())
        self.assertEqual(self.gateway.get("/api/providers").json["total"], 2)


class SmallDisk(OnADisk):
    """The data folder is a file system of a few MiB, in memory."""
    SIZE = "6m"

    def setUp(self):
        if os.name != "posix" or os.geteuid() != 0:
            self.loud_skip("mounting a small file system needs root")
        super().setUp()
        self.gateway.stop()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={self.SIZE},mode=700", "tmpfs", self.data],
                                 capture_output=True, text=True)
        if mounted.returncode != 0:
            self.loud_skip("no file system can be mounted here: " + mounted.stderr.strip())
        self.addCleanup(subprocess.run, ["umount", "-l", self.data], check=False)
        self.gateway.start()
        # Cleanups run backwards: the service ends before its disk goes.
        self.addCleanup(self.gateway.stop)

    def fill(self):
        self.filler = os.path.join(self.data, "filler")
        with open(self.filler, "wb", buffering=0) as file:
            for size in (65536, 4096, 512, 1):
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError:
                    pass

    def remount(self, how):
        subprocess.run(["mount", "-o", f"remount,{how},size={self.SIZE}", self.data], check=True)

    def test_a_full_disk(self):
        self.two_accounts()
        self.fill()
        self.serves()
        self.refused_import("disk")
        backup = self.gateway.post("/api/backup", {"passphrase": "correct horse battery staple"})
        self.assertGreaterEqual(backup.status, 500, backup)
        self.serves()
        health = self.gateway.get("/api/health")
        self.assertEqual(health.json["status"], "degraded", health)
        self.assertEqual(health.json["storage"]["reason"], "storage_full", health)
        self.assertEqual(self.gateway.get("/healthz").status, 200)
        os.unlink(self.filler)
        late = self.sim.account(email="later@example.com")
        self.gateway.import_account(late, "later")
        self.assertEqual(self.gateway.chat("kiro/later", "Hi").status, 200)
        wait_for(lambda: self.gateway.get("/api/health").json["status"] == "ok", what="health to be ok again")
        self.gateway.restart()
        self.serves()

    def test_a_full_disk_at_start(self):
        self.two_accounts()
        self.gateway.stop()
        self.fill()
        # The file is there and sound, so it starts; or it says that the disk is full. Never damage, never a new database.
        result = subprocess.run([*self.gateway.command(os.path.join(self.work, "never.json"))[:1], "--set", f"data.dir={self.data}",
                                 "--set", "server.port=0", "--set", f"plugins.dir={self.work}/nowhere"],
                                capture_output=True, text=True, timeout=60)
        self.assertIn(result.returncode, (74, 78), result)
        os.unlink(self.filler)
        self.gateway.start()
        self.serves()

    def test_a_read_only_disk_at_start(self):
        self.two_accounts()
        # A tmpfs with open writers cannot be turned, so this is the start on such a disk.
        self.gateway.stop()
        self.remount("ro")
        result = subprocess.run([self.gateway.command("x")[0], "--set", f"data.dir={self.data}", "--set", "server.port=0",
                                 "--set", f"plugins.dir={harness.PLUGINS}"], capture_output=True, text=True, timeout=60)
        self.assertIn(result.returncode, (74, 77), result)
        self.assertIn("read-only", result.stderr.lower())
        self.remount("rw")
        self.gateway.start()
        self.serves()


class FailingDisk(OnADisk):
    """The data folder is on an ext4 that meets an error and turns read-only under the running service, as a dying disk does."""

    def setUp(self):
        if os.name != "posix" or os.geteuid() != 0:
            self.loud_skip("mounting a file system needs root")
        super().setUp()
        self.gateway.stop()
        self.image = os.path.join(self.work, "disk.img")
        with open(self.image, "wb") as file:
            file.truncate(32 << 20)
        made = subprocess.run(["mkfs.ext4", "-q", self.image], capture_output=True, text=True)
        if made.returncode != 0:
            self.loud_skip("no ext4 can be made here: " + made.stderr.strip())
        self.mount()
        self.addCleanup(subprocess.run, ["umount", "-l", self.data], check=False, capture_output=True)
        self.gateway.start()
        self.addCleanup(self.gateway.stop)

    def mount(self):
        mounted = subprocess.run(["mount", "-o", "loop,errors=remount-ro", self.image, self.data], capture_output=True, text=True)
        if mounted.returncode != 0:
            self.loud_skip("no image can be mounted here: " + mounted.stderr.strip())
        os.chmod(self.data, 0o700)

    def break_disk(self):
        device = subprocess.run(["losetup", "-j", self.image], capture_output=True, text=True, check=True).stdout
        trigger = f"/sys/fs/ext4/{os.path.basename(device.split(':')[0])}/trigger_fs_error"
        if not os.path.exists(trigger):
            self.loud_skip("this kernel cannot make ext4 fail")
        with open(trigger, "w") as file:
            file.write("1")

        def broken():
            try:
                with open(os.path.join(self.data, "probe"), "w"):
                    return False
            except OSError:
                return True
        wait_for(broken, 10, "the file system to be read-only")

    def test_a_disk_that_turns_read_only_while_serving(self):
        self.two_accounts()
        self.serves()
        self.break_disk()
        self.serves()
        self.refused_import("disk")
        health = self.gateway.get("/api/health")
        self.assertEqual(health.json["status"], "degraded", health)
        self.assertIn(health.json["storage"]["reason"], ("storage_io", "storage_readonly"), health)
        self.assertEqual(self.gateway.get("/healthz").status, 200)
        self.gateway.stop()
        subprocess.run(["umount", self.data], check=True)
        self.assertIn(subprocess.run(["e2fsck", "-fy", self.image], capture_output=True).returncode, (0, 1))
        self.mount()
        self.gateway.start()
        self.serves()
        self.assertEqual(self.gateway.get("/api/health").json["status"], "ok")


class FewDescriptors(World):
    LIMIT = 64

    def test_more_clients_than_descriptors(self):
        self.two_accounts()
        pid = self.gateway.process.pid
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (self.LIMIT, self.LIMIT))
        crowd = []
        for _ in range(self.LIMIT * 2):
            one = socket.socket()
            one.settimeout(2)
            try:
                one.connect(("127.0.0.1", self.gateway.port))
            except OSError:
                one.close()
                continue
            crowd.append(one)
        self.assertGreater(len(crowd), self.LIMIT)
        self.assertIsNone(self.gateway.process.poll())
        for one in crowd:
            one.close()
        wait_for(lambda: self.alive(), what="the service to answer again")
        for name in ("kiro-dev", "kiro-pro"):
            wait_for(lambda: self.gateway.chat(f"kiro/{name}", "Hi").status == 200, what=f"{name} to answer")

    def alive(self):
        try:
            return self.gateway.get("/healthz", timeout=2).status == 200
        except OSError:
            return False


class LittleMemory(World):
    def test_a_huge_body_is_refused_and_the_service_lives(self):
        self.two_accounts()
        with open(f"/proc/{self.gateway.process.pid}/statm") as file:
            now = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        limit = now + (192 << 20)
        resource.prlimit(self.gateway.process.pid, resource.RLIMIT_AS, (limit, limit))
        for path in ("/v1/chat/completions", "/api/restore"):
            try:
                answer = self.gateway.call("POST", path, b'{"x":"' + b"x" * (300 << 20) + b'"}',
                                           {"Content-Type": "application/json"})
                self.assertIn(answer.status, (400, 413, 500, 503), answer)
            except OSError:
                pass  # cut off while sending: refused as well
            self.assertIsNone(self.gateway.process.poll(), path)
        self.assertEqual(self.gateway.chat("kiro/kiro-dev", "Hi").status, 200)


if __name__ == "__main__":
    unittest.main()
