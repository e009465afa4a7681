"""What the user guide of OmniRoute promises for Kiro, item by item: the acceptance list of this project."""
import http.client
import json
import os
import signal
import socket
import sqlite3
import time
import unittest

from harness import World, wait_for


class Acceptance(World):
    def sign_in(self, **body):
        answer = self.gateway.post("/api/oauth/kiro/signin", body)
        self.assertEqual(answer.status, 202, answer)
        who = {"accountId": self.gateway.person_of(body["connectionId"])} if "connectionId" in body else {}
        self.sim.post("/__control/device/approve", {"userCode": answer.json["userCode"], **who})
        path = f"/api/oauth/signin/{answer.json['id']}"
        done = wait_for(lambda: (lambda s: s if s["status"] != "pending" else None)(self.gateway.get(path).json), 40)
        self.assertEqual(done["status"], "complete", done)
        return done["connectionId"]

    def plain(self, connection):
        return self.gateway.record(connection)["providerSpecificData"]

    def both_refresh_in_turns(self, first, second, times=5):
        for _ in range(times):
            for connection in (first, second):
                answer = self.gateway.refresh(connection)
                self.assertEqual(answer.status, 200, answer)

    def health(self, name):
        return next(c for c in self.gateway.get("/api/token-health").json["connections"] if c["name"] == name)


class Item01TwoImports(Acceptance):
    def test_two_tokens_give_two_rows_with_their_own_client_ids_that_do_not_end_each_other(self):
        self.two_accounts()
        self.assertNotEqual(self.plain(self.dev_id)["clientId"], self.plain(self.pro_id)["clientId"])
        self.assertTrue(self.plain(self.dev_id)["clientId"])
        self.both_refresh_in_turns(self.dev_id, self.pro_id)


class Item02SocialAndAutoImport(Acceptance):
    def test_two_social_sign_ins(self):
        a, b = self.sign_in(method="google", name="a"), self.sign_in(method="github", name="b")
        self.assertNotEqual(self.plain(a)["clientId"], self.plain(b)["clientId"])
        self.both_refresh_in_turns(a, b)

    def test_auto_import_finds_all_lists_them_first_and_imports_the_chosen(self):
        home = os.path.join(self.work, "home")
        cli = self.sim.account(kind="builder_id", email="cli@example.com")
        ide = self.sim.account(kind="social", email="ide@example.com")
        ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
        database = os.path.join(home, ".local/share/kiro-cli/data.sqlite3")
        os.makedirs(os.path.dirname(database))
        with sqlite3.connect(database) as db:
            db.execute("CREATE TABLE auth_kv(key TEXT PRIMARY KEY, value TEXT)")
            db.execute("INSERT INTO auth_kv VALUES(?, ?)", ("kirocli:odic:token", json.dumps({
                "access_token": cli["accessToken"], "refresh_token": cli["refreshToken"], "expires_at": ends,
                "region": "us-east-1", "start_url": "https://view.awsapps.com/start", "oauth_flow": "DeviceCode"})))
            db.execute("INSERT INTO auth_kv VALUES(?, ?)", ("kirocli:odic:device-registration", json.dumps({
                "client_id": cli["clientId"], "client_secret": cli["clientSecret"], "client_secret_expires_at": ends,
                "region": "us-east-1"})))
        cache = os.path.join(home, ".aws/sso/cache")
        os.makedirs(cache)
        with open(os.path.join(cache, "kiro-auth-token.json"), "w") as file:
            json.dump({"accessToken": ide["accessToken"], "refreshToken": ide["refreshToken"], "expiresAt": ends,
                       "authMethod": "social", "provider": "Google", "profileArn": ide["profileArn"]}, file)
        self.gateway.stop()
        old = os.environ.get("HOME")
        os.environ["HOME"] = home
        self.addCleanup(lambda: os.environ.update(HOME=old or "/"))
        self.gateway.start()
        before = len(self.sim.requests())
        listing = self.gateway.get("/api/oauth/kiro/auto-import")
        self.assertEqual(listing.status, 200, listing)
        self.assertEqual(len(self.sim.requests()), before, "a GET has no side effect")
        found = listing.json["found"]
        self.assertEqual(len(found), 2, listing)
        answer = self.gateway.post("/api/oauth/kiro/auto-import", {"items": [item["id"] for item in found]})
        self.assertEqual((answer.status, answer.json["imported"]), (200, 2), answer)
        ids = [result["connection"]["id"] for result in answer.json["results"]]
        for connection in ids:
            self.assertIn(self.plain(connection)["isolation"], ("shared", "registered", "dedicated"))
            self.assertTrue(self.plain(connection)["isolationReason"])
        self.both_refresh_in_turns(*ids, times=2)


