"""Twenty accounts, random faults, load: no request fails while an account could have served it."""
import json
import os
import random
import threading
import time
import unittest

from harness import World, wait_for

ACCOUNTS = 20
WORKERS = 8
SECONDS = int(os.environ.get("OMNI_CHAOS_SECONDS", "20"))  # minutes, for a run by hand


class Chaos(World):
    settings = ("log.level=warning",)

    def test_no_request_fails_while_an_account_could_serve_it(self):
        dice = random.Random(20261124)
        # A few accounts are left alone, so that somebody could always have served.
        accounts = [self.sim.account(email=f"chaos{i}@example.com") for i in range(ACCOUNTS)]
        for i, account in enumerate(accounts):
            self.gateway.import_account(account, f"chaos-{i:02}")
        names = [f"kiro/chaos-{i:02}" for i in range(ACCOUNTS)]
        self.combo("chaos", "round-robin", names)

        stop = threading.Event()
        counts = {"requests": 0, "served": 0, "failed": 0, "fallbacks": 0, "faults": 0, "revived": 0}
        failures, by_account = [], {}
        lock = threading.Lock()

        def client(number):
            turn = 0
            while not stop.is_set():
                turn += 1
                started = time.monotonic()
                answer = self.gateway.chat("chaos", f"worker {number}, turn {turn}", stream=turn % 2 == 0)
                whole = answer.status == 200 and (b"[DONE]" in answer.body or turn % 2 == 1)
                with lock:
                    counts["requests"] += 1
                    if whole:
                        counts["served"] += 1
                        served_by = answer.headers.get("x-omniroute-connection")
                        by_account[served_by] = by_account.get(served_by, 0) + 1
                        counts["fallbacks"] += int(answer.headers.get("x-omniroute-attempts", "1")) > 1
                    else:
                        counts["failed"] += 1
                        failures.append((round(time.monotonic() - started, 2), repr(answer)))

        def trouble():
            passing = [
                dict(mode="reset_before_headers"),
                dict(mode="status", status=500, body={"message": "oops", "reason": None}),
                dict(mode="status", status=503, body={"__type": "x#ServiceUnavailableException",
                                                      "message": "busy", "reason": "MODEL_TEMPORARILY_UNAVAILABLE"}),
                dict(mode="status", status=429, body={"__type": "x#ThrottlingException", "message": "slow down",
                                                      "reason": "USER_REQUEST_RATE_EXCEEDED",
                                                      "retryAfterMilliseconds": 3000}),
                dict(mode="status", status=429, headers={"retry-after": "2"},
                     body={"__type": "x#ThrottlingException", "message": "slow down", "reason": None}),
            ]
            lasting = [
                dict(mode="status", status=402, body={"__type": "x#ServiceQuotaExceededException",
                                                      "message": "used up", "reason": "MONTHLY_REQUEST_COUNT"}),
                dict(mode="status", status=403, body={"__type": "x#AccessDeniedException", "reason": None,
                                                      "message": "User is not authorized to make this call"}),
            ]
            turns = [dict(empty=True), dict(exception={"at": 1, "type": "throttlingError", "message": "now",
                                                       "reason": "USER_REQUEST_RATE_EXCEEDED",
                                                       "retryAfterMilliseconds": 1500}),
                     dict(exception={"at": 1, "type": "error", "message": "inside"})]
            while not stop.is_set():
                account = dice.choice(accounts[3:])["accountId"]
                chance = dice.random()
                if chance < 0.02:
                    self.sim.fault(target="data", account=account, count=1, **dice.choice(lasting))
                elif chance < 0.75:
                    self.sim.fault(target="data", account=account, count=dice.choice((1, 1, 1, 2)), **dice.choice(passing))
                else:
                    self.sim.turn(account=account, **dice.choice(turns))
                counts["faults"] += 1
                stop.wait(0.2)  # more would queue up faster than resting accounts can meet it

        def person():
            """Buys credits: without somebody who does, after a while only those are left that were never hit."""
            while not stop.wait(1):
                for row in self.gateway.get("/api/providers").json["connections"]:
                    if row["state"]["name"] == "exhausted":
                        counts["revived"] += 1
                        for active in (False, True):
                            self.gateway.call("PATCH", f"/api/providers/{row['id']}", {"isActive": active})

        workers = [threading.Thread(target=client, args=(n,)) for n in range(WORKERS)]
        workers += [threading.Thread(target=trouble), threading.Thread(target=person)]
        for worker in workers:
            worker.start()
        time.sleep(SECONDS * 3 / 4)
        with lock:
            early = dict(by_account)
        time.sleep(SECONDS / 4)
        stop.set()
        for worker in workers:
            worker.join(60)
            self.assertFalse(worker.is_alive(), "a request hangs")

        self.sim.clear_faults()
        lately = [name for name, count in by_account.items() if count > early.get(name, 0)]
        data_calls = sum(1 for r in self.sim.requests() if "GenerateAssistantResponse" in json.dumps(r))
        print(f"\nchaos: {counts}, accounts that served: {len(by_account)}, "
              f"in the last quarter: {len(lately)}, upstream calls seen (last 1000): {data_calls}",
              flush=True)
        self.assertGreater(counts["requests"], 100)
        self.assertGreater(counts["faults"], 3 * SECONDS)
        self.assertGreater(counts["fallbacks"], SECONDS, "the faults were hardly met")
        self.assertGreater(len(lately), ACCOUNTS / 2, "the accounts do not come back")
        self.assertEqual(counts["failed"], 0, failures[:5])
        # The service came out of it whole: it explains itself and serves at once.
        explained = self.gateway.post("/api/combos/chaos/explain")
        self.assertEqual(explained.status, 200, explained)
        self.assertEqual(len(explained.json["candidates"]), ACCOUNTS)
        self.assertIsNotNone(explained.json["picked"])
        self.assertEqual(self.gateway.chat("chaos", "after").status, 200)
        # Short delays are over soon, and the accounts come back by themselves.
        states = {a["name"]: a["state"]["name"] for a in self.gateway.get("/api/providers").json["connections"]}
        self.assertNotIn("suspended", states.values())
        self.assertNotIn("disabled", states.values())


