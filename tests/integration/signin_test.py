"""Sign-ins over REST: device code, Google and GitHub, in place, cancelled, refused, expired; and the older addresses for them."""
import http.client
import json
import unittest

from harness import World, wait_for


class SignIn(World):
    def start(self, **body):
        answer = self.gateway.post("/api/oauth/kiro/signin", body)
        self.assertEqual(answer.status, 202, answer)
        return answer.json

    def status(self, signin):
        answer = self.gateway.get(f"/api/oauth/signin/{signin['id']}")
        self.assertEqual(answer.status, 200, answer)
        return answer.json

    def approve(self, signin, **who):
        answer = self.sim.post("/__control/device/approve", {"userCode": signin["userCode"], **who})
        self.assertIn(answer.status, (200, 201, 204), answer)

    def ended(self, signin):
        return wait_for(lambda: (lambda s: s if s["status"] != "pending" else None)(self.status(signin)), 30,
                        "the sign-in to end")

    def completed(self, signin):
        done = self.ended(signin)
        self.assertEqual(done["status"], "complete", done)
        return done["connectionId"]

    def secrets(self):
        state = self.sim.get("/__control/state?reveal=1").body.decode()
        return {word for word in state.replace('"', " ").split() if len(word) > 60 and not word.startswith("arn:")}


class Device(SignIn):
    def test_builder_id_ends_in_a_dedicated_account_while_nobody_watches(self):
        signin = self.start(method="builder_id", name="kiro-dev")
        self.assertEqual(signin["status"], "pending")
        self.assertTrue(signin["userCode"])
        self.assertTrue(signin["verificationUri"].startswith("http"))
        self.approve(signin)
        wait_for(lambda: self.gateway.get("/api/providers").json["total"] == 1, 30, "the account to appear")
        record = self.gateway.record("kiro-dev")
        data = record["providerSpecificData"]
        self.assertEqual(data["isolation"], "dedicated")
        self.assertTrue(data["clientId"])
        self.assertGreater(int(data["clientSecretExpiresAt"]), 0)
        self.assertEqual(record["secrets"]["refreshToken"], "••••")
        self.assertEqual(self.gateway.refresh("kiro-dev").status, 200)
        self.assertEqual(self.gateway.chat("kiro/kiro-dev").status, 200)
        actions = [e["action"] for e in self.gateway.get("/api/audit?connection=kiro-dev").json["entries"]]
        self.assertIn("connection.signed_in", actions)

    def test_identity_center_with_its_start_url_and_region(self):
        signin = self.start(method="idc", startUrl="https://d-1234567890.awsapps.com/start", region="eu-west-1", name="work")
        self.approve(signin)
        connection = self.completed(signin)
        data = self.gateway.record(connection)["providerSpecificData"]
        self.assertEqual((data["region"], data["isolation"]), ("eu-west-1", "dedicated"))
        self.assertTrue(any("/oidc/eu-west-1/" in r["path"] for r in self.sim.requests()))
        self.assertFalse(any("/oidc/us-east-1/" in r["path"] for r in self.sim.requests()))

    def test_two_sign_ins_at_once_do_not_meet(self):
        first, second = self.start(method="builder_id", name="a"), self.start(method="builder_id", name="b")
        self.approve(second)
        b = self.completed(second)
        self.assertEqual(self.status(first)["status"], "pending")
        self.approve(first)
        a = self.completed(first)
        clients = [self.gateway.record(i)["providerSpecificData"]["clientId"] for i in (a, b)]
        self.assertNotEqual(clients[0], clients[1])
        for _ in range(3):
            for connection in (a, b):
                self.assertEqual(self.gateway.refresh(connection).status, 200)

    def test_denied_consent_is_a_clear_end(self):
        signin = self.start(method="builder_id")
        self.sim.post("/__control/device/deny", {"userCode": signin["userCode"]})
        done = self.ended(signin)
        self.assertEqual(done["status"], "failed")
        self.assertEqual(done["error"]["reason"], "access_denied")
        self.assertEqual(self.gateway.get("/api/providers").json["total"], 0)

    def test_an_expired_code_is_a_clear_end(self):
        signin = self.start(method="builder_id")
        self.sim.post("/__control/clock/advance", {"seconds": 4000})
        self.assertEqual(self.ended(signin)["status"], "expired")

    def test_cancel(self):
        signin = self.start(method="builder_id")
        answer = self.gateway.call("DELETE", f"/api/oauth/signin/{signin['id']}")
        self.assertEqual((answer.status, answer.json["status"]), (200, "cancelled"))
        self.approve(signin)
        self.assertEqual(self.gateway.get("/api/providers").json["total"], 0)

    def test_a_sign_in_service_that_fails_for_a_while_is_waited_for(self):
        signin = self.start(method="builder_id")
        self.sim.fault(target="oidc.token", mode="status", status=500, count=2)
        self.approve(signin)
        self.completed(signin)

    def test_no_secret_leaves(self):
        signin = self.start(method="builder_id", name="s")
        shown = json.dumps(signin)
        self.approve(signin)
        self.completed(signin)
        shown += json.dumps(self.status(signin)) + self.gateway.get("/api/providers").body.decode()
        shown += self.gateway.get("/api/audit").body.decode() + self.gateway.log()
        for secret in self.secrets():
            if secret != self.gateway.record("s")["providerSpecificData"]["clientId"]:
                self.assertNotIn(secret, shown)


