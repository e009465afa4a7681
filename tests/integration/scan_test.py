"""Accounts of other tools: found by the command line and by the service, imported without disturbing the tool."""
import json
import os
import sqlite3
import time

from harness import Gateway, World
from terminal import Terminal, environment, piped


def iso(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() + seconds))


class Scan(World):
    def setUp(self):
        super().setUp()
        self.home = os.path.join(self.work, "home")
        self.env = environment(self.home, self.gateway.base)
        self.social = self.sim.account(email="ide@example.com")
        self.builder = self.sim.account(kind="builder_id", email="cli@example.com")
        cache = os.path.join(self.home, ".aws/sso/cache")
        os.makedirs(cache)
        self.token_file = os.path.join(cache, "kiro-auth-token.json")
        with open(self.token_file, "w") as file:
            json.dump({"accessToken": self.social["accessToken"], "refreshToken": self.social["refreshToken"],
                       "profileArn": self.social["profileArn"], "expiresAt": iso(3600), "authMethod": "social", "provider": "Google"}, file)
        with open(os.path.join(cache, "half.json"), "w") as file:
            file.write('{"accessToken": "')
        folder = os.path.join(self.home, ".local/share/kiro-cli")
        os.makedirs(folder)
        # The tool runs: its connection is open and its last write is in the write-ahead log only.
        self.database = os.path.join(folder, "data.sqlite3")
        self.tool = sqlite3.connect(self.database)
        self.addCleanup(self.tool.close)
        self.tool.execute("PRAGMA journal_mode=WAL")
        self.tool.execute("CREATE TABLE auth_kv(key TEXT PRIMARY KEY, value TEXT)")
        token = {"access_token": self.builder["accessToken"], "refresh_token": self.builder["refreshToken"], "expires_at": iso(3600),
                 "region": self.builder["region"], "start_url": self.builder["startUrl"], "oauth_flow": "DeviceCode"}
        registration = {"client_id": self.builder["clientId"], "client_secret": self.builder["clientSecret"],
                        "client_secret_expires_at": iso(86400 * 90), "region": self.builder["region"]}
        with self.tool:
            self.tool.execute("INSERT INTO auth_kv VALUES('kirocli:odic:token', ?)", (json.dumps(token),))
            self.tool.execute("INSERT INTO auth_kv VALUES('kirocli:odic:device-registration', ?)", (json.dumps(registration),))
        self.files = sorted(os.listdir(folder))
        self.folder = folder

    def refreshes(self):
        return [r for r in self.sim.requests() if "refreshToken" in r["path"] or r["path"].endswith("/token")]

    def untouched(self):
        self.assertEqual(sorted(os.listdir(self.folder)), self.files)
        with self.tool:
            self.tool.execute("INSERT OR REPLACE INTO auth_kv VALUES('other', '1')")

    def secrets(self):
        return [self.social["refreshToken"], self.social["accessToken"], self.builder["refreshToken"], self.builder["clientSecret"]]

    def test_list_shows_all_and_no_secret(self):
        code, out, err = piped(self.env, "import", "--list")
        self.assertEqual(code, 0, err)
        for part in ("kiro-cli", "kiro-ide", "Builder ID", "Google"):
            self.assertIn(part, out)
        self.assertIn("half.json", err)
        code, text, _ = piped(self.env, "import", "--list", "--json")
        listing = json.loads(text)
        self.assertEqual([item["kind"] for item in listing["found"]], ["kiro-cli", "kiro-ide"])
        for secret in self.secrets():
            self.assertNotIn(secret, out + err + text)
        self.untouched()

    def test_choose_in_a_terminal(self):
        terminal = Terminal(self.env, "import", "--name", "mine")
        terminal.expect("Import which")
        terminal.send("9\n")
        terminal.expect("numbers from 1 to 2")
        terminal.send("1\n")
        self.assertEqual(terminal.finish(), 0, terminal.text)
        self.assertIn("is here as mine, sharing", terminal.text.replace("\n", " "))
        record = self.gateway.record("mine")["providerSpecificData"]
        self.assertEqual(record["isolation"], "shared")
        self.assertEqual(record["clientId"], self.builder["clientId"])
        self.assertEqual(self.refreshes(), [], "the tool's refresh token stays unused")
        self.assertEqual(self.gateway.chat("kiro/mine").status, 200)
        self.untouched()

    def test_all_and_again(self):
        code, out, err = piped(self.env, "import", "--all", "--yes")
        self.assertEqual(code, 0, out + err)
        self.assertEqual(self.gateway.get("/api/providers").json["total"], 2)
        code, out, _ = piped(self.env, "import", "--all", "--yes")
        self.assertEqual(code, 0)
        self.assertIn("Nothing is left", out)
        self.assertEqual(self.gateway.get("/api/providers").json["total"], 2)

    def tool_renews(self):
        """kiro-ide renews its token by itself, as it does every hour."""
        answer = self.sim.post("/auth-desktop/refreshToken", {"refreshToken": self.social["refreshToken"]})
        self.assertEqual(answer.status, 200, answer)
        self.social.update(answer.json)
        with open(self.token_file, "w") as file:
            json.dump({"accessToken": self.social["accessToken"], "refreshToken": self.social["refreshToken"],
                       "profileArn": self.social["profileArn"], "expiresAt": iso(7200), "authMethod": "social", "provider": "Google"}, file)

    def lent(self):
        """The account that kiro-ide lends, imported by the command line."""
        code, out, err = piped(self.env, "import", "--all", "--yes")
        self.assertEqual(code, 0, out + err)
        return next(c["id"] for c in self.gateway.get("/api/providers").json["connections"]
                    if c["providerSpecificData"].get("renewedBy") == "kiro-ide")

    def test_a_tool_that_renews_its_token_is_followed_and_never_signed_out(self):
        lent = self.lent()
        self.tool_renews()
        code, text, _ = piped(self.env, "import", "--list", "--json")
        names = {item["kind"]: (item["importedAs"], item["newerThan"]) for item in json.loads(text)["found"]}
        name = self.gateway.record(lent)["name"]
        self.assertEqual(names["kiro-ide"], (None, name))
        before = len(self.refreshes())
        code, out, err = piped(self.env, "import", "--all", "--yes")
        self.assertEqual(code, 0, out + err)
        self.assertIn("newer token", out)
        self.assertEqual(self.gateway.get("/api/providers").json["total"], 2, "not another account, the same with a newer token")
        record = self.gateway.record(lent)
        self.assertEqual((record["name"], record["providerSpecificData"]["renewedBy"]), (name, "kiro-ide"))
        self.assertEqual(self.gateway.chat(f"kiro/{name}").status, 200)
        self.assertEqual(len(self.refreshes()), before, "the service renews nothing")
        self.tool_renews()  # still signed in over there

    def test_who_allows_it_lets_the_service_renew(self):
        lent = self.lent()
        self.assertEqual(self.gateway.refresh(lent).status, 200)
        self.assertEqual(self.refreshes(), [], "a token that is still good is used to its end")
        answer = self.gateway.post(f"/api/providers/{lent}/refresh", {"rotate": True})
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(len(self.refreshes()), 1)
        self.assertNotIn("renewedBy", self.gateway.record(lent)["providerSpecificData"])

    def test_rotate_takes_the_session_over(self):
        code, out, err = piped(self.env, "import", "--all", "--yes", "--rotate")
        self.assertEqual(code, 0, out + err)
        self.assertTrue(self.refreshes())

    def test_nothing_there(self):
        empty = os.path.join(self.work, "empty")
        os.mkdir(empty)
        code, out, _ = piped(self.env, "import", "--home", empty)
        self.assertEqual(code, 5)
        self.assertIn("omniroute login kiro", out)
        self.assertIn("kiro-cli/data.sqlite3", out)
        for more in (["--list"], ["--list", "--json"], ["--all", "--json"]):
            code, out, err = piped(self.env, "import", "--home", empty, *more)
            self.assertEqual(code, 5, (more, out + err))
            if "--json" in more:
                self.assertEqual(json.loads(out)["problems"], [])