class Item03SharedSessions(Acceptance):
    def test_a_shared_row_says_so_and_is_isolated_in_place(self):
        account = self.sim.account(kind="builder_id", email="tool@example.com")
        connection = self.gateway.import_account(account, "tool", clientId=account["clientId"],
                                                 clientSecret=account["clientSecret"])
        self.assertEqual(self.plain(connection)["isolation"], "shared")
        self.assertEqual(self.health("tool")["isolation"], "shared")
        answer = self.gateway.post(f"/api/providers/{connection}/isolate")
        self.assertEqual(answer.status, 200, answer)
        self.assertTrue(answer.json["signInNeeded"], "the strict issuer does not move a session")
        again = self.sign_in(method="builder_id", **answer.json["signIn"]["body"])
        self.assertEqual(again, connection)
        self.assertEqual(self.gateway.record(connection)["name"], "tool")
        self.assertEqual(self.plain(connection)["isolation"], "dedicated")


class Item03WhereTheIssuerAllows(Acceptance):
    sim_options = ("--foreign-refresh=adopt",)

    def test_isolate_moves_the_session_without_a_person(self):
        account = self.sim.account(kind="builder_id", email="tool@example.com")
        connection = self.gateway.import_account(account, "tool", clientId=account["clientId"],
                                                 clientSecret=account["clientSecret"])
        answer = self.gateway.post("/api/providers/tool/isolate")
        self.assertEqual((answer.status, answer.json["isolation"]), (200, "dedicated"), answer)
        self.assertNotEqual(self.plain(connection)["clientId"], account["clientId"])
        self.assertEqual(self.gateway.refresh(connection).status, 200)


class Item04Regions(Acceptance):
    def registered_in(self):
        return [r["path"] for r in self.sim.requests() if r["path"].endswith("/client/register")]

    def test_the_region_of_the_request_else_us_east_1_and_mistakes_are_400(self):
        self.gateway.import_account(self.sim.account(email="a@example.com"), region="eu-west-1")
        self.gateway.import_account(self.sim.account(email="b@example.com"))
        self.assertEqual(self.registered_in(), ["/oidc/eu-west-1/client/register", "/oidc/us-east-1/client/register"])
        token = self.sim.account(email="c@example.com")["refreshToken"]
        for body, field in (({"refreshToken": token, "region": "evil.example/"}, "region"),
                            ({"refreshToken": "wrong" + token}, "refreshToken"), ({}, "refreshToken")):
            answer = self.gateway.post("/api/oauth/kiro/import", body)
            self.assertEqual((answer.status, answer.json["error"]["field"]), (400, field), answer)


class Item05DeviceCode(Acceptance):
    def test_builder_id_and_identity_center_end_isolated_with_the_end_of_their_registration(self):
        for form in ({"method": "builder_id"},
                     {"method": "idc", "startUrl": "https://d-1234567890.awsapps.com/start", "region": "eu-central-1"}):
            data = self.plain(self.sign_in(**form))
            self.assertEqual(data["isolation"], "dedicated")
            self.assertGreater(int(data["clientSecretExpiresAt"]), time.time() * 1000)


class Item06ApiKey(Acceptance):
    def test_every_call_says_api_key_and_none_refreshes(self):
        key = self.sim.account(kind="api_key", email="key@example.com")
        answer = self.gateway.post("/api/oauth/kiro/import", {"apiKey": key["apiKey"], "name": "key"})
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(self.plain("key")["authMethod"], "api_key")
        self.assertEqual(self.gateway.chat("kiro/key").status, 200)
        self.assertEqual(self.gateway.post("/api/providers/key/test").json["valid"], True)
        calls = [r for r in self.sim.requests() if "/runtime/" in r["path"] or "/management/" in r["path"]]
        self.assertTrue(calls)
        for call in calls:
            headers = {name.lower(): value for name, value in call["headers"].items()}
            self.assertEqual(headers.get("tokentype"), "API_KEY", call["path"])
        self.assertEqual([r for r in self.sim.requests() if "refreshToken" in r["path"] or r["path"].endswith("/token")], [])


