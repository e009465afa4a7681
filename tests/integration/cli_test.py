"""The command line as a person uses it, in a pseudo-terminal, against the service and the simulator."""
import http.server
import json
import os
import re
import threading
import unicodedata

from harness import World, wait_for
from terminal import Terminal, environment, piped
import webhooks_test


def columns(line):
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


class Between:
    """Stands between the command line and the service, and lets something happen before the first change gets through."""

    def __init__(self, gateway, before_change):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.command != "GET" and between.before:
                    happens, between.before = between.before, None
                    happens()
                kept = {name: self.headers[name] for name in ("If-Match", "Content-Type") if self.headers[name]}
                answer = gateway.call(self.command, self.path, body or None, headers=kept)
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.headers["Content-Type"])
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)
            do_PUT = do_GET

            def log_message(self, *_):
                pass
        between = self
        self.before = before_change
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Cli(World):
    def setUp(self):
        super().setUp()
        self.home = os.path.join(self.work, "home")
        os.mkdir(self.home)
        self.env = environment(self.home, self.gateway.base)

    def run_piped(self, *arguments, code=0, given="", **more):
        got, out, err = piped({**self.env, **more}, *arguments, given=given)
        self.assertEqual(got, code, out + err)
        return out if code == 0 else out + err

    def run_terminal(self, *arguments, code=0, width=80, **more):
        terminal = Terminal({**self.env, **more}, *arguments, width=width)
        self.assertEqual(terminal.finish(), code, terminal.text)
        return terminal

    def logged(self, answer):
        request = answer.headers["x-request-id"]
        wait_for(lambda: self.gateway.get(f"/api/requests/{request}").status == 200, what="the request in the log")
        return request

    def device_code(self, terminal):
        terminal.expect("this code:")
        return terminal.expect(r"\b[A-Z0-9]{4}-[A-Z0-9]{4}\b").group(0)


