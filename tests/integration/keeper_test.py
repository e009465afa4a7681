"""The keeper: tokens stay fresh by themselves, failures are shown and erase nothing, registrations are watched and renewed."""
import unittest

from harness import World, wait_for


class KeeperWorld(World):
    def health(self, name):
        answer = self.gateway.get("/api/token-health")
        self.assertEqual(answer.status, 200, answer)
        return next(c for c in answer.json["connections"] if c["name"] == name)

    def audit(self, connection=None):
        answer = self.gateway.get("/api/audit" + (f"?connection={connection}" if connection else ""))
        self.assertEqual(answer.status, 200, answer)
        return answer.json["entries"]

    def refreshes(self):
        return [r for r in self.sim.requests() if r["path"].endswith("/refreshToken")]


class Fresh(KeeperWorld):
    def test_short_tokens_are_refreshed_again_and_again_without_a_request(self):
        self.sim.policy(accessLifetime=6)
        self.two_accounts()
        begun = len(self.refreshes())
        wait_for(lambda: len(self.refreshes()) >= begun + 6, 60, "six refreshes by the keeper")
        for name in ("kiro-dev", "kiro-pro"):
            # While a refresh is on its way there is no time of the next one yet.
            health = wait_for(lambda: (lambda h: h if h["lastCheckAt"] and h["nextCheckAt"] else None)(self.health(name)), 30,
                              f"a finished check of {name} and the next one's time")
            self.assertEqual((health["status"], health["failures"], health["lastError"]), ("healthy", 0, None), health)
            self.assertTrue(health["tokenExpiresAt"])
        def written():
            return [e for e in self.audit("kiro-dev") if e["action"] == "token.refreshed" and e["actor"] == "service"]
        wait_for(lambda: written() and written()[0]["detail"].get("count", 1) >= 2, 60, "the second refresh in the audit log")
        self.assertEqual(len(written()), 1, "one counted entry a day")

    def test_what_a_person_disabled_is_left_alone(self):
        self.sim.policy(accessLifetime=6)
        self.two_accounts()
        self.assertEqual(self.gateway.post("/api/providers/kiro-dev/disable").status, 200)
        self.assertEqual(self.gateway.post("/api/providers/kiro-pro/disable").status, 200)
        before = len(self.refreshes())
        third = self.sim.account(email="third@example.com")
        self.gateway.import_account(third, "third")
        wait_for(lambda: self.health("third")["lastCheckAt"], 30, "the third account to be refreshed")
        wait_for(lambda: len(self.refreshes()) >= before + 4, 60)
        self.assertIsNone(self.health("kiro-dev")["lastCheckAt"])
        self.assertEqual(self.health("kiro-dev")["status"], "disabled")
        self.assertEqual(self.gateway.post("/api/providers/kiro-dev/enable").status, 200)
        wait_for(lambda: self.health("kiro-dev")["lastCheckAt"], 30, "the enabled account to be refreshed")


class Failing(KeeperWorld):
    def test_failures_are_shown_erase_nothing_and_pass(self):
        self.sim.policy(accessLifetime=6)
        self.two_accounts()
        self.sim.fault(target="social.refresh", mode="status", status=500, count=-1)
        failing = wait_for(lambda: (lambda h: h if h["failures"] else None)(self.health("kiro-dev")), 30)
        self.assertEqual(failing["status"], "warning")
        self.assertTrue(failing["lastError"])
        self.assertEqual(failing["state"]["name"], "active")
        self.assertEqual(self.gateway.stop(), 0)
        self.gateway.start()
        self.assertGreaterEqual(self.health("kiro-dev")["failures"], 1, "a restart forgets no back-off")
        self.sim.clear_faults()
        self.assertEqual(self.gateway.refresh("kiro-dev").status, 200)
        self.assertEqual(self.health("kiro-dev")["failures"], 0)

    def test_what_a_request_found_dead_is_shown_as_what_the_keeper_found(self):
        self.two_accounts()
        for account in (self.dev, self.pro):
            self.assertIn(self.sim.post(f"/__control/accounts/{account['accountId']}/revoke").status, (200, 204))
        self.assertEqual(self.gateway.chat("kiro/kiro-dev").status, 401)
        self.assertEqual(self.gateway.refresh("kiro-pro").status, 401)
        found, checked = self.health("kiro-dev"), self.health("kiro-pro")
        for health in (found, checked):
            self.assertEqual((health["status"], health["state"]["name"], health["failures"]), ("error", "reauth_required", 1), health)
            self.assertTrue(health["lastCheckAt"], health)
        self.assertTrue(found["lastError"])
        self.assertEqual(found["lastError"], checked["lastError"])
        self.assertNotIn(self.dev["refreshToken"], found["lastError"])
        self.assertEqual(self.gateway.chat("kiro/kiro-dev").status, 401)
        self.assertEqual(self.health("kiro-dev")["failures"], 1, "nobody is asked again")
        self.assertEqual(self.gateway.stop(), 0)
        self.gateway.start()
        self.assertEqual(self.health("kiro-dev")["lastError"], found["lastError"], "a restart forgets nothing")
        signin = self.gateway.post("/api/oauth/kiro/signin", {"method": "builder_id", "mode": "replace", "connectionId": "kiro-dev"}).json
        self.sim.post("/__control/device/approve", {"userCode": signin["userCode"], "accountId": self.dev["accountId"]})
        wait_for(lambda: self.health("kiro-dev")["state"]["name"] == "active", 30)
        self.assertEqual((self.health("kiro-dev")["status"], self.health("kiro-dev")["lastError"]), ("healthy", None))
        self.assertEqual(self.gateway.stop(), 0)
        self.gateway.start()
        self.assertEqual((self.health("kiro-dev")["status"], self.health("kiro-dev")["lastError"]), ("healthy", None), "nor does it come back")

    def test_a_suspension_that_a_request_found_is_shown_too(self):
        self.two_accounts()
        self.assertEqual(self.sim.post(f"/__control/accounts/{self.dev['accountId']}", {"suspended": True}).status, 200)
        self.assertEqual(self.gateway.chat("kiro/kiro-dev").status, 403)
        health = self.health("kiro-dev")
        self.assertEqual((health["status"], health["state"]["name"], health["failures"]), ("error", "suspended", 1), health)
        self.assertTrue(health["lastError"])

    def test_a_dead_token_asks_for_one_sign_in_and_touches_nobody_else(self):
        self.sim.policy(accessLifetime=8)
        self.two_accounts()
        self.combo()
        self.assertIn(self.sim.post(f"/__control/accounts/{self.dev['accountId']}/revoke").status, (200, 204))
        wait_for(lambda: self.health("kiro-dev")["state"]["name"] == "reauth_required", 40, "the dead token to be noticed")
        self.assertEqual(self.health("kiro-dev")["status"], "error")
        self.assertEqual(self.health("kiro-pro")["state"]["name"], "active")
        self.assertEqual(self.gateway.chat("my-kiro").status, 200)
        self.assertIn("connection.reauth_required", [e["action"] for e in self.audit("kiro-dev")])
        signin = self.gateway.post("/api/oauth/kiro/signin",
                                   {"method": "builder_id", "mode": "replace", "connectionId": "kiro-dev"}).json
        self.sim.post("/__control/device/approve", {"userCode": signin["userCode"], "accountId": self.dev["accountId"]})
        wait_for(lambda: self.health("kiro-dev")["state"]["name"] == "active", 30)
        self.assertEqual(self.health("kiro-dev")["connectionId"], self.dev_id)
        self.assertEqual(self.gateway.chat("kiro/kiro-dev").status, 200)