class Item07RealChecks(Acceptance):
    def test_active_means_asked(self):
        self.two_accounts()
        for name in ("kiro-dev", "kiro-pro"):
            before = len(self.sim.requests())
            result = self.gateway.post(f"/api/providers/{name}/test").json
            self.assertTrue(result["valid"], result)
            self.assertGreater(len(self.sim.requests()), before, "a test that asks nobody tests nothing")
            self.assertEqual(self.gateway.record(name)["testStatus"], "active")
            self.assertEqual(self.health(name)["status"], "healthy")
            self.assertTrue(self.health(name)["lastCheckAt"])
        self.sim.post(f"/__control/accounts/{self.dev['accountId']}/revoke")
        found = self.gateway.post("/api/providers/kiro-dev/test").json
        self.assertFalse(found["valid"], found)
        self.assertTrue(self.gateway.post("/api/providers/kiro-pro/test").json["valid"])


class Item08Failover(Acceptance):
    def test_the_second_account_serves_on_429_402_5xx_and_suspension_and_not_on_400(self):
        for status, body in ((429, {"__type": "x#ThrottlingException", "message": "slow down"}),
                             (402, {"__type": "x#ServiceQuotaExceededException", "message": "m",
                                    "reason": "MONTHLY_REQUEST_COUNT"}),
                             (500, {"message": "m"}), (503, {"message": "m"}),
                             (403, {"message": "Your User ID (u) temporarily is suspended"})):
            with self.subTest(status):
                self.two_accounts()
                self.combo()
                self.sim.turn(account=self.dev["accountId"], repeat=-1, status=status, body=body)
                answer = self.gateway.chat("my-kiro", "hello again")
                self.assertEqual(answer.status, 200, answer)
                self.assertIn("hello again", answer.body.decode())
                self.assertIn("kiro-pro", answer.headers["x-omniroute-connection"])
                self.assertGreaterEqual(self.data_calls(), 2, "kiro-dev was never asked")
                self.reset()
        self.two_accounts()
        self.combo()
        self.sim.turn(account=self.dev["accountId"], status=400,
                      body={"__type": "x#ValidationException", "message": "Improperly formed request."})
        before = self.data_calls()
        self.assertEqual(self.gateway.chat("my-kiro").status, 400)
        self.assertEqual(self.data_calls(), before + 1, "a client's mistake is not tried elsewhere")

    def test_on_a_timeout_and_on_a_connection_that_breaks(self):
        for fault in ({"mode": "stall", "delayMs": 20000}, {"mode": "reset_before_headers"}, {"mode": "reset_after_headers"}):
            with self.subTest(fault["mode"]):
                self.two_accounts()
                self.combo()
                self.sim.fault(target="data", account=self.dev["accountId"], count=-1, **fault)
                answer = self.gateway.chat("my-kiro", "hello again")
                self.assertEqual(answer.status, 200, answer)
                self.assertIn("kiro-pro", answer.headers["x-omniroute-connection"])
                self.sim.clear_faults()
                self.reset()

    def test_a_caller_that_leaves_stops_everything(self):
        self.two_accounts()
        self.combo()
        self.sim.fault(target="data", account=self.dev["accountId"], count=-1, mode="stall", delayMs=30000)
        caller = http.client.HTTPConnection(self.gateway.host, self.gateway.port, timeout=30)
        caller.request("POST", "/v1/chat/completions", json.dumps({
            "model": "my-kiro", "stream": True, "messages": [{"role": "user", "content": "hello"}]}),
            {"Content-Type": "application/json"})
        wait_for(lambda: self.data_calls() == 1, 20, "the first account to be asked")
        caller.sock.shutdown(socket.SHUT_RDWR)
        caller.close()
        wait_for(lambda: self.sim.get("/__control/health").json["activeStreams"] == 0, 20, "the call upstream to end")
        self.assertEqual(self.data_calls(), 1, "another account was asked for a caller that has left")
        for name in ("kiro-dev", "kiro-pro"):
            self.assertEqual(self.gateway.record(name)["state"]["name"], "active")

    def data_calls(self):
        return len([r for r in self.sim.requests() if "GenerateAssistantResponse" in json.dumps(r["headers"])])

    def reset(self):
        self.sim.call("DELETE", "/__control/turns")
        for connection in self.gateway.get("/api/providers").json["connections"]:
            self.gateway.call("DELETE", f"/api/providers/{connection['id']}")
        for combo in self.gateway.get("/api/combos").json["combos"]:
            self.gateway.call("DELETE", f"/api/combos/{combo['id']}")


