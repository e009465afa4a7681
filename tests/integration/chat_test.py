"""Chat through combos: streaming, fallback, tools, client disconnect."""
import json
import socket
import threading
import unittest

from harness import World, stream_events, streamed_text, wait_for


class Chat(World):
    def setUp(self):
        super().setUp()
        self.two_accounts()
        self.combo()

    def test_streamed_answer_comes_from_the_first_account(self):
        answer = self.gateway.chat("my-kiro", "What is up", stream=True)
        self.assertEqual(answer.status, 200, answer)
        self.assertTrue(answer.headers["content-type"].startswith("text/event-stream"))
        self.assertIn("kiro-dev", answer.headers["x-omniroute-connection"])
        self.assertIn("What is up", streamed_text(answer.body))
        events = stream_events(answer.body)
        self.assertEqual(events[-1], "[DONE]")
        finishes = [e for e in map(json.loads, events[:-1]) if e["choices"] and e["choices"][0].get("finish_reason")]
        self.assertEqual([f["choices"][0]["finish_reason"] for f in finishes], ["stop"])

    def test_whole_answer_has_content_and_usage(self):
        answer = self.gateway.chat("kiro/kiro-pro", "One two three")
        self.assertEqual(answer.status, 200, answer)
        self.assertIn("One two three", answer.json["choices"][0]["message"]["content"])
        self.assertGreater(answer.json["usage"]["total_tokens"], 0)
        self.assertIn("kiro-pro", answer.headers["x-omniroute-connection"])

    def test_falls_back_before_the_first_byte(self):
        bodies = {
            402: {"__type": "x#ServiceQuotaExceededException", "message": "You have reached the limit.",
                  "reason": "MONTHLY_REQUEST_COUNT"},
            429: {"__type": "x#ThrottlingException", "message": "Too many requests", "reason": "USER_REQUEST_RATE_EXCEEDED"},
            500: {"__type": "x#InternalServerException", "message": "oops"},
            403: {"__type": "x#AccessDeniedException", "message": "Your User ID (123456789012) temporarily is suspended.",
                  "reason": "TEMPORARILY_SUSPENDED"},
        }
        states = {402: "exhausted", 429: "cooling", 403: "suspended"}
        for status, body in bodies.items():
            with self.subTest(status):
                self.sim.fault(target="data", account=self.dev["accountId"], mode="status", status=status, count=-1, body=body)
                answer = self.gateway.chat("my-kiro", "Hi", stream=True)
                self.assertEqual(answer.status, 200, answer)
                self.assertIn("kiro-pro", answer.headers["x-omniroute-connection"])
                if status in states:
                    self.assertEqual(self.gateway.record(self.dev_id)["state"]["name"], states[status])
                self.assertEqual(self.gateway.record(self.pro_id)["state"]["name"], "active")
                self.sim.clear_faults()
                for active in (False, True):
                    self.gateway.call("PATCH", f"/api/providers/{self.dev_id}", {"isActive": active})

    def test_a_bad_request_touches_no_account_and_is_not_retried(self):
        self.sim.fault(target="data", mode="status", status=400, count=-1,
                       body={"__type": "x#ValidationException", "message": "Improperly formed request."})
        self.sim.call("DELETE", "/__control/requests")
        answer = self.gateway.chat("my-kiro", "Hi")
        self.assertEqual(answer.status, 400, answer)
        self.assertEqual(answer.json["error"]["type"], "invalid_request_error")
        sent = [r for r in self.sim.requests() if "egion" in r["path"] or "enerateAssistant" in json.dumps(r)]
        self.assertLessEqual(len([r for r in sent if "conversationState" in json.dumps(r)]), 1)
        self.assertEqual(self.gateway.record(self.dev_id)["state"]["name"], "active")

    def test_all_exhausted_is_one_honest_error(self):
        self.sim.fault(target="data", mode="status", status=429, count=-1,
                       body={"__type": "x#ThrottlingException", "message": "Too many requests",
                             "reason": "USER_REQUEST_RATE_EXCEEDED", "retryAfterMilliseconds": 30000})
        answer = self.gateway.chat("my-kiro", "Hi")
        self.assertIn(answer.status, (429, 503), answer)
        self.assertIn("Retry-After", answer.headers)
        self.assertIn("kiro-dev", answer.json["error"]["message"])

    def test_round_robin_alternates(self):
        self.combo("both", "round-robin")
        served = [self.gateway.chat("both", "Hi").headers["x-omniroute-connection"] for _ in range(6)]
        self.assertEqual(sum("kiro-dev" in s for s in served), 3, served)

    def test_tools_reach_the_model_and_calls_come_back(self):
        self.sim.turn(toolCalls=[{"name": "get_weather", "input": {"city": "Oslo"}}])
        answer = self.gateway.post("/v1/chat/completions", {
            "model": "my-kiro", "messages": [{"role": "user", "content": "Weather in Oslo?"}],
            "tools": [{"type": "function", "function": {"name": "get_weather", "description": "Weather of a city",
                                                        "parameters": {"type": "object", "properties": {"city": {"type": "string"}},
                                                                       "required": ["city"]}}}]})
        self.assertEqual(answer.status, 200, answer)
        choice = answer.json["choices"][0]
        self.assertEqual(choice["finish_reason"], "tool_calls")
        call = choice["message"]["tool_calls"][0]
        self.assertEqual(call["function"]["name"], "get_weather")
        self.assertEqual(json.loads(call["function"]["arguments"]), {"city": "Oslo"})
        followed = self.gateway.post("/v1/chat/completions", {
            "model": "my-kiro",
            "messages": [{"role": "user", "content": "Weather in Oslo?"},
                         {"role": "assistant", "content": None, "tool_calls": [call]},
                         {"role": "tool", "tool_call_id": call["id"], "content": "rain"}]})
        self.assertEqual(followed.status, 200, followed)

    def test_a_stream_cut_short_ends_with_an_in_band_error(self):
        self.sim.turn(text="one two three four five six", truncation="mid_frame")
        answer = self.gateway.chat("kiro/kiro-dev", "Hi", stream=True)
        events = stream_events(answer.body)
        self.assertNotIn("[DONE]", events)
        self.assertIn("error", json.loads(events[-1]))

    def test_client_disconnect_stops_the_upstream_call_within_a_second(self):
        self.sim.turn(text="slow " * 200, delayMs=200)
        body = json.dumps({"model": "kiro/kiro-dev", "stream": True, "messages": [{"role": "user", "content": "Hi"}]})
        with socket.create_connection((self.gateway.host, self.gateway.port)) as client:
            client.sendall((f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                            f"Content-Length: {len(body)}\r\n\r\n{body}").encode())
            client.settimeout(20)
            received = b""
            while b"slow" not in received:
                received += client.recv(4096)
        wait_for(lambda: self.sim.get("/__control/health").json.get("activeStreams", 0) == 0, 2, "the upstream stream to end")

    def test_models_lists_combos_and_accounts(self):
        ids = {m["id"] for m in self.gateway.get("/v1/models").json["data"]}
        self.assertLessEqual({"my-kiro", "kiro/kiro-dev", "kiro/kiro-pro"}, ids)

    def test_many_streams_at_once(self):
        results = []
        def one(n):
            answer = self.gateway.chat("my-kiro", f"number {n}", stream=True)
            results.append((answer.status, f"number {n}" in streamed_text(answer.body)))
        threads = [threading.Thread(target=one, args=(n,)) for n in range(64)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(results, [(200, True)] * 64)


if __name__ == "__main__":
    unittest.main()
