"""Proxies, with Debian's own: every call of every flow goes through the assigned one, or nowhere."""
import os
import shutil
import tempfile
import unittest
import urllib.parse

from harness import Gateway, Simulator, stream_events, wait_for
from proxies import OUTGOING, PASSWORD, Microsocks, Tinyproxy

DIRECT = "127.0.0.1"


class ProxyWorld(unittest.TestCase):
    proxy_class = Tinyproxy
    tls = False

    def setUp(self):
        self.work = tempfile.mkdtemp(prefix="omni-it-")
        self.addCleanup(shutil.rmtree, self.work, True)
        self.data = os.path.join(self.work, "data")
        os.mkdir(self.data, 0o700)
        options = ["--tls-port=0", f"--tls-dir={self.work}"] if self.tls else []
        self.sim = Simulator(*options)
        self.addCleanup(self.sim.stop)
        self.proxy = self.proxy_class(self.work)
        self.addCleanup(lambda: self.proxy.stop())
        settings = [f"proxies.testUrls={self.base()}/runtime/us-east-1/", f"plugins.kiro.externalIdp.hosts={self.base()}"]
        if self.tls:
            settings.append(f"upstream.caFile={self.sim.ca}")
            for name, path in (("oidc", "oidc/{region}"), ("social", "auth-desktop"), ("runtime", "runtime/{region}"),
                               ("management", "management/{region}"), ("legacy", "legacy/{region}"), ("portal", "portal")):
                settings.append(f"plugins.kiro.endpoint.{name}={self.base()}/{path}")
        self.gateway = Gateway(self.sim, self.data, settings)
        self.addCleanup(self.gateway.stop)
        self.addCleanup(self.no_password_in_the_log)

    def base(self):
        return self.sim.https if self.tls else self.sim.base

    def no_password_in_the_log(self):
        self.assertNotIn(PASSWORD, self.gateway.log())

    def make_proxy(self, name="office", password=PASSWORD):
        answer = self.gateway.post("/api/proxies", {"name": name, "url": self.proxy.url(password)})
        self.assertEqual(answer.status, 201, answer)
        self.assertNotIn(password.encode(), answer.body)
        return answer.json["id"]

    def assign(self, scope, scope_id, proxy):
        body = {"scope": scope, "proxyId": proxy}
        if scope_id:
            body["scopeId"] = scope_id
        answer = self.gateway.call("PUT", "/api/proxies/assignments", body)
        self.assertEqual(answer.status, 200, answer)

    def peers(self):
        return {request["peer"] for request in self.sim.requests()}

    def forget(self):
        self.sim.call("DELETE", "/__control/requests")

    def sign_in(self, **more):
        started = self.gateway.post("/api/oauth/kiro/signin", {"method": "builder_id", **more})
        self.assertEqual(started.status, 202, started)
        if started.json["kind"] == "browser":
            # The person's browser is no call of the service.
            page = urllib.parse.urlsplit(started.json["url"])
            shown = self.sim.get(f"/portal/signin?{page.query}")
            self.assertEqual(shown.status, 302, shown)
            done = self.gateway.post(f"/api/oauth/signin/{started.json['id']}/finish", {"callbackUrl": shown.headers["location"]})
            self.assertEqual((done.status, done.json["status"]), (200, "complete"), done)
            return done.json
        who = {"accountId": self.gateway.person_of(more["connectionId"])} if "connectionId" in more else {}
        approved = self.sim.post("/__control/device/approve", {"userCode": started.json["userCode"], **who})
        self.assertIn(approved.status, (200, 201), approved)
        path = f"/api/oauth/signin/{started.json['id']}"

        def ended():
            now = self.gateway.get(path).json
            return now if now["status"] not in ("pending", "waiting", "started") else None
        return wait_for(ended, 30, "the sign-in to end")

    def use_everything(self, connection, name):
        """All that the service does with an account, once."""
        self.assertEqual(self.gateway.refresh(connection).status, 200)
        tested = self.gateway.post(f"/api/providers/{connection}/test", {"probe": True})
        self.assertTrue(tested.json["valid"], tested)
        self.assertEqual(self.gateway.get("/v1/models").status, 200)
        answer = self.gateway.chat(f"kiro/{name}", "Hi there")
        self.assertEqual(answer.status, 200, answer)
        answer = self.gateway.chat(f"kiro/{name}", "Hi again", stream=True)
        self.assertIn("[DONE]", stream_events(answer.body))


