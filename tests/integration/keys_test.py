"""API keys, limits and the admin's log-in, seen from outside: each refusal in each API's own shape."""
import json
import os
import subprocess
import threading

from harness import OMNIROUTED, PLUGINS, World, wait_for

FAR = {"X-Forwarded-For": "203.0.113.9"}  # what makes a caller one from elsewhere

CHAT = {"model": "kiro/kiro-dev", "messages": [{"role": "user", "content": "Hello"}]}
MESSAGES = {"model": "kiro/kiro-dev", "max_tokens": 100, "messages": [{"role": "user", "content": "Hello"}]}
RESPONSES = {"model": "kiro/kiro-dev", "input": "Hello"}


class Keys(World):
    def setUp(self):
        super().setUp()
        self.two_accounts()

    def key(self, name="laptop", **policy):
        answer = self.gateway.post("/api/keys", {"name": name, **policy})
        self.assertEqual(answer.status, 201, answer)
        return answer.json

    def ask(self, secret=None, body=CHAT, path="/v1/chat/completions", far=True, **headers):
        send = dict(FAR) if far else {}
        if secret:
            send["Authorization"] = f"Bearer {secret}"
        send.update(headers)
        return self.gateway.post(path, body, headers=send)

    def served(self, path):
        answer = self.gateway.post(path, {})
        return answer.status != 404

    def test_a_key_is_needed_from_elsewhere_and_optional_here(self):
        self.assertEqual(self.ask(far=False).status, 200)
        self.assertEqual(self.ask("made-up", far=False).status, 200)
        refused = self.ask()
        self.assertEqual(refused.status, 401, refused)
        self.assertEqual(refused.json["error"]["type"], "authentication_error")
        self.assertEqual(self.ask("made-up").status, 401)
        secret = self.key()["secret"]
        self.assertEqual(self.ask(secret).status, 200)
        self.assertEqual(self.gateway.post("/v1/chat/completions", CHAT, headers={**FAR, "x-api-key": secret}).status, 200)
        self.assertEqual(self.ask(secret[:-1] + ("a" if secret[-1] != "a" else "b"), far=False).status, 401)
        self.assertEqual(self.gateway.get("/v1/models", headers=FAR).status, 401)
        self.assertEqual(self.gateway.get("/v1/models", headers={**FAR, "x-api-key": secret}).status, 200)

    def test_the_key_is_shown_once_and_stored_nowhere(self):
        made = self.key()
        self.gateway.get("/api/keys")
        self.assertEqual(self.ask(made["secret"]).status, 200)
        self.assertNotIn("secret", self.gateway.get("/api/keys").json["keys"][0])
        self.gateway.stop()
        for name in os.listdir(self.data):
            with open(os.path.join(self.data, name), "rb") as file:
                self.assertNotIn(made["secret"][12:].encode(), file.read(), name)
        self.assertNotIn(made["secret"], self.gateway.log())

    def test_refusals_in_each_apis_shape(self):
        limited = self.key("limited", models=["openai/*"])["secret"]
        slow = self.key("slow", requestsPerMinute=1)["secret"]
        self.assertEqual(self.ask(slow).status, 200)
        for path, body in (("/v1/chat/completions", CHAT), ("/v1/messages", MESSAGES), ("/v1/responses", RESPONSES)):
            if not self.served(path):
                continue
            for secret, status, kind in ((None, 401, "authentication_error"), ("sk-omni-unknown", 401, "authentication_error"),
                                         (limited, 403, "permission_error"), (slow, 429, "rate_limit_error")):
                with self.subTest(path=path, status=status):
                    answer = self.ask(secret, body, path)
                    self.assertEqual(answer.status, status, answer)
                    self.assertEqual(answer.json["error"]["type"], kind, answer)
                    self.assertTrue(answer.json["error"]["message"])
                    if path == "/v1/messages":
                        self.assertEqual(answer.json["type"], "error")
                    if status == 429:
                        self.assertTrue(1 <= int(answer.headers["Retry-After"]) <= 60, answer.headers)

    def test_concurrency_frees_when_the_stream_ends(self):
        secret = self.key("one", maxConcurrent=1)["secret"]
        self.sim.fault(target="data", mode="slow", delayMs=3000, count=1)
        first = {}
        thread = threading.Thread(target=lambda: first.update(answer=self.ask(secret)))
        thread.start()
        refused = None
        for _ in range(200):
            running = self.gateway.get("/api/keys/one").json["usage"]["running"]
            if running:
                refused = self.ask(secret)
                break
        thread.join()
        self.assertEqual(first["answer"].status, 200, first)
        if refused is not None:
            self.assertEqual(refused.status, 429, refused)
            self.assertIn("Retry-After", refused.headers)
        self.assertEqual(self.ask(secret).status, 200)
        self.assertEqual(self.gateway.get("/api/keys/one").json["usage"]["running"], 0)

    def test_a_budget_ends_and_survives_a_restart(self):
        secret = self.key("poor", budgets={"tokensPerDay": 1})["secret"]
        self.assertEqual(self.ask(secret).status, 200)
        refused = self.ask(secret)
        self.assertEqual(refused.status, 429, refused)
        self.assertIn("budget", refused.json["error"]["message"])
        self.assertGreater(int(refused.headers["Retry-After"]), 0)
        self.gateway.stop()
        self.gateway.start()
        self.assertEqual(self.ask(secret).status, 429)
        raised = self.gateway.call("PATCH", "/api/keys/poor", {"budgets": {"tokensPerDay": 1000000}})
        self.assertEqual(raised.status, 200, raised)
        self.assertEqual(self.ask(secret).status, 200)

    def test_the_model_list_shows_what_the_key_may_use(self):
        self.combo("team")
        self.combo("other")

        def listed(secret, **headers):
            answer = self.gateway.get("/v1/models", headers={**FAR, "x-api-key": secret, **headers})
            self.assertEqual(answer.status, 200, answer)
            return {model["id"] for model in answer.json["data"]}
        everything = listed(self.key("all")["secret"])
        self.assertLessEqual({"team", "other", "kiro/kiro-dev", "kiro/kiro-pro"}, everything)
        some = self.key("some", models=["kiro/kiro-dev", "kiro/kiro-dev/*"], combos=["team"])["secret"]
        shown = listed(some)
        self.assertLessEqual({"team", "kiro/kiro-dev"}, shown)
        self.assertEqual([name for name in shown if name != "team" and not name.startswith("kiro/kiro-dev")], [])
        self.assertEqual(listed(some, **{"anthropic-version": "2023-06-01"}), shown)
        # Each name shown can be used, each one hidden neither be looked at nor used.
        self.assertEqual(self.ask(some, {**CHAT, "model": "team"}).status, 200)
        for name, status in (("team", 200), ("other", 404), ("kiro/kiro-pro", 404)):
            one = self.gateway.get(f"/v1/models/{name}", headers={**FAR, "x-api-key": some})
            self.assertEqual(one.status, status, one)
        self.assertEqual(self.ask(some, {**CHAT, "model": "kiro/kiro-pro"}).status, 403)
        self.assertEqual(listed(self.key("none", combos=["nothing"])["secret"]), set())

    def test_names_that_nothing_answers_to_are_warned_of(self):
        self.combo("team")
        wait_for(lambda: any(m["id"].startswith("kiro/kiro-pro/") for m in self.gateway.get("/v1/models").json["data"]),
                 what="both accounts' models")
        model = next(m["id"] for m in self.gateway.get("/v1/models").json["data"] if m["id"].startswith("kiro/kiro-dev/")).split("/")[2]
        there = ["*", "kiro", "kiro/*", "kiro/kiro-dev", "kiro/kiro-dev/*", f"kiro/kiro-dev/{model}", f"kiro/{model}", model, model[:5] + "*"]
        made = self.key("good", models=there, combos=["team", "te*", "*"])
        self.assertEqual(made["warnings"], [])
        gone = ["kiro/kiro-dve", "kiro/kiro-dve/*", "kira/*", "gpt-9", "gpt-9*", "team", "kiro/kiro-dev/gpt-9"]
        changed = self.gateway.call("PATCH", "/api/keys/good", {"models": ["kiro/kiro-dev", *gone], "combos": ["team", "tam", "x*"]})
        self.assertEqual(changed.status, 200, changed)
        self.assertEqual({w["field"]: w["name"] for w in changed.json["warnings"]},
                         {**{f"models[{i + 1}]": name for i, name in enumerate(gone)}, "combos[1]": "tam", "combos[2]": "x*"})
        said = {w["name"]: w["message"] for w in changed.json["warnings"]}
        self.assertIn('name it in "combos"', said["team"])
        self.assertIn('"gpt-9"', said["gpt-9"])
        # It is not refused: the combo may come later. A key is shown without warnings.
        self.combo("tam")
        again = self.gateway.call("PATCH", "/api/keys/good", {"isActive": True}).json
        self.assertNotIn("tam", [w["name"] for w in again["warnings"]])
        self.assertNotIn("warnings", self.gateway.get("/api/keys/good").json)

    def test_combos_and_models_by_pattern(self):
        self.combo("team-a")
        self.combo("private")
        secret = self.key("team", combos=["team-*"])["secret"]
        self.assertEqual(self.ask(secret, {**CHAT, "model": "team-a"}).status, 200)
        for model in ("private", "kiro/kiro-dev"):
            self.assertEqual(self.ask(secret, {**CHAT, "model": model}).status, 403, model)

    def test_switched_off_and_removed_keys_are_refused_at_once(self):
        secret = self.key()["secret"]
        self.assertEqual(self.gateway.call("PATCH", "/api/keys/laptop", {"isActive": False}).status, 200)
        self.assertEqual(self.ask(secret).status, 401)
        self.assertEqual(self.gateway.call("PATCH", "/api/keys/laptop", {"isActive": True}).status, 200)
        self.assertEqual(self.ask(secret).status, 200)
        self.assertEqual(self.gateway.call("DELETE", "/api/keys/laptop").status, 200)
        self.assertEqual(self.ask(secret).status, 401)