class Login(Cli):
    def test_builder_id_with_code_and_progress(self):
        terminal = Terminal(self.env, "login", "kiro", "--name", "kiro-dev")
        code = self.device_code(terminal)
        terminal.expect("Waiting for the sign-in")
        approved = self.sim.post("/__control/device/approve", {"userCode": code, "kind": "builder_id", "email": "dev@example.com"})
        self.assertIn(approved.status, (200, 201, 204), approved)
        self.assertEqual(terminal.finish(), 0, terminal.text)
        self.assertIn("kiro-dev is signed in.", terminal.text)
        self.assertRegex(terminal.raw, r"[▀▄█]", "the QR code is drawn")
        record = self.gateway.record("kiro-dev")
        self.assertEqual(record["providerSpecificData"]["isolation"], "dedicated")
        self.assertNotIn("aor", terminal.raw)

    def test_google_in_a_narrow_terminal_has_no_qr_code(self):
        terminal = Terminal(self.env, "login", "kiro", "--google", width=24)
        code = self.device_code(terminal)
        self.assertNotRegex(terminal.raw, r"[▀▄█]")
        self.sim.post("/__control/device/approve", {"userCode": code, "kind": "social", "email": "g@example.com"})
        self.assertEqual(terminal.finish(), 0, terminal.text)

    def test_denied(self):
        terminal = Terminal(self.env, "login", "kiro")
        code = self.device_code(terminal)
        self.sim.post("/__control/device/deny", {"userCode": code})
        self.assertEqual(terminal.finish(), 1, terminal.text)
        self.assertIn("omniroute: ", terminal.text)

    def test_ctrl_c_gives_it_up(self):
        terminal = Terminal(self.env, "login", "kiro")
        self.device_code(terminal)
        terminal.expect("Waiting for the sign-in")
        terminal.send("\x03")
        self.assertEqual(terminal.finish(), 130, terminal.text)
        self.assertIn("given up", terminal.text)

    def test_token_by_pipe_and_by_prompt_without_echo(self):
        first, second = self.sim.account(email="a@example.com"), self.sim.account(email="b@example.com")
        out = self.run_piped("login", "kiro", "--token-stdin", "--name", "piped", given=first["refreshToken"] + "\n")
        self.assertIn("piped is signed in", out)
        terminal = Terminal(self.env, "login", "kiro", "--token-stdin", "--name", "typed")
        terminal.expect("Refresh token: ")
        terminal.send(second["refreshToken"] + "\n")
        self.assertEqual(terminal.finish(), 0, terminal.text)
        self.assertNotIn("aorAAAAAG", terminal.raw)
        again = self.run_piped("login", "kiro", "--token-stdin", given=first["refreshToken"], code=6)
        self.assertNotIn("aorAAAAAG", again)

    def signed_in(self, *way, kind, **who):
        terminal = Terminal(self.env, "login", "kiro", *way)
        approved = self.sim.post("/__control/device/approve", {"userCode": self.device_code(terminal), "kind": kind, **who})
        self.assertIn(approved.status, (200, 201, 204), approved)
        self.assertEqual(terminal.finish(), 0, terminal.text)

    def test_in_place_goes_the_accounts_own_way(self):
        portal = "https://d-1234567890.awsapps.com/start"
        for name, way, kind in (("personal", (), "builder_id"), ("octo", ("--github",), "social"), ("mail", ("--google",), "social"),
                                ("work", ("--idc", "--start-url", portal, "--region", "eu-west-1"), "idc")):
            self.signed_in("--name", name, *way, kind=kind, email=name + "@example.com")
            before = self.gateway.record(name)
            seen = len(self.sim.requests())
            self.signed_in("--replace", name, kind=kind, accountId=self.gateway.person_of(name))
            after = self.gateway.record(name)
            for member in ("authMethod", "provider", "startUrl", "region"):
                self.assertEqual(after["providerSpecificData"].get(member), before["providerSpecificData"].get(member), (name, member))
            self.assertEqual(after["id"], before["id"])
            asked = [r["path"] for r in self.sim.requests()[seen:]]
            self.assertEqual(any("/oidc/eu-west-1/" in path for path in asked), name == "work", asked)
        # Whoever names another way gets that one.
        terminal = Terminal(self.env, "login", "kiro", "--replace", "octo", "--builder-id", "--json")
        self.assertEqual(terminal.expect(r'"method": ?"(\w+)"').group(1), "builder_id")
        terminal.send("\x03")
        self.assertEqual(terminal.finish(), 130, terminal.text)
        self.run_piped("login", "kiro", "--replace", "nobody", code=5)

    def test_in_place_of_what_no_code_signs_in(self):
        key = self.sim.account(kind="api_key", email="key@example.com")
        answer = self.gateway.post("/api/oauth/kiro/import", {"apiKey": key["apiKey"], "name": "machine"})
        self.assertEqual(answer.status, 200, answer)
        self.assertIn("login kiro --replace machine --api-key-stdin", self.run_piped("login", "kiro", "--replace", "machine", code=2))
        # A bare token of Kiro's own sign-in service: Google or GitHub, and nobody said which.
        self.gateway.import_account(self.sim.account(email="a@example.com"), "bare")
        self.assertIn("--google, --github", self.run_piped("login", "kiro", "--replace", "bare", code=2))

    def test_wrong_ways(self):
        self.assertIn("--start-url", self.run_piped("login", "kiro", "--idc", code=2))
        self.assertIn("choose one", self.run_piped("login", "kiro", "--google", "--github", code=2))
        self.assertIn("standard input", self.run_piped("login", "kiro", "--token=x", code=2))
        self.assertIn("no token", self.run_piped("login", "kiro", "--token-stdin", code=2))