class RegistrationUrgent(KeeperWorld):
    # The simulator's clock is 88 days late: registrations that it makes now end in two days.
    sim_options = (f"--clock-offset=-{88 * 86400}",)

    def test_a_registration_near_its_end_is_counted_down_and_logged(self):
        self.two_accounts()
        registration = self.health("kiro-dev")["registration"]
        self.assertIn(registration["daysLeft"], (1, 2), registration)
        self.assertEqual(registration["level"], "urgent")
        wait_for(lambda: "a client registration ends soon" in self.gateway.log(), 30, "the warning in the log")

    def test_where_the_issuer_allows_it_is_renewed_by_itself(self):
        self.two_accounts()
        before = self.gateway.record("kiro-dev")["providerSpecificData"]["clientId"]
        wait_for(lambda: self.gateway.record("kiro-dev")["providerSpecificData"]["clientId"] != before, 30,
                 "the registration to be renewed")
        wait_for(lambda: "registration.renewed" in [e["action"] for e in self.audit("kiro-dev")], 10, "the renewal in the audit log")
        self.assertEqual(self.gateway.refresh("kiro-dev").status, 200)


class RegistrationExpired(KeeperWorld):
    sim_options = (f"--clock-offset=-{91 * 86400}",)

    def test_where_it_is_refused_one_sign_in_in_place_helps(self):
        signin = self.gateway.post("/api/oauth/kiro/signin", {"method": "builder_id", "name": "kiro-dev"}).json
        self.sim.post("/__control/device/approve", {"userCode": signin["userCode"]})
        wait_for(lambda: self.gateway.get("/api/providers").json["total"] == 1, 30)
        wait_for(lambda: self.health("kiro-dev")["state"]["name"] == "reauth_required", 30, "the expiry to be acted on")
        health = self.health("kiro-dev")
        self.assertEqual(health["registration"]["level"], "expired")
        self.assertEqual(health["state"]["reason"], "registration_expired")
        self.sim.post("/__control/clock/advance", {"seconds": 91 * 86400})
        again = self.gateway.post("/api/oauth/kiro/signin",
                                  {"method": "builder_id", "mode": "replace", "connectionId": "kiro-dev"}).json
        self.sim.post("/__control/device/approve", {"userCode": again["userCode"], "accountId": self.gateway.person_of("kiro-dev")})
        wait_for(lambda: self.health("kiro-dev")["state"]["name"] == "active", 30)
        self.assertGreater(self.health("kiro-dev")["registration"]["daysLeft"], 80)
        self.assertEqual(self.health("kiro-dev")["connectionId"], health["connectionId"])


class Edits(KeeperWorld):
    def test_the_second_of_two_editors_is_told(self):
        self.two_accounts()
        version = self.gateway.record(self.dev_id)["version"]
        headers = {"If-Match": f'"{version}"'}
        path = f"/api/providers/{self.dev_id}"
        self.assertEqual(self.gateway.call("PATCH", path, {"name": "one"}, headers=headers).status, 200)
        late = self.gateway.call("PATCH", path, {"name": "two"}, headers=headers)
        self.assertEqual((late.status, late.json["error"]["reason"]), (409, "version_changed"), late)
        self.assertEqual(self.gateway.record(self.dev_id)["name"], "one")


if __name__ == "__main__":
    unittest.main()