class Refusals(World):
    def test_unknown_names_cycles_and_foreign_pins_are_refused_clearly(self):
        self.two_accounts()
        self.combo("team")
        answer = self.gateway.chat("taem", "Hi")
        self.assertEqual(answer.status, 404, answer)
        self.assertIn("team", answer.json["error"]["message"])
        answer = self.gateway.chat("kiro/kiro-dve", "Hi")
        self.assertEqual(answer.status, 404, answer)
        self.assertIn("kiro/kiro-dev", answer.json["error"]["message"])

        self.combo("outer", models=("team",))
        answer = self.gateway.call("PUT", "/api/combos/team", {"models": ["outer"]})
        self.assertEqual(answer.status, 400, answer)
        self.assertIn("team -> outer -> team", answer.json["error"]["message"])
        self.assertEqual(self.gateway.chat("outer", "Hi").status, 200)

    def test_a_combo_survives_a_rename_and_names_what_was_deleted(self):
        self.two_accounts()
        self.combo("team", models=("kiro/kiro-dev",))
        self.assertEqual(self.gateway.call("PATCH", f"/api/providers/{self.dev_id}", {"name": "office"}).status, 200)
        answer = self.gateway.chat("team", "Hi")
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.headers["x-omniroute-connection"], "office")
        self.assertEqual(self.gateway.call("DELETE", f"/api/providers/{self.dev_id}").status, 200)
        answer = self.gateway.chat("team", "Hi")
        self.assertEqual(answer.status, 404, answer)
        self.assertIn("kiro/kiro-dev", answer.json["error"]["message"])

    def test_models_are_listed_live_and_a_bare_one_finds_its_accounts(self):
        self.two_accounts()
        models = wait_for(lambda: [m for m in self.gateway.get("/v1/models").json["data"]
                                   if m["id"].startswith("kiro/kiro-pro/claude-")], 20, "the live models")
        self.assertGreater(models[0]["context_window"], 0)
        bare = models[0]["id"].rsplit("/", 1)[1]
        answer = self.gateway.chat(bare, "Hi")
        self.assertEqual(answer.status, 200, answer)
        answer = self.gateway.chat(bare[:-1] + "x", "Hi")
        self.assertEqual(answer.status, 404, answer)
        self.assertIn(bare, answer.json["error"]["message"])


if __name__ == "__main__":
    unittest.main()
