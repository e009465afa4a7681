"""Accounts: isolation, refresh, duplicates, secrets."""
import http.client
import os
import random
import threading
import unittest

from harness import Gateway, World, wait_for


def interleaved(world, count):
    world.two_accounts()
    chance = random.Random(7)
    for _ in range(count // 2):
        order = [world.dev_id, world.pro_id]
        chance.shuffle(order)
        for connection in order:
            answer = world.gateway.refresh(connection)
            world.assertEqual(answer.status, 200, answer)
    for connection in (world.dev_id, world.pro_id):
        world.assertEqual(world.gateway.record(connection)["state"]["name"], "active")
    # The simulator keeps its last 1000 requests: nearly all of them are rotations, none was answered from memory.
    rotations = [r for r in world.sim.requests() if r["path"].endswith(("/refreshToken", "/token"))]
    world.assertGreaterEqual(len(rotations), min(count, 1000) * 9 // 10)


class Isolation(World):
    def test_two_imports_have_their_own_registrations_and_regions(self):
        self.two_accounts()
        dev, pro = (self.gateway.record(i)["providerSpecificData"] for i in (self.dev_id, self.pro_id))
        self.assertTrue(dev["clientId"])
        self.assertNotEqual(dev["clientId"], pro["clientId"])
        self.assertEqual((dev["region"], pro["region"]), ("eu-west-1", "us-east-1"))
        self.assertGreater(int(dev["clientSecretExpiresAt"]), 0)
        registered = [r["path"] for r in self.sim.requests() if r["path"].endswith("/client/register")]
        self.assertEqual(len(registered), 2)
        self.assertTrue(any("eu-west-1" in path for path in registered), registered)

    def test_sharing_a_registration_revokes_in_the_simulator(self):
        first = self.sim.account(kind="builder_id", email="a@example.com")
        self.sim.account(kind="builder_id", email="b@example.com", clientId=first["clientId"])
        answer = self.sim.post("/oidc/us-east-1/token", {
            "clientId": first["clientId"], "clientSecret": first["clientSecret"], "grantType": "refresh_token",
            "refreshToken": first["refreshToken"]})
        self.assertEqual(answer.status, 400, answer)
        self.assertEqual(answer.json["error"], "invalid_grant")

    def test_1000_interleaved_refreshes_lose_nothing_when_foreign_tokens_are_refused(self):
        interleaved(self, 1000)
        self.assertEqual(self.gateway.record(self.dev_id)["providerSpecificData"]["isolation"], "registered")


class IsolationAdopting(World):
    sim_options = ("--foreign-refresh=adopt",)

    def test_1000_interleaved_refreshes_lose_nothing_when_foreign_tokens_are_adopted(self):
        interleaved(self, 1000)
        self.assertEqual(self.gateway.record(self.dev_id)["providerSpecificData"]["isolation"], "dedicated")


class Refresh(World):
    def test_concurrent_refreshes_are_single_flight(self):
        self.two_accounts()
        self.sim.call("DELETE", "/__control/requests")
        results = []
        threads = [threading.Thread(target=lambda: results.append(self.gateway.refresh(self.dev_id).status))
                   for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(results, [200] * 10)
        self.assertEqual(self.gateway.refresh(self.dev_id).status, 200)

    def test_who_leaves_while_a_token_is_rotated_loses_nothing(self):
        self.two_accounts()
        self.sim.call("DELETE", "/__control/requests")
        self.sim.fault(target="social.refresh", mode="late", delayMs=1500, count=1)
        leaving = http.client.HTTPConnection("127.0.0.1", int(self.gateway.base.rsplit(":", 1)[1]))
        leaving.request("POST", f"/api/providers/{self.dev_id}/refresh")
        wait_for(lambda: any("refreshToken" in r["path"] for r in self.sim.requests()), what="the rotation")
        leaving.close()
        # The issuer has taken the old token: only who keeps the answer has one.
        for _ in range(3):
            self.assertEqual(self.gateway.refresh(self.dev_id).status, 200)

    def test_a_failed_refresh_erases_nothing(self):
        self.two_accounts()
        self.sim.fault(target="social.refresh", mode="status", status=500, count=-1)
        self.assertEqual(self.gateway.refresh(self.dev_id).status, 502)
        self.sim.clear_faults()
        self.assertEqual(self.gateway.refresh(self.dev_id).status, 200)

    def test_restart_keeps_everything(self):
        self.two_accounts()
        self.combo()
        self.assertEqual(self.gateway.stop(), 0)
        self.gateway.start()
        self.assertEqual({c["name"] for c in self.gateway.get("/api/providers").json["connections"]},
                         {"kiro-dev", "kiro-pro"})
        self.assertEqual(self.gateway.refresh(self.dev_id).status, 200)
        self.assertEqual(self.gateway.chat("my-kiro").status, 200)


class KillAtEveryStep(World):
    """kill -9 at each step of a refresh; the account must be usable after a restart."""
    steps = ("refresh.before_request", "refresh.after_response", "refresh.after_commit")

    def test_no_step_loses_the_account(self):
        self.two_accounts()
        for step in self.steps:
            with self.subTest(step):
                self.gateway.stop()
                self.gateway.settings = ["plugins.kiro.enableFaultPoints=true", f"plugins.kiro.faultPoint={step}"]
                self.gateway.start()
                with self.assertRaises(OSError):
                    self.gateway.refresh(self.dev_id)
                self.gateway.process.wait(20)
                self.assertNotEqual(self.gateway.process.returncode, 0)
                self.gateway.stop()
                self.gateway.settings = []
                self.gateway.start()
                answer = self.gateway.refresh(self.dev_id)
                if step == "refresh.after_response":
                    # The answer with the rotated token died with the process: nobody can know it any more. What must not
                    # happen is that anything is erased or another account touched.
                    self.assertIn(answer.status, (200, 401), answer)
                    self.assertEqual(self.gateway.refresh(self.pro_id).status, 200)
                    self.gateway.call("DELETE", f"/api/providers/{self.dev_id}")
                    self.dev = self.sim.account(email="dev2@example.com")
                    self.dev_id = self.gateway.import_account(self.dev, "kiro-dev")
                else:
                    self.assertEqual(answer.status, 200, answer)


class Secrets(World):
    def test_no_secret_in_database_log_or_answer(self):
        self.two_accounts()
        self.gateway.refresh(self.dev_id)
        self.gateway.chat("kiro/kiro-dev")
        state = self.sim.get("/__control/state?reveal=1").body.decode()
        answers = self.gateway.get("/api/providers").body + self.gateway.get(f"/api/providers/{self.dev_id}").body
        self.assertEqual(self.gateway.stop(), 0)
        secrets = {word for word in state.replace('"', " ").split() if word.startswith(("aor", "aoa")) and len(word) > 100}
        self.assertGreaterEqual(len(secrets), 4)
        places = {"answers": answers, "log": self.gateway.log().encode(), "stderr": self.gateway.errors.encode()}
        for name in os.listdir(self.data):
            with open(os.path.join(self.data, name), "rb") as file:
                places[name] = file.read()
        for place, content in places.items():
            for secret in secrets:
                self.assertNotIn(secret[:40].encode(), content, place)

    def test_files_are_private(self):
        self.two_accounts()
        for name in os.listdir(self.data):
            self.assertEqual(os.stat(os.path.join(self.data, name)).st_mode & 0o077, 0, name)

    def test_missing_or_wrong_master_key_refuses_the_start_with_the_remedy(self):
        self.two_accounts()
        self.gateway.stop()
        key = os.path.join(self.data, "master.key")
        with open(key, "rb") as file:
            kept = file.read()
        os.unlink(key)
        with self.assertRaisesRegex(AssertionError, "(?s)ended at start.*master.key"):
            Gateway(self.sim, self.data)
        with open(key, "wb", opener=lambda p, f: os.open(p, f, 0o600)) as file:
            file.write(bytes(reversed(kept)))
        with self.assertRaisesRegex(AssertionError, "(?s)ended at start.*key"):
            Gateway(self.sim, self.data)
        with open(key, "wb") as file:
            file.write(kept)
        self.gateway.start()
        self.assertEqual(self.gateway.refresh(self.dev_id).status, 200)


if __name__ == "__main__":
    unittest.main()
