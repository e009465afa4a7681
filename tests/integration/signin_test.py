"""Sign-ins over REST: device code, Google and GitHub, in place, cancelled, refused, expired; and the older addresses for them."""
import http.client
import json
import os
import signal
import unittest
import urllib.parse

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


class Restart(SignIn):
    def test_a_sign_in_goes_on_after_a_restart_and_after_a_kill(self):
        for how in (signal.SIGTERM, signal.SIGKILL):
            signin = self.start(method="builder_id", name=f"after-{how.name.lower()}")
            self.gateway.stop(how)
            with open(os.path.join(self.data, "omniroute.sqlite"), "rb") as file:
                kept = file.read()
            for secret in self.secrets():
                self.assertNotIn(secret.encode(), kept)
            self.approve(signin)
            self.gateway.start()
            again = self.status(signin)
            for part in ("userCode", "verificationUri", "expiresAt", "name", "method", "startedAt"):
                self.assertEqual(again[part], signin[part])
            connection = self.completed(signin)
            record = self.gateway.record(connection)
            self.assertEqual((record["name"], record["providerSpecificData"]["isolation"]), (signin["name"], "dedicated"))
            self.assertEqual(self.gateway.refresh(connection).status, 200)

    def test_in_place_goes_on_in_place(self):
        self.two_accounts()
        signin = self.start(method="github", mode="replace", connectionId="kiro-dev")
        self.gateway.stop(signal.SIGKILL)
        self.gateway.start()
        self.approve(signin, accountId=self.dev["accountId"])
        self.assertEqual(self.completed(signin), self.dev_id)
        self.assertEqual(self.gateway.record(self.dev_id)["name"], "kiro-dev")

    def test_a_browser_form_is_finished_after_a_restart(self):
        signin = self.start(method="google", form="browser", name="desk")
        self.gateway.stop(signal.SIGKILL)
        self.gateway.start()
        page = urllib.parse.urlsplit(signin["url"])
        shown = self.sim.get(f"/portal/signin?{page.query}")
        done = self.gateway.post(f"/api/oauth/signin/{signin['id']}/finish", {"callbackUrl": shown.headers["location"]})
        self.assertEqual((done.status, done.json["status"]), (200, "complete"), done)
        self.assertEqual(self.gateway.refresh("desk").status, 200)

    def test_what_has_ended_is_gone_and_said_so(self):
        signin = self.start(method="builder_id")
        self.gateway.call("DELETE", f"/api/oauth/signin/{signin['id']}")
        self.gateway.stop()
        self.gateway.start()
        answer = self.gateway.get(f"/api/oauth/signin/{signin['id']}")
        self.assertEqual(answer.status, 404, answer)
        self.assertIn("restarted", answer.json["error"]["message"])


class BrowserForm(SignIn):
    def finish(self, signin, url):
        return self.gateway.post(f"/api/oauth/signin/{signin['id']}/finish", {"callbackUrl": url})

    def test_a_person_at_a_desktop(self):
        signin = self.start(method="google", form="browser", name="desk")
        page = urllib.parse.urlsplit(signin["url"])
        self.assertIn(urllib.parse.parse_qs(page.query)["redirect_uri"][0].rsplit(":", 1)[1],
                      ("3128", "4649", "6588", "8008", "9091", "49153", "50153", "51153", "52153", "53153"))
        back = self.sim.get(f"/portal/signin?{page.query}").headers["location"]
        for wrong in ("", "http://localhost:3128/", back.replace("state=", "state=x"), "https://evil.example/?code=1"):
            answer = self.finish(signin, wrong)
            self.assertEqual(answer.status, 400, (wrong, answer))
            self.assertEqual(self.status(signin)["status"], "pending", "a mistyped address costs nothing")
        done = self.finish(signin, back)
        self.assertEqual((done.status, done.json["status"]), (200, "complete"), done)
        data = self.gateway.record("desk")["providerSpecificData"]
        self.assertEqual(data["isolation"], "registered", "a registration of its own like all others")
        self.assertTrue(data["clientId"])
        self.assertEqual(self.gateway.chat("kiro/desk").status, 200)

    def test_denied(self):
        signin = self.start(method="github", form="browser")
        page = urllib.parse.urlsplit(signin["url"])
        back = self.sim.get(f"/portal/signin?{page.query}&deny=1").headers["location"]
        answer = self.finish(signin, back)
        self.assertIn(answer.status, (400, 401, 403), answer)
        self.assertEqual(self.gateway.get("/api/providers").json["total"], 0)


