"""Bad input: a clear 4xx that names the field and the remedy, and nothing stored."""
import unittest

from harness import World

IMPORT = "/api/oauth/kiro/import"


class BadInput(World):
    def nothing_stored(self):
        self.assertEqual(self.gateway.get("/api/providers").json["total"], 0)

    def test_import_rows(self):
        good = self.sim.account()["refreshToken"]
        rows = [
            ("wrong prefix", {"refreshToken": "x" + good}, "refreshToken"),
            ("truncated", {"refreshToken": good[:40] + "..."}, "refreshToken"),
            ("short", {"refreshToken": good[:50]}, "refreshToken"),
            ("missing", {"region": "us-east-1"}, "refreshToken"),
            ("not a string", {"refreshToken": 7}, "refreshToken"),
            ("address as region", {"refreshToken": good, "region": "169.254.169.254"}, "region"),
            ("host as region", {"refreshToken": good, "region": "us-east-1.evil.com"}, "region"),
            ("upper case region", {"refreshToken": good, "region": "US-EAST-1"}, "region"),
            ("empty region", {"refreshToken": good, "region": ""}, "region"),
            ("unknown field", {"refreshToken": good, "regoin": "us-east-1"}, "regoin"),
        ]
        for name, body, field in rows:
            with self.subTest(name):
                answer = self.gateway.post(IMPORT, body)
                self.assertEqual(answer.status, 400, answer)
                self.assertIn(field, answer.body.decode())
                self.assertNotIn(good[:40], answer.body.decode())
        self.nothing_stored()
        self.assertEqual([r for r in self.sim.requests() if "__control" not in r["path"]], [])

    def test_a_dead_token_is_refused_in_whole_sentences(self):
        account = self.sim.account()
        self.sim.post(f"/__control/accounts/{account['accountId']}/revoke")
        for more, who in (({}, "Neither AWS SSO OIDC nor Kiro's sign-in service accepts"), ({"authMethod": "idc"}, "AWS SSO OIDC does not accept"),
                          ({"authMethod": "social"}, "Kiro's sign-in service does not accept")):
            with self.subTest(who):
                answer = self.gateway.post(IMPORT, {"refreshToken": account["refreshToken"], **more})
                self.assertEqual((answer.status, answer.json["error"]["field"]), (400, "refreshToken"), answer)
                self.assertTrue(answer.json["error"]["message"].startswith(who + " this refresh token: it has expired"), answer.body)
        self.nothing_stored()

    def test_bad_json_content_type_and_size(self):
        self.assertEqual(self.gateway.call("POST", IMPORT, '{"refreshToken": ', {"Content-Type": "application/json"}).status, 400)
        self.assertEqual(self.gateway.call("POST", IMPORT, "[]", {"Content-Type": "application/json"}).status, 400)
        self.assertEqual(self.gateway.call("POST", IMPORT, "refreshToken=x", {"Content-Type": "text/plain"}).status, 415)
        big = '{"refreshToken": "' + "a" * (10 << 20) + '"}'
        try:
            self.assertEqual(self.gateway.call("POST", IMPORT, big, {"Content-Type": "application/json"}).status, 413)
        except (BrokenPipeError, ConnectionResetError):
            # The service may refuse by the declared length and close while we still send.
            pass
        self.nothing_stored()

    def test_same_token_again_is_a_conflict_with_the_id(self):
        account = self.sim.account()
        connection = self.gateway.import_account(account)
        answer = self.gateway.post(IMPORT, {"refreshToken": account["refreshToken"]})
        self.assertEqual(answer.status, 409, answer)
        self.assertIn(connection, answer.body.decode())
        self.assertEqual(self.gateway.get("/api/providers").json["total"], 1)

    def test_simulator_down_is_502_with_the_host(self):
        token = self.sim.account()["refreshToken"]
        self.sim.stop()
        answer = self.gateway.post(IMPORT, {"refreshToken": token})
        self.assertEqual(answer.status, 502, answer)
        self.assertIn("127.0.0.1", answer.body.decode())
        self.nothing_stored()

    def test_failed_registration_refuses_unless_shared_is_allowed(self):
        self.sim.fault(target="oidc.register", mode="status", status=500, count=-1)
        account = self.sim.account()
        answer = self.gateway.post(IMPORT, {"refreshToken": account["refreshToken"]})
        self.assertEqual(answer.status, 502, answer)
        self.assertIn("allowShared", answer.body.decode())
        self.nothing_stored()
        answer = self.gateway.post(IMPORT, {"refreshToken": account["refreshToken"], "allowShared": True})
        self.assertEqual(answer.status, 200, answer)
        record = self.gateway.record(answer.json["connection"]["id"])
        self.assertEqual(record["providerSpecificData"]["isolation"], "shared")

    def test_unknown_model_offers_the_nearest(self):
        self.two_accounts()
        answer = self.gateway.chat("kiro/kiro-dve")
        self.assertEqual(answer.status, 404, answer)
        self.assertIn("kiro/kiro-dev", answer.json["error"]["message"])

    def test_foreign_host_and_origin_are_refused(self):
        self.assertEqual(self.gateway.get("/api/providers", headers={"Host": "evil.example"}).status, 403)
        answer = self.gateway.call("POST", "/api/combos", {"name": "x", "models": ["kiro/y"]}, {"Origin": "https://evil.example",
                                                                                                "Content-Type": "application/json"})
        self.assertEqual(answer.status, 403, answer)

    def test_combos(self):
        self.two_accounts()
        for body in ({"name": "c", "strategy": "priority", "models": []}, {"name": "", "models": ["kiro/kiro-dev"]},
                     {"name": "c", "strategy": "best", "models": ["kiro/kiro-dev"]}, {"name": "c", "models": "kiro/kiro-dev"},
                     {"name": "c", "models": ["kiro/kiro-dev"], "colour": "red"}):
            with self.subTest(str(body)):
                self.assertEqual(self.gateway.post("/api/combos", body).status, 400)
        self.combo("c")
        self.assertEqual(self.gateway.post("/api/combos", {"name": "c", "models": ["kiro/kiro-dev"]}).status, 409)

    def refused(self, body, status, field, *words, method="POST", path="/api/combos"):
        answer = self.gateway.call(method, path, body)
        self.assertEqual(answer.status, status, answer)
        error = answer.json["error"]
        self.assertEqual(error.get("field"), field, answer)
        for word in words:
            self.assertIn(word, error["message"])

    def test_combos_that_cannot_be(self):
        self.two_accounts()
        stored = self.combo("team")
        self.combo("b", models=["team"])
        before = self.gateway.get("/api/combos").json
        # Unknown connection, provider, combo: the nearest names.
        self.refused({"name": "c", "models": ["kiro/kiro-dve"]}, 400, "models[0]", "kiro/kiro-dev")
        self.refused({"name": "c", "models": ["kiro/kiro-dev", "kirro/kiro-dev"]}, 400, "models[1]", "kiro")
        self.refused({"name": "c", "targets": [{"combo": "taem"}]}, 400, "targets[0].combo", "team")
        self.refused({"name": "c", "targets": [{"provider": "kiro", "connections": ["kiro-por"]}]}, 400,
                     "targets[0].connections[0]", "kiro-pro")
        # A cycle names the way round.
        self.refused({"targets": [{"combo": "b"}]}, 400, "targets", "team -> b -> team", method="PUT",
                     path=f"/api/combos/{stored['id']}")
        self.refused({"targets": [{"combo": "team"}]}, 400, "targets", "team -> team", method="PUT",
                     path=f"/api/combos/{stored['id']}")
        # Empty, and weights out of range.
        self.refused({"name": "c", "models": []}, 400, "models")
        self.refused({"name": "c", "targets": []}, 400, "targets")
        for weight in (-1, 101, 1.5, "3"):
            self.refused({"name": "c", "strategy": "weighted", "targets": [{"provider": "kiro", "weight": weight}]}, 400,
                         "targets[0].weight")
        self.assertEqual(self.gateway.get("/api/combos").json, before, "nothing is stored")

    def test_a_deleted_target_is_named_and_the_others_serve(self):
        self.two_accounts()
        combo = self.combo("team")
        self.assertIn(self.gateway.call("DELETE", f"/api/providers/{self.dev_id}").status, (200, 204))
        served = self.gateway.chat("team", "Hi")
        self.assertEqual(served.status, 200, served)
        self.assertIn("kiro-pro", served.headers["x-omniroute-connection"])
        self.assertIn("kiro/kiro-dev", str(self.gateway.get(f"/api/combos/{combo['id']}").json["missing"]))
        self.gateway.call("PATCH", f"/api/providers/{self.pro_id}", {"isActive": False})
        refused = self.gateway.chat("team", "Hi")
        self.assertEqual(refused.status, 503, refused)
        self.assertIn("target kiro/kiro-dev does not exist any more", refused.json["error"]["message"])

    def test_a_header_that_names_a_foreign_connection(self):
        self.two_accounts()
        self.combo("team", models=["kiro/kiro-dev"])
        body = {"model": "team", "messages": [{"role": "user", "content": "Hi"}]}
        for name in ("kiro-pro", "kiro/kiro-pro", self.pro_id, "nobody"):
            with self.subTest(name):
                answer = self.gateway.post("/v1/chat/completions", body, headers={"x-omniroute-connection": name})
                self.assertEqual(answer.status, 400, answer)
                self.assertIn("x-omniroute-connection", str(answer.json["error"]))
        answer = self.gateway.post("/v1/messages", {**body, "max_tokens": 9}, headers={"x-omniroute-connection": "kiro-pro"})
        self.assertEqual((answer.status, answer.json["type"]), (400, "error"), answer)
        own = self.gateway.post("/v1/chat/completions", body, headers={"x-omniroute-connection": "kiro-dev"})
        self.assertEqual(own.status, 200, own)

    def test_unknown_combos_in_every_api(self):
        self.two_accounts()
        self.combo("my-kiro")
        for path, body in (("/v1/chat/completions", {"messages": [{"role": "user", "content": "Hi"}]}),
                           ("/v1/messages", {"max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}),
                           ("/v1/responses", {"input": "Hi"})):
            with self.subTest(path):
                answer = self.gateway.post(path, {"model": "my-kirp", **body})
                self.assertEqual(answer.status, 404, answer)
                self.assertIn("my-kiro", answer.json["error"]["message"])
        self.assertEqual(self.gateway.post("/api/combos/my-kirp/explain").status, 404)


if __name__ == "__main__":
    unittest.main()