class InPlace(SignIn):
    def test_replace_keeps_id_name_and_combos_and_changes_the_session(self):
        self.two_accounts()
        self.combo()
        before = self.gateway.record(self.dev_id)
        signin = self.start(method="builder_id", mode="replace", connectionId="kiro-dev")
        self.assertEqual(signin["connectionId"], self.dev_id)
        self.assertEqual(self.gateway.record(self.dev_id)["providerSpecificData"], before["providerSpecificData"])
        self.approve(signin)
        self.assertEqual(self.completed(signin), self.dev_id)
        after = self.gateway.record(self.dev_id)
        self.assertEqual((after["id"], after["name"]), (before["id"], before["name"]))
        self.assertEqual(after["providerSpecificData"]["isolation"], "dedicated")
        self.assertNotEqual(after["providerSpecificData"]["clientId"], before["providerSpecificData"]["clientId"])
        self.assertEqual(self.gateway.get("/api/providers").json["total"], 2)
        self.assertEqual(self.gateway.refresh(self.dev_id).status, 200)
        self.assertEqual(self.gateway.chat("my-kiro").status, 200)


class Social(SignIn):
    def test_google_and_github_end_in_accounts_with_registrations_of_their_own(self):
        clients = set()
        for login in ("google", "github"):
            signin = self.start(method=login, name=login)
            self.approve(signin)
            connection = self.completed(signin)
            data = self.gateway.record(connection)["providerSpecificData"]
            self.assertEqual(data["isolation"], "registered", data)
            clients.add(data["clientId"])
            self.assertEqual(self.gateway.refresh(connection).status, 200)
        self.assertEqual(len(clients), 2)


class OldAddresses(SignIn):
    def test_device_code_and_poll(self):
        code = self.gateway.get("/api/oauth/kiro/device-code")
        self.assertEqual(code.status, 200, code)
        self.assertNotIn("_clientSecret", code.json)
        body = {"deviceCode": code.json["device_code"], "extraData": {}}
        pending = self.gateway.post("/api/oauth/kiro/poll", body)
        self.assertEqual((pending.status, pending.json["success"], pending.json["pending"]), (200, False, True))
        self.approve({"userCode": code.json["user_code"]})
        done = wait_for(lambda: (lambda a: a if a.json["success"] else None)(self.gateway.post("/api/oauth/kiro/poll", body)))
        self.gateway.record(done.json["connection"]["id"])

    def test_social_authorize_and_exchange(self):
        self.assertEqual(self.gateway.get("/api/oauth/kiro/social-authorize?provider=x").status, 400)
        code = self.gateway.get("/api/oauth/kiro/social-authorize?provider=github")
        self.assertEqual(code.status, 200, code)
        self.approve({"userCode": code.json["userCode"]})
        body = {"deviceCode": code.json["deviceCode"], "provider": "github"}
        wait_for(lambda: self.gateway.post("/api/oauth/kiro/social-exchange", body).json["success"])

    def test_a_page_cannot_make_a_browser_start_one(self):
        answer = self.gateway.get("/api/oauth/kiro/device-code", headers={"Sec-Fetch-Site": "cross-site"})
        self.assertEqual(answer.status, 403, answer)


class Events(SignIn):
    def test_a_watcher_hears_of_the_end(self):
        signin = self.start(method="builder_id")
        connection = http.client.HTTPConnection(self.gateway.host, self.gateway.port, timeout=30)
        self.addCleanup(connection.close)
        connection.request("GET", f"/api/oauth/signin/{signin['id']}/events")
        stream = connection.getresponse()
        self.assertEqual(stream.status, 200)
        self.assertTrue(stream.getheader("content-type").startswith("text/event-stream"))
        self.approve(signin)
        states = [json.loads(line[6:])["status"] for line in stream.read().decode().split("\n") if line.startswith("data: ")]
        self.assertEqual((states[0], states[-1]), ("pending", "complete"))


class BadInput(SignIn):
    def test_each_mistake_is_named(self):
        for body, status, field in (
                ({}, 400, "method"), ({"method": "magic"}, 400, "method"), ({"method": "idc"}, 400, "startUrl"),
                ({"method": "idc", "startUrl": "https://evil.example/start"}, 400, "startUrl"),
                ({"method": "idc", "startUrl": "https://d-1.awsapps.com/start", "region": "x.evil/"}, 400, "region"),
                ({"method": "builder_id", "mode": "replace"}, 400, "connectionId"),
                ({"method": "builder_id", "mode": "replace", "connectionId": "nobody"}, 404, "id"),
                ({"method": "builder_id", "proxyId": "nobody"}, 404, "proxyId")):
            answer = self.gateway.post("/api/oauth/kiro/signin", body)
            self.assertEqual((answer.status, answer.json["error"].get("field")), (status, field), body)
        self.assertEqual([r for r in self.sim.requests() if "/oidc/" in r["path"]], [])
        self.assertEqual(self.gateway.get("/api/oauth/signin/nobody").status, 404)


if __name__ == "__main__":
    unittest.main()
