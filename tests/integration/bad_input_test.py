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


if __name__ == "__main__":
    unittest.main()
