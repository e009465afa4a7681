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