class ServiceScan(Scan):
    """The service runs as the user here, with this home."""

    def setUp(self):
        super().setUp()
        self.gateway.stop()
        before = os.environ.get("HOME"), os.environ.pop("XDG_DATA_HOME", None)
        os.environ["HOME"] = self.home
        try:
            self.gateway = Gateway(self.sim, self.data, self.settings)
        finally:
            os.environ["HOME"] = before[0] or "/"
            if before[1]:
                os.environ["XDG_DATA_HOME"] = before[1]
        self.addCleanup(self.gateway.stop)
        self.env = environment(self.home, self.gateway.base)

    def listing(self):
        answer = self.gateway.get("/api/oauth/kiro/auto-import")
        self.assertEqual(answer.status, 200, answer)
        for secret in self.secrets():
            self.assertNotIn(secret.encode(), answer.body)
        return answer.json

    def test_rest_lists_and_imports(self):
        listing = self.listing()
        self.assertEqual(listing["total"], 2)
        self.assertIsNone(listing["hint"])
        self.assertEqual(self.gateway.get("/api/providers").json["total"], 0, "listing has no side effect")
        marks = "&".join("fingerprint=" + item["fingerprint"] for item in listing["found"])
        self.assertEqual(self.gateway.get("/api/oauth/kiro/auto-import?" + marks).json["known"], {})
        first, second = (item["id"] for item in listing["found"])
        answer = self.gateway.post("/api/oauth/kiro/auto-import", {"items": [{"id": first, "name": "from-cli"}, second, "0123"]})
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual((answer.json["imported"], answer.json["failed"]), (2, 1))
        self.assertEqual(answer.json["results"][2]["error"]["field"], "source")
        self.assertEqual(self.refreshes(), [])
        known = self.gateway.get("/api/oauth/kiro/auto-import?" + marks).json["known"]
        self.assertIn("from-cli", [account["name"] for account in known.values()])
        self.assertTrue(all(item["importedId"] for item in self.listing()["found"]))
        again = self.gateway.post("/api/oauth/kiro/auto-import", {"items": [first]}).json
        self.assertIn("connectionId", again["results"][0]["error"])

    def test_the_service_follows_the_tool_by_itself(self):
        items = [item["id"] for item in self.listing()["found"] if item["kind"] == "kiro-ide"]
        imported = self.gateway.post("/api/oauth/kiro/auto-import", {"items": items}).json
        connection = imported["results"][0]["connection"]["id"]
        actions = [(e["action"], e["subjectName"]) for e in self.gateway.get(f"/api/audit?connection={connection}").json["entries"]]
        self.assertIn(("connection.imported", "kiro/" + imported["results"][0]["connection"]["name"]), actions)
        self.tool_renews()
        before = len(self.refreshes())
        answer = self.gateway.refresh(connection)
        self.assertEqual(answer.status, 200, answer)
        self.assertGreater(answer.json["expiresAt"], iso(5400), "the tool's newer token is here")
        self.assertEqual(len(self.refreshes()), before)
        self.assertEqual(self.gateway.chat("kiro/" + self.gateway.record(connection)["name"]).status, 200)
        self.tool_renews()

    def test_bad_bodies(self):
        for body, field in (({}, "items"), ({"items": []}, "items"), ({"items": [1]}, "items[0].id"),
                            ({"items": ["x"], "rotat": True}, "rotat"), ({"items": ["x"], "rotate": "yes"}, "rotate")):
            answer = self.gateway.post("/api/oauth/kiro/auto-import", body)
            self.assertEqual((answer.status, answer.json["error"].get("field")), (400, field), answer)
        self.assertEqual(self.gateway.get("/api/oauth/nobody/auto-import").status, 404)

    def test_an_empty_machine_is_explained(self):
        os.unlink(self.token_file)
        with self.tool:
            self.tool.execute("DELETE FROM auth_kv")
        listing = self.listing()
        self.assertEqual(listing["found"], [])
        self.assertIn("omniroute import", listing["hint"])