class Everyday(Cli):
    def setUp(self):
        super().setUp()
        self.two_accounts()

    def test_combos_chat_and_status(self):
        self.assertIn("my-kiro", self.run_piped("combos", "create", "my-kiro", "kiro/kiro-dev", "kiro/kiro-pro"))
        self.assertIn("kiro/kiro-dev -> kiro/kiro-pro", self.run_piped("combos", "list"))
        self.assertIn("kiro/kiro-dev", self.run_piped("combos", "explain", "my-kiro"))
        self.assertEqual(self.run_piped("chat", "-m", "my-kiro", "Hello", "there"), "You said: Hello there\n")
        self.assertIn("You said: Review\n\na diff", self.run_piped("chat", "Review", given="a diff"))
        self.assertIn("You said", self.run_piped("chat", "--no-stream", "Hi"))
        terminal = self.run_terminal("chat", "Hello")
        self.assertIn("answered by", terminal.text)
        self.assertIn("2 active", self.run_piped("status"))
        self.assertIn("my-kiro", self.run_piped("models"))
        self.run_piped("combos", "edit", "my-kiro", "--strategy", "round-robin")
        self.assertEqual(json.loads(self.run_piped("combos", "show", "my-kiro", "--json"))["strategy"], "round-robin")
        self.assertIn("--yes", self.run_piped("combos", "delete", "my-kiro", code=1))
        self.run_piped("combos", "delete", "my-kiro", "--yes")
        self.assertNotIn("Remove", self.run_piped("combos", "delete", "my-kiro", code=5), "nothing to ask about")
        self.assertIn("no", self.run_piped("combos", "show", "my-kiro", code=5).lower())

    def test_weights_pin_and_options_of_a_combo(self):
        made = self.run_piped("combos", "create", "team", "kiro/kiro-dev", "kiro/kiro-pro", "--strategy", "weighted",
                                                 "--weights", "3,0", "--pin", "soft", "--sticky", "off", "--max-wait-ms", "100")
        self.assertIn("team (weighted): kiro/kiro-dev (weight 3, soft) -> kiro/kiro-pro (weight 0, soft)", made)
        combo = self.gateway.get("/api/combos/team").json
        self.assertEqual([(t["weight"], t["pin"]) for t in combo["targets"]], [(3, "soft"), (0, "soft")])
        self.assertEqual(combo["options"], {"sticky": False, "sessionMinutes": 30, "maxAttempts": 0, "retries": None, "maxWaitMs": 100})
        self.assertIn("waits up to 2000 ms", self.run_piped("combos", "edit", "team", "--weights", "1,9", "--sticky", "on", "--retries", "2",
                                                            "--session-minutes", "5", "--max-wait-ms", "default"))
        combo = self.gateway.get("/api/combos/team").json
        self.assertEqual([(t["weight"], t["pin"]) for t in combo["targets"]], [(1, "soft"), (9, "soft")], "the pin is as it was")
        self.assertEqual(combo["options"], {"sticky": True, "sessionMinutes": 5, "maxAttempts": 0, "retries": 2, "maxWaitMs": 2000})
        self.run_piped("combos", "edit", "team", "--pin", "strict")
        self.assertEqual([t["pin"] for t in self.gateway.get("/api/combos/team").json["targets"]], ["strict", "strict"])
        for wrong, word in (("--weights=1", "2 targets"), ("--weights=1,x", "3,1"), ("--retries=few", "whole number"), ("--pin=hard", "strict")):
            self.assertIn(word, self.run_piped("combos", "edit", "team", wrong, code=2))
        self.assertIn("100", self.run_piped("combos", "edit", "team", "--weights", "1,900", code=1))
        self.assertIn("what to change", self.run_piped("combos", "edit", "team", code=2))

    def test_a_combo_keeps_the_targets_that_are_no_more(self):
        self.run_piped("combos", "create", "inner", "kiro/kiro-dev")
        self.run_piped("combos", "create", "team", "kiro/kiro-dev", "kiro/kiro-pro", "inner", "--strategy", "weighted")
        self.run_piped("combos", "delete", "inner", "--yes")
        self.assertEqual(self.gateway.call("DELETE", "/api/providers/kiro-pro").status, 200)
        self.run_piped("combos", "edit", "team", "--weights", "2,1,5")
        combo = self.gateway.get("/api/combos/team").json
        self.assertEqual([t["weight"] for t in combo["targets"]], [2, 1, 5])
        self.assertEqual(len(combo["missing"]), 2, combo)
        gone = ", ".join(combo["missing"])
        self.assertIn(f"(not there any more: {gone})", self.run_piped("combos", "show", "team"))
        self.assertRegex(self.run_piped("combos", "list"), rf"Not there any more\n(.*\n)*team .*{re.escape(gone)}")
        self.run_piped("combos", "edit", "team", "kiro/kiro-dev")
        self.assertNotIn("any more", self.run_piped("combos", "show", "team") + self.run_piped("combos", "list"))
        self.assertIn("did you mean", self.run_piped("combos", "edit", "team", "kiro/kiro-deev", code=1), "a new one must exist")

    def test_a_pin_for_nothing_is_said(self):
        self.run_piped("combos", "create", "inner", "kiro/kiro-dev")
        code, _, said = piped(self.env, "combos", "create", "outer", "inner", "kiro", "kiro/kiro-pro", "--pin", "soft")
        self.assertEqual(code, 0, said)
        self.assertIn("--pin means nothing for inner, kiro:", said)

    def test_somebody_else_edits_the_same_combo(self):
        self.run_piped("combos", "create", "team", "kiro/kiro-dev")
        version = self.gateway.get("/api/combos/team").json["version"]

        def other():
            self.assertEqual(self.gateway.call("PUT", "/api/combos/team", {"strategy": "least-used", "models": ["kiro/kiro-pro"]}).status, 200)
        between = Between(self.gateway, other)
        self.addCleanup(between.stop)
        said = self.run_piped("combos", "edit", "team", "--strategy", "round-robin", code=6, OMNIROUTE_URL=between.base)
        for word in ("somebody else changed the combo team", "nothing of yours was changed", "strategy: priority", "now: least-used",
                     "targets: kiro/kiro-dev", "now: kiro/kiro-pro", "omniroute combos show team", "edit it again"):
            self.assertIn(word, said)
        self.assertNotIn("options", said, "only what is different")
        self.assertEqual(self.gateway.get("/api/combos/team").json["strategy"], "least-used")
        # A script that read it a while ago.
        said = self.run_piped("combos", "edit", "team", "--name", "crew", "--if-version", version, code=6)
        self.assertIn("it is now: team (least-used): kiro/kiro-pro", said)
        said = self.run_piped("combos", "edit", "team", "--name", "crew", "--if-version", version, "--json", code=6)
        self.assertEqual(json.loads(said)["error"]["status"], 409)
        version = json.loads(self.run_piped("combos", "show", "team", "--json"))["version"]
        self.run_piped("combos", "edit", "team", "--name", "crew", "--if-version", version)

    def test_conversation(self):
        terminal = Terminal(self.env, "chat", "-m", "kiro/kiro-dev")
        terminal.expect("> ")
        terminal.send("first\n")
        terminal.expect("You said: first")
        terminal.send("second\n")
        terminal.expect("You said: second")
        terminal.send("\x04")
        self.assertEqual(terminal.finish(), 0, terminal.text)

    def test_accounts(self):
        self.assertIn("kiro-dev", self.run_piped("providers", "list"))
        shown = self.run_piped("providers", "show", "kiro-dev")
        self.assertIn("clientId", shown)
        self.assertIn("••••", shown)
        self.assertIn("kiro-new", self.run_piped("providers", "rename", "kiro-dev", "kiro-new"))
        self.run_piped("providers", "refresh", "kiro-new")
        self.run_piped("providers", "test", "kiro-new")
        self.run_piped("providers", "disable", "kiro-new")
        self.assertEqual(self.gateway.record("kiro-new")["state"]["name"], "disabled")
        self.run_piped("providers", "enable", "kiro-new")
        terminal = Terminal(self.env, "providers", "remove", "kiro-new")
        terminal.expect(r"\[y/N\]")
        terminal.send("n\n")
        self.assertEqual(terminal.finish(), 1)
        self.assertEqual(self.gateway.get("/api/providers/kiro-new").status, 200)
        self.run_piped("providers", "remove", "kiro-new", "--yes")
        self.assertEqual(self.gateway.get("/api/providers/kiro-new").status, 404)
        self.assertIn("kiro-new", self.run_piped("providers", "rename", "kiro-new", "x", code=5) + "kiro-new")

    def test_widths_colours_and_odd_names(self):
        name = "日本のとても長い名前 שלום 🙂 " + "x" * 60
        self.run_piped("providers", "rename", "kiro-dev", name)
        for width in (80, 40):
            for command in (["providers", "list"], ["providers", "show", name], ["status"], ["help"], ["doctor"]):
                terminal = Terminal(self.env, *command, width=width)
                self.assertIn(terminal.finish(), (0, 7), terminal.text)
                for line in terminal.text.split("\n"):
                    # An address or an id is not broken: it must stay copyable.
                    longest = max([columns(word) for word in line.split()] or [0])
                    self.assertLessEqual(columns(line), max(width, longest + 30 if longest > width - 25 else 0), (command, line))
        self.assertIn("\x1b[", self.run_terminal("providers", "list").raw)
        self.assertNotIn("\x1b[", self.run_terminal("providers", "list", NO_COLOR="1").raw)
        self.assertNotIn("\x1b[", self.run_terminal("providers", "list", "--no-color").raw)
        self.assertNotIn("\x1b[", self.run_piped("providers", "list"))
        self.assertIn(name, self.run_piped("providers", "list"), "a pipe gets the whole name")

    def test_json_everywhere(self):
        for command in (["status"], ["providers", "list"], ["combos", "list"], ["models"], ["plugins"], ["health"], ["keys", "list"],
                        ["proxies", "list"], ["logs"], ["doctor"]):
            code, out, err = piped(self.env, *command, "--json")
            self.assertIn(code, (0, 7), (command, err))
            json.loads(out)
        code, out, err = piped(self.env, "providers", "show", "nobody", "--json")
        self.assertEqual((code, out), (5, ""))
        self.assertIn("message", json.loads(err)["error"])

    def test_keys_proxies_logs_and_metrics(self):
        secret = self.run_piped("keys", "create", "laptop").strip()
        self.assertNotIn(secret, self.run_piped("keys", "list"))
        self.assertIn("laptop", self.run_piped("keys", "list"))
        self.run_piped("keys", "change", "laptop", "--combos", "my-kiro,b", "--per-minute", "20", "--credits-day", "2.5")
        self.assertIn("my-kiro, b; 20 a minute; 2.5 credits a day", self.run_piped("keys", "list"))
        code, out, err = piped(self.env, "keys", "create", "typo", "--models", "kiro/kiro-dve", "--json")
        self.assertEqual((code, json.loads(out)["warnings"][0]["name"]), (0, "kiro/kiro-dve"), err)
        self.assertIn('warning: No account, provider or model answers to "kiro/kiro-dve" at present.', err)
        code, out, err = piped(self.env, "keys", "change", "typo", "--models", "kiro/kiro-dev", "--combos", "my-kira")
        self.assertEqual((code, err), (0, 'omniroute: warning: No combo "my-kira" is there at present.\n'), out)
        self.run_piped("keys", "remove", "typo", "--yes")
        self.run_piped("keys", "change", "laptop", "--combos", "", "--per-minute", "none", "--name", "desk")
        self.assertIn("desk: 2.5 credits a day", self.run_piped("keys", "change", "desk", "--tokens-day", "none"))
        self.run_piped("keys", "remove", "desk", "--yes")
        self.run_piped("proxies", "add", "office", "socks5://127.0.0.1:9", "--user", "ada", given="secret-word\n")
        self.assertNotIn("secret-word", self.run_piped("proxies", "list"))
        self.run_piped("proxies", "assign", "office", "kiro-pro")
        self.assertIn("kiro-pro", self.run_piped("proxies", "list"))
        self.run_piped("proxies", "assign", "office", "kiro-pro", "--clear")
        self.run_piped("proxies", "remove", "office", "--yes")
        self.assertIn("without name and", self.run_piped("proxies", "add", "x", "http://a:b@h:1", code=2))
        self.run_piped("chat", "-m", "kiro/kiro-dev", "Hello")
        # The log is written beside the requests, not before their end.
        wait_for(lambda: "kiro-dev" in self.run_piped("logs"), what="the request in the log")
        self.assertRegex(self.run_piped("metrics"), r"(?m)^# (HELP|TYPE) ")

    def test_webhooks(self):
        receiver = webhooks_test.Receiver()
        self.addCleanup(receiver.stop)
        self.assertIn("webhooks add", self.run_piped("webhooks", "list"))
        # The address is a secret with some receivers: it is not echoed, and the signing secret is shown this once.
        terminal = Terminal(self.env, "webhooks", "add", "alarm", "--events", "account.suspended, account.active", width=120)
        terminal.expect("Address of the receiver: ")
        terminal.send(receiver.url + "\n")
        self.assertEqual(terminal.finish(), 0, terminal.text)
        self.assertNotIn(receiver.url, terminal.text)
        secret = re.search(r"whsec_\S+", terminal.text).group(0)
        self.assertIn("shown this once", terminal.text)
        listed = self.run_terminal("webhooks", "list", width=140).text
        self.assertRegex(listed, r"alarm.*account\.suspended, account\.active.*on")
        self.assertNotIn(secret, listed + self.run_piped("webhooks", "list", "--json"))
        self.assertIn("status 204", self.run_piped("webhooks", "test", "alarm"))
        self.assertEqual(webhooks_test.signature(secret, receiver.got[0]),
                         {k.lower(): v for k, v in receiver.got[0]["headers"].items()}["webhook-signature"])
        receiver.refuse = 1
        self.assertIn("503", self.run_piped("webhooks", "test", "alarm", code=1))
        shown = self.run_terminal("webhooks", "deliveries", "alarm", width=120).text
        self.assertRegex(shown, r"ping +delivered")
        self.assertIn("503", shown)
        self.assertIn("alarm is off", self.run_piped("webhooks", "disable", "alarm"))
        self.assertRegex(self.run_piped("webhooks", "list"), r"alarm.*off")
        self.assertIn("alarm is on", self.run_piped("webhooks", "enable", "alarm"))
        for arguments, code, word in ((("add", "alarm", receiver.url), 6, "alarm"), (("add", "x", "ftp://a"), 1, "https"),
                                      (("add", "x", receiver.url, "--events", "account.gone"), 1, "account.suspended"),
                                      (("add", "x"), 2, "no address"), (("test", "nobody"), 5, "nobody|No webhook")):
            self.assertRegex(self.run_piped("webhooks", *arguments, code=code), word)
        terminal = Terminal(self.env, "webhooks", "remove", "alarm")
        terminal.expect(r"\[y/N\]")
        terminal.send("n\n")
        self.assertEqual(terminal.finish(), 1)
        self.run_piped("webhooks", "remove", "alarm", "--yes")
        self.assertEqual(self.gateway.get("/api/webhooks").json["webhooks"], [])

    def test_one_request_of_the_log_without_what_was_said(self):
        request = self.logged(self.gateway.chat("kiro/kiro-dev", "zebra-question"))
        shown = self.run_piped("logs", request)
        self.assertRegex(shown, r"Served by +kiro-dev")
        self.assertNotIn("zebra", shown)
        self.assertIn("requests.content=on", shown)
        self.run_piped("logs", "nobody", code=5)
        self.assertIn("one of", self.run_piped("logs", "-f", "--clear-content", code=2))

    def test_backup_and_restore(self):
        secret = "correct horse battery staple\n"
        file = os.path.join(self.work, "all.backup")
        self.run_piped("backup", file, "--passphrase-stdin", given=secret)
        self.assertEqual(os.stat(file).st_mode & 0o777, 0o600)
        with open(file) as saved:
            self.assertNotIn("aorAAAAAG", saved.read())
        self.run_piped("providers", "remove", "kiro-dev", "--yes")
        self.run_piped("restore", file, "--passphrase-stdin", "--yes", given="wrong\n", code=1)
        self.run_piped("restore", "--cancel", code=5)
        self.assertIn("2 accounts", self.run_piped("restore", file, "--passphrase-stdin", "--yes", given=secret))
        self.assertEqual(self.gateway.get("/api/providers/kiro-dev").status, 404)
        self.gateway.restart()
        self.assertEqual(self.gateway.get("/api/providers/kiro-dev").status, 200)

    def test_accounts_alone_come_back_at_once(self):
        secret = "correct horse battery staple\n"
        file = os.path.join(self.work, "accounts.json")
        for name in ("team", "night"):
            self.run_piped("combos", "create", name, "kiro/kiro-dev")
        self.run_piped("backup", file, "--accounts", "--passphrase-stdin", given=secret)
        self.run_piped("combos", "delete", "team", "--yes")
        self.run_piped("providers", "remove", "kiro-dev", "--yes")
        said = self.run_piped("restore", file, "--passphrase-stdin", given=secret)
        self.assertRegex(said, r"team +imported")
        self.assertRegex(said, r"night +skipped +A combo with this id")
        self.assertIn("Remove it there", said)
        self.assertEqual(self.gateway.get("/api/providers/kiro-dev").status, 200)
        self.run_piped("restore", file, "--passphrase-stdin", given="wrong\n", code=1)

    def test_setup_and_undo(self):
        self.combo()
        settings = os.path.join(self.home, ".claude", "settings.json")
        os.makedirs(os.path.dirname(settings))
        with open(settings, "w") as file:
            file.write('{"theme": "dark"}')
        self.run_piped("setup", "claude-code")
        with open(settings) as file:
            written = json.load(file)
        self.assertEqual(written["env"]["ANTHROPIC_BASE_URL"], self.gateway.base)
        self.assertEqual(written["env"]["ANTHROPIC_MODEL"], "my-kiro")
        self.assertEqual(written["theme"], "dark")
        self.run_piped("setup", "claude-code", "--model", "other")
        self.run_piped("setup", "claude-code", "--undo")
        with open(settings) as file:
            self.assertEqual(file.read(), '{"theme": "dark"}')
        self.run_piped("setup", "codex")
        self.run_piped("setup", "codex", "--undo")
        self.assertFalse(os.path.exists(os.path.join(self.home, ".codex", "config.toml")))
        self.assertIn("Base URL", self.run_piped("setup", "cline"))
        self.assertIn("codex", self.run_piped("setup", "codx", code=2))

    def test_completions_know_the_accounts(self):
        self.assertEqual(self.run_piped("__complete", "providers", "show", "kiro-d"), "kiro-dev\n")
        for shell in ("bash", "zsh", "fish", "powershell"):
            self.assertIn("__complete", self.run_piped("completion", shell))