class ImportInPlace(SignIn):
    def test_a_token_takes_the_place_of_a_dead_one(self):
        self.two_accounts()
        self.combo()
        self.sim.post(f"/__control/accounts/{self.dev['accountId']}/revoke")
        self.assertEqual(self.gateway.refresh(self.dev_id).status, 401)
        new = self.sim.post(f"/__control/accounts/{self.dev['accountId']}/signin").json
        answer = self.gateway.post("/api/oauth/kiro/import", {
            "refreshToken": new["refreshToken"], "mode": "replace", "connectionId": "kiro-dev"})
        self.assertEqual((answer.status, answer.json["connection"]["id"]), (200, self.dev_id), answer)
        self.assertEqual(self.gateway.record("kiro-dev")["state"]["name"], "active")
        self.assertIn("kiro-dev", self.gateway.chat("my-kiro").headers["x-omniroute-connection"])
        # The token of another account here is not taken twice.
        other = self.gateway.post("/api/oauth/kiro/import", {
            "refreshToken": self.pro["refreshToken"], "mode": "replace", "connectionId": "kiro-dev"})
        self.assertEqual(other.status, 409, other)
        self.assertEqual(self.gateway.refresh(self.dev_id).status, 200)


class InPlace(SignIn):
    def test_replace_keeps_id_name_and_combos_and_changes_the_session(self):
        self.two_accounts()
        self.combo()
        before = self.gateway.record(self.dev_id)
        signin = self.start(method="builder_id", mode="replace", connectionId="kiro-dev")
        self.assertEqual(signin["connectionId"], self.dev_id)
        self.assertEqual(self.gateway.record(self.dev_id)["providerSpecificData"], before["providerSpecificData"])
        self.approve(signin, accountId=self.dev["accountId"])
        self.assertEqual(self.completed(signin), self.dev_id)
        after = self.gateway.record(self.dev_id)
        self.assertEqual((after["id"], after["name"]), (before["id"], before["name"]))
        self.assertEqual(after["providerSpecificData"]["isolation"], "dedicated")
        self.assertNotEqual(after["providerSpecificData"]["clientId"], before["providerSpecificData"]["clientId"])
        self.assertEqual(self.gateway.get("/api/providers").json["total"], 2)
        self.assertEqual(self.gateway.refresh(self.dev_id).status, 200)
        self.assertEqual(self.gateway.chat("my-kiro").status, 200)


    def test_an_account_never_becomes_another_persons(self):
        self.two_accounts()
        before = self.gateway.record(self.dev_id)
        signin = self.start(method="builder_id", mode="replace", connectionId="kiro-dev")
        self.approve(signin, email="stranger@example.com")
        ended = self.ended(signin)
        self.assertEqual((ended["status"], ended["error"]["code"]), ("failed", "conflict"), ended)
        for person in ("stranger@example.com", before["email"]):
            self.assertIn(person, ended["error"]["message"])
        stranger = self.sim.account(email="other@example.com")
        refused = self.gateway.post("/api/oauth/kiro/import", {
            "refreshToken": stranger["refreshToken"], "mode": "replace", "connectionId": "kiro-dev"})
        self.assertEqual(refused.status, 409, refused)
        self.assertEqual(self.gateway.record(self.dev_id), before)
        self.assertEqual(self.gateway.refresh(self.dev_id).status, 200)


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