class LogIn(World):
    def test_from_open_on_loopback_to_a_password(self):
        open_door = self.gateway.get("/api/providers")
        self.assertEqual(open_door.headers["x-omniroute-admin"], "open-on-loopback")
        self.assertEqual(self.gateway.get("/api/providers", headers=FAR).status, 403)
        self.assertEqual(self.gateway.call("PUT", "/api/settings/password", {"password": "short"}).status, 400)
        boss = self.gateway.post("/api/keys", {"name": "boss", "scopes": ["admin"]}).json["secret"]
        client = self.gateway.post("/api/keys", {"name": "client"}).json["secret"]
        self.assertEqual(self.gateway.call("PUT", "/api/settings/password", {"password": "correct horse"}).status, 200)

        closed = self.gateway.get("/api/providers")
        self.assertEqual(closed.status, 401, closed)
        self.assertNotIn("x-omniroute-admin", closed.headers)
        self.assertEqual(self.gateway.post("/api/auth/login", {"password": "wrong"}).status, 401)
        entered = self.gateway.post("/api/auth/login", {"password": "correct horse"})
        self.assertEqual(entered.status, 200, entered)
        cookie = entered.headers["Set-Cookie"]
        self.assertIn("HttpOnly", cookie)
        self.assertIn("SameSite=Strict", cookie)
        session = {"Cookie": cookie.split(";")[0]}
        self.assertEqual(self.gateway.get("/api/providers", headers={**session, **FAR}).status, 200)
        # A page of another site cannot use the cookie for a write.
        foreign = self.gateway.post("/api/keys", {"name": "x"}, headers={**session, "Origin": "https://evil.example"})
        self.assertEqual(foreign.status, 403, foreign)
        self.assertEqual(self.gateway.get("/api/providers", headers={"Authorization": f"Bearer {boss}"}).status, 200)
        self.assertEqual(self.gateway.get("/api/providers", headers={"Authorization": f"Bearer {client}"}).status, 403)
        self.assertEqual(self.gateway.get("/metrics").status, 401)
        self.assertEqual(self.gateway.get("/metrics", headers={"Authorization": f"Bearer {boss}"}).status, 200)

        self.assertEqual(self.gateway.post("/api/auth/logout", headers=session).status, 200)
        self.assertEqual(self.gateway.get("/api/providers", headers=session).status, 401)
        for _ in range(6):
            guess = self.gateway.post("/api/auth/login", {"password": "guess"})
        self.assertEqual(guess.status, 429, guess)
        self.assertGreater(int(guess.headers["Retry-After"]), 0)
        self.gateway.stop()
        self.assertNotIn("correct horse", self.gateway.log())

    def test_another_address_needs_password_and_key_first(self):
        def start(*more):
            data = os.path.join(self.work, "far")
            os.makedirs(data, 0o700, exist_ok=True)
            command = [OMNIROUTED, "--set", "server.port=0", "--set", "server.address=0.0.0.0", "--set",
                       f"data.dir={data}", "--set", f"plugins.dir={PLUGINS}"]
            for setting in more:
                command += ["--set", setting]
            ready = os.path.join(self.work, "far-ready")
            process = subprocess.Popen(command + [f"--ready-file={ready}"], stderr=subprocess.PIPE, text=True)
            try:
                for _ in range(6000):
                    if os.path.exists(ready):
                        return "ready"
                    try:
                        process.wait(0.01)
                        return process.stderr.read()
                    except subprocess.TimeoutExpired:
                        pass
                return "neither ready nor ended"
            finally:
                process.terminate()
                process.wait()
                process.stderr.close()

        refused = start()
        self.assertIn("access.passwordFile", refused)
        self.assertIn("server.address", refused)
        password, key = os.path.join(self.work, "password"), os.path.join(self.work, "key")
        with open(password, "w") as file:
            file.write("correct horse\n")
        with open(key, "w") as file:
            file.write("sk-omni-" + "k" * 40 + "\n")
        self.assertEqual(start(f"access.passwordFile={password}", f"access.keyFile={key}"), "ready")