class WhatWasSaid(Cli):
    settings = ("requests.content=on",)

    def test_it_is_shown_without_moving_the_cursor_and_dropped(self):
        self.two_accounts()
        self.sim.turn(text="okapi \x1b[2J answer")
        request = self.logged(self.gateway.chat("kiro/kiro-dev", "zebra-question"))
        terminal = self.run_terminal("logs", request, width=100)
        for word in ("What was asked", "zebra-question", "What was answered", "okapi"):
            self.assertIn(word, terminal.text)
        self.assertNotIn("\x1b[2J", terminal.raw)
        self.assertEqual(json.loads(self.run_piped("logs", request, "--json"))["content"]["answer"], "okapi \x1b[2J answer")
        self.assertIn("--yes", self.run_piped("logs", "--clear-content", code=1))
        self.assertIn("kept again", self.run_piped("logs", "--clear-content", "--yes"))
        shown = self.run_piped("logs", request)
        self.assertNotIn("zebra", shown)
        self.assertIn("not kept any more", shown)


class Trouble(Cli):
    def test_no_service(self):
        nowhere = {"OMNIROUTE_URL": "http://127.0.0.1:9"}
        self.assertIn("Is omnirouted running?", self.run_piped("status", code=3, **nowhere))
        self.assertIn("systemctl start", self.run_piped("doctor", code=3, **nowhere))
        self.assertIn("must look like", self.run_piped("status", "--url", "nonsense", code=2))
        self.assertEqual(self.run_piped("__complete", "providers", "show", "", **nowhere), "")

    def test_nearest_and_usage(self):
        self.assertIn('did you mean "omniroute status"?', self.run_piped("statsu", code=2))
        self.assertIn("<account> is missing", self.run_piped("providers", "show", code=2))

    def test_empty_service_says_what_to_do(self):
        self.assertIn("omniroute login kiro", self.run_piped("status"))
        self.assertIn("omniroute login kiro", self.run_piped("providers", "list"))
        self.assertIn("nothing can be served", self.run_piped("chat", "hi", code=1))
        self.assertIn("omniroute import", self.run_piped("doctor", code=7))

    def test_key_file_must_be_private(self):
        key = os.path.join(self.work, "key")
        with open(key, "w") as file:
            file.write("secret-key\n")
        os.chmod(key, 0o644)
        out = self.run_piped("status", "--key-file", key, code=2)
        self.assertIn("chmod", out)
        self.assertNotIn("secret-key", out)
        os.chmod(key, 0o600)
        self.run_piped("status", "--key-file", key)

    def test_doctor_finds_what_is_wrong(self):
        self.two_accounts()
        self.sim.post(f"/__control/accounts/{self.dev['accountId']}/revoke")
        self.gateway.refresh(self.dev_id)
        wait_for(lambda: self.gateway.record(self.dev_id)["state"]["name"] == "reauth_required", what="the state")
        out = self.run_piped("doctor", "--data-dir", self.data, code=7)
        self.assertIn("login kiro --replace kiro-dev", out)
        self.assertIn("is for its owner only", out)
        os.chmod(os.path.join(self.data, "master.key"), 0o644)
        self.assertRegex(self.run_piped("doctor", "--data-dir", self.data, code=7), r"chmod go= .*master\.key")

    def test_man_page_is_well_formed(self):
        page = self.run_piped("man")
        self.assertTrue(page.startswith(".TH OMNIROUTE 1"))
        self.assertGreater(len(re.findall(r"(?m)^\.SS ", page)), 30)