class Item09Expiry(Acceptance):
    sim_options = (f"--clock-offset=-{88 * 86400}",)

    def test_near_its_end_a_registration_is_warned_of_and_renewed_and_stored(self):
        self.two_accounts()
        self.assertEqual(self.health("kiro-dev")["registration"]["level"], "urgent")
        before = self.plain("kiro-dev")["clientId"]
        wait_for(lambda: self.plain("kiro-dev")["clientId"] != before, 30, "the renewal")
        wait_for(lambda: "a client registration ends soon" in self.gateway.log(), 30)

    def test_where_that_is_refused_it_is_re_authorised_in_place(self):
        connection = self.sign_in(method="builder_id", name="kiro-dev")
        self.combo(models=["kiro/kiro-dev"])
        client = self.plain(connection)["clientId"]
        wait_for(lambda: self.health("kiro-dev")["registration"]["renewalError"], 30, "the refusal")
        self.assertEqual(self.sign_in(method="builder_id", mode="replace", connectionId="kiro-dev"), connection)
        self.assertNotEqual(self.plain(connection)["clientId"], client)
        self.assertEqual(self.gateway.record(connection)["name"], "kiro-dev")
        self.assertEqual(self.gateway.chat("my-kiro").status, 200)


class Item10Proxy(Acceptance):
    def test_every_flow_goes_through_the_proxy_of_the_provider(self):
        try:
            from proxies import OUTGOING, PASSWORD, Tinyproxy
            proxy = Tinyproxy(self.work)
        except AssertionError as missing:
            self.skipTest(str(missing))
        self.addCleanup(proxy.stop)
        made = self.gateway.post("/api/proxies", {"name": "office", "url": proxy.url(PASSWORD)})
        self.assertEqual(made.status, 201, made)
        assigned = self.gateway.call("PUT", "/api/proxies/assignments",
                                     {"scope": "provider", "scopeId": "kiro", "proxyId": made.json["id"]})
        self.assertEqual(assigned.status, 200, assigned)
        self.sim.call("DELETE", "/__control/requests")
        self.two_accounts()
        self.sign_in(method="builder_id", name="device")
        self.sign_in(method="github", name="social")
        self.gateway.refresh("device")
        self.gateway.get("/api/providers/social/usage")
        self.gateway.get("/api/providers/social/profiles")
        self.assertEqual(self.gateway.chat("kiro/kiro-dev").status, 200)
        peers = {r["peer"] for r in self.sim.requests() if not r["path"].startswith("/__control")}
        self.assertEqual(peers, {OUTGOING})


class Item11RawJson(Acceptance):
    def test_client_id_is_shown_and_secrets_are_not(self):
        self.two_accounts()
        answer = self.gateway.get(f"/api/providers/{self.dev_id}")
        self.assertTrue(answer.json["providerSpecificData"]["clientId"])
        self.assertEqual(set(answer.json["secrets"].values()), {"••••"})
        self.assertIn("clientSecret", answer.json["secrets"])
        self.assertNotIn(self.dev["refreshToken"][:30].encode(), answer.body)


class Item12Restart(Acceptance):
    def test_a_restart_and_a_kill_keep_everything(self):
        self.two_accounts()
        self.combo()
        for how in (signal.SIGTERM, signal.SIGKILL):
            before = {c["id"]: (c["name"], c["providerSpecificData"]["clientId"])
                      for c in self.gateway.get("/api/providers").json["connections"]}
            self.gateway.stop(how)
            self.gateway.start()
            after = {c["id"]: (c["name"], c["providerSpecificData"]["clientId"])
                     for c in self.gateway.get("/api/providers").json["connections"]}
            self.assertEqual(before, after)
            self.both_refresh_in_turns(self.dev_id, self.pro_id, 1)
            self.assertEqual(self.gateway.chat("my-kiro").status, 200)


if __name__ == "__main__":
    unittest.main()