class EveryCall:
    """Mixed into one world per kind of proxy and of target."""

    def test_no_call_of_any_flow_bypasses_the_proxy_of_the_provider(self):
        self.assign("provider", "kiro", self.make_proxy())
        first = self.gateway.import_account(self.sim.account(email="a@example.com"), "kiro-a", region="eu-west-1")
        self.use_everything(first, "kiro-a")
        idc = self.sim.account(kind="idc", email="c@example.com", region="eu-central-1")
        answer = self.gateway.post("/api/oauth/kiro/import", {
            "refreshToken": idc["refreshToken"], "clientId": idc["clientId"], "clientSecret": idc["clientSecret"],
            "region": "eu-central-1", "name": "kiro-c"})
        self.assertEqual(answer.status, 200, answer)
        self.use_everything(answer.json["connection"]["id"], "kiro-c")
        signed_in = self.sign_in(name="kiro-b")
        self.use_everything(signed_in["connectionId"], "kiro-b")
        seen = self.sim.requests()
        self.assertGreater(len(seen), 15)
        self.assertEqual(self.peers(), {OUTGOING}, [r["path"] for r in seen if r["peer"] != OUTGOING])
        self.shown_in_the_proxys_log(seen)
        # It outlives the process.
        self.gateway.stop()
        self.gateway.start()
        self.forget()
        self.assertEqual(self.gateway.chat("kiro/kiro-a").status, 200)
        self.assertEqual(self.peers(), {OUTGOING})

    def test_no_way_in_and_no_check_bypasses_it(self):
        self.assign("provider", "kiro", self.make_proxy())
        ways = [self.sign_in(name="builder")["connectionId"],
                self.sign_in(method="idc", startUrl="https://d-1234567890.awsapps.com/start", region="eu-west-1", name="idc")["connectionId"],
                self.sign_in(method="google", name="google")["connectionId"],
                self.sign_in(method="github", form="browser", name="github")["connectionId"]]
        external = self.sim.account(kind="external_idp", email="x@example.com")
        for form in ({"apiKey": self.sim.account(kind="api_key", email="k@example.com")["apiKey"], "name": "key"},
                     {"authMethod": "external_idp", "name": "external", "refreshToken": external["refreshToken"],
                      "clientId": "app", "scopes": "a offline_access", "tokenEndpoint": f"{self.base()}/idp/token"}):
            answer = self.gateway.post("/api/oauth/kiro/import", form)
            self.assertEqual(answer.status, 200, answer)
            ways.append(answer.json["connection"]["id"])
        tool = self.sim.account(kind="builder_id", email="tool@example.com")
        ways.append(self.gateway.import_account(tool, "tool", clientId=tool["clientId"], clientSecret=tool["clientSecret"]))
        self.sign_in(mode="replace", connectionId="tool")
        for connection in ways:
            for check in ("usage", "profiles", "models"):
                answer = self.gateway.get(f"/api/providers/{connection}/{check}")
                self.assertEqual(answer.status, 200, (check, answer))
            self.assertIn(self.gateway.post(f"/api/providers/{connection}/isolate").status, (200, 400))
            self.assertTrue(self.gateway.post(f"/api/providers/{connection}/test", {"probe": True}).json["valid"])
            name = self.gateway.record(connection)["name"]
            for path in ("/v1/chat/completions", "/v1/messages"):
                answer = self.gateway.post(path, {"model": f"kiro/{name}", "max_tokens": 50,
                                                  "messages": [{"role": "user", "content": "Hi"}]})
                self.assertEqual(answer.status, 200, answer)
        seen = self.sim.requests()
        self.assertEqual({r["peer"] for r in seen if not r["path"].startswith("/portal")}, {OUTGOING},
                         [r["path"] for r in seen if r["peer"] != OUTGOING])
        self.sim.policy(accessLifetime=20)
        for connection in ways:
            self.assertIn(self.gateway.refresh(connection).status, (200, 400))  # 400: a key has nothing to refresh
        # The keeper, by itself: every account with a token that ends is refreshed in the background.
        self.forget()
        routes = ("/refreshToken", "/token", "/idp/token")

        def refreshed():
            return len([r for r in self.sim.requests() if r["path"].endswith(routes)]) >= len(ways) - 1
        wait_for(refreshed, 60, "the keeper to refresh them all")
        self.assertEqual(self.peers(), {OUTGOING}, [r["path"] for r in self.sim.requests() if r["peer"] != OUTGOING])
        paths = {r["path"].rsplit("/", 1)[-1] for r in self.sim.requests()}
        self.assertTrue({"refreshToken", "token"} <= paths, paths)

    def shown_in_the_proxys_log(self, seen):
        port = urllib.parse.urlsplit(self.base()).port
        calls = self.proxy.calls()
        self.assertTrue(calls)
        if self.proxy_class is Tinyproxy and not self.tls:
            for request in seen:
                self.assertTrue(any(request["path"] in call for call in calls), (request["path"], calls))
        else:
            self.assertTrue(all(f"127.0.0.1:{port}" in call for call in calls), calls)

    def test_a_proxy_is_chosen_in_the_sign_in_itself(self):
        proxy = self.make_proxy()
        ended = self.sign_in(name="kiro-b", proxyId=proxy)
        connection = ended["connectionId"]
        self.assertEqual(self.peers(), {OUTGOING})
        choice = self.gateway.get(f"/api/proxies/resolve?connection={connection}").json
        self.assertEqual((choice["level"], choice["proxy"]["name"]), ("connection", "office"))
        self.use_everything(connection, "kiro-b")
        self.assertEqual(self.peers(), {OUTGOING})

    def test_a_proxy_is_chosen_in_the_import_itself(self):
        self.make_proxy()
        answer = self.gateway.post("/api/oauth/kiro/import", {
            "refreshToken": self.sim.account(email="a@example.com")["refreshToken"], "name": "kiro-a",
            "proxyId": "office"})
        self.assertEqual(answer.status, 200, answer)
        self.use_everything(answer.json["connection"]["id"], "kiro-a")
        self.assertEqual(self.peers(), {OUTGOING})
        refused = self.gateway.post("/api/oauth/kiro/import", {"refreshToken": "aorAAAAAGshort", "proxyId": "office"})
        self.assertEqual(refused.status, 400, refused)
        self.assertEqual(self.gateway.get("/api/proxies/assignments").json["total"], 1)

    def test_only_the_assigned_account_goes_through_it(self):
        dev = self.gateway.import_account(self.sim.account(email="a@example.com"), "kiro-dev")
        pro = self.gateway.import_account(self.sim.account(email="b@example.com"), "kiro-pro")
        self.assertEqual(self.peers(), {DIRECT})
        self.assign("connection", "kiro-dev", self.make_proxy())
        for connection, name, peer in ((dev, "kiro-dev", OUTGOING), (pro, "kiro-pro", DIRECT)):
            self.forget()
            self.assertEqual(self.gateway.refresh(connection).status, 200)
            self.assertEqual(self.gateway.chat(f"kiro/{name}").status, 200)
            self.assertEqual(self.peers(), {peer})
        # "direct" for one account wins over a proxy for all.
        self.assign("global", None, "office")
        self.assign("connection", "kiro-pro", "direct")
        self.forget()
        self.assertEqual(self.gateway.chat("kiro/kiro-pro").status, 200)
        self.assertEqual(self.peers(), {DIRECT})

    def fails_closed(self, connection, words):
        self.forget()
        for answer in (self.gateway.refresh(connection), self.gateway.chat("kiro/kiro-dev"),
                       self.gateway.post("/api/oauth/kiro/import", {
                           "refreshToken": self.sim.account(email="new@example.com")["refreshToken"]})):
            self.assertGreaterEqual(answer.status, 400, answer)
            self.assertNotIn(PASSWORD, answer.body.decode())
        refreshed = self.gateway.refresh(connection)
        self.assertIn("office", refreshed.body.decode())
        # Asked in absolute form, tinyproxy may reset the connection before its refusal is read.
        if self.tls or words == "refused":
            self.assertIn(words, refreshed.body.decode())
        self.assertEqual(self.sim.requests(), [])

    def test_a_stopped_proxy_a_wrong_password_and_a_removed_one_fail_closed(self):
        proxy = self.make_proxy()
        self.assign("provider", "kiro", proxy)
        connection = self.gateway.import_account(self.sim.account(email="a@example.com"), "kiro-dev")
        self.proxy.stop()
        self.fails_closed(connection, "refused")
        self.proxy.start()
        self.assertEqual(self.gateway.refresh(connection).status, 200)

        changed = self.gateway.call("PATCH", f"/api/proxies/{proxy}", {"password": "wrong"})
        self.assertEqual(changed.status, 200, changed)
        self.fails_closed(connection, "password")
        changed = self.gateway.call("PATCH", f"/api/proxies/{proxy}", {"username": None, "password": None})
        self.assertEqual(changed.status, 200, changed)
        self.fails_closed(connection, "log-in")

        self.assertEqual(self.gateway.call("DELETE", f"/api/proxies/{proxy}").status, 409)
        removed = self.gateway.call("DELETE", f"/api/proxies/{proxy}?force=true")
        self.assertEqual(removed.status, 200, removed)
        self.forget()
        self.assertGreaterEqual(self.gateway.refresh(connection).status, 400)
        self.assertEqual(self.sim.requests(), [])
        self.assign("provider", "kiro", "direct")
        self.assertEqual(self.gateway.refresh(connection).status, 200)
        self.assertEqual(self.peers(), {DIRECT})

    def test_the_test_tells_what_is_wrong(self):
        proxy = self.make_proxy()
        good = self.gateway.post(f"/api/proxies/{proxy}/test").json
        self.assertTrue(good["success"], good)
        self.assertEqual(self.gateway.post(f"/api/proxies/{proxy}/test", {"url": "http://127.0.0.1:1/"}).status, 400)
        self.gateway.call("PATCH", f"/api/proxies/{proxy}", {"password": "wrong"})
        bad = self.gateway.post(f"/api/proxies/{proxy}/test").json
        self.assertFalse(bad["success"], bad)
        if self.tls:
            self.assertEqual(bad["reason"], "proxy_login", bad)
        self.proxy.stop()
        bad = self.gateway.post(f"/api/proxies/{proxy}/test").json
        self.assertEqual((bad["success"], bad["reason"]), (False, "proxy_unreachable"), bad)

    def test_an_assignment_goes_with_its_account(self):
        proxy = self.make_proxy()
        connection = self.gateway.import_account(self.sim.account(email="a@example.com"), "kiro-dev")
        self.assign("connection", "kiro-dev", proxy)
        self.assertEqual(self.gateway.call("DELETE", f"/api/providers/{connection}").status, 200)
        self.assertEqual(self.gateway.get("/api/proxies/assignments").json["total"], 0)
        self.assertEqual(self.gateway.call("DELETE", f"/api/proxies/{proxy}").status, 200)


class TinyproxyPlain(EveryCall, ProxyWorld):
    pass


class TinyproxyTls(EveryCall, ProxyWorld):
    tls = True


class MicrosocksPlain(EveryCall, ProxyWorld):
    proxy_class = Microsocks


class MicrosocksTls(EveryCall, ProxyWorld):
    proxy_class, tls = Microsocks, True


if __name__ == "__main__":
    unittest.main()
