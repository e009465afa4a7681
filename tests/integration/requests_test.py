"""What can be seen of the requests: the log, the live view, the sums, the metrics, the trace."""
import http.client
import json

from harness import World, wait_for

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class Requests(World):
    def setUp(self):
        super().setUp()
        self.two_accounts()
        self.combo()

    def logged(self, count, query=""):
        def enough():
            rows = self.gateway.get(f"/api/requests{query}").json["requests"]
            return rows if len(rows) >= count else None
        return wait_for(enough, what=f"{count} logged requests")

    def test_each_request_is_logged_without_its_content(self):
        self.sim.turn(text="the secret answer")
        self.gateway.chat("my-kiro", "the secret question", stream=True)
        self.gateway.chat("nobody", "Hi")
        rows = self.logged(2)
        failed, good = rows[0], rows[1]
        self.assertEqual(good["connectionName"], "kiro-dev")
        self.assertEqual(good["model"], "my-kiro")
        self.assertEqual((good["status"], good["streamed"], good["api"]), (200, True, "chat"))
        self.assertEqual(len(good["attempts"]), 1)
        self.assertGreaterEqual(good["durationMs"], good["firstByteMs"])
        self.assertEqual(failed["status"], 404)
        self.assertIn("nobody", failed["error"])
        self.assertNotIn("secret question", json.dumps(rows))
        self.assertNotIn("secret answer", json.dumps(rows))

    def test_filters_pages_and_sums(self):
        for _ in range(3):
            self.assertEqual(self.gateway.chat("kiro/kiro-dev", "Hi").status, 200)
        self.assertEqual(self.gateway.chat("kiro/kiro-pro", "Hi").status, 200)
        self.logged(4)
        self.assertEqual(len(self.gateway.get("/api/requests?connection=kiro-pro").json["requests"]), 1)
        page = self.gateway.get("/api/requests?limit=3").json
        self.assertEqual(len(page["requests"]), 3)
        rest = self.gateway.get(f"/api/requests?limit=3&before={page['nextBefore']}").json
        self.assertEqual(len(rest["requests"]), 1)
        self.assertIsNone(rest["nextBefore"])
        self.assertEqual(self.gateway.get("/api/requests?status=failed").json["requests"], [])
        self.assertEqual(self.gateway.get("/api/requests?status=nope").status, 400)
        summary = self.gateway.get("/api/usage/summary?days=1").json
        self.assertEqual(summary["total"]["requests"], 4)
        by_name = {row["connectionName"]: row["requests"] for row in summary["rows"]}
        self.assertEqual(by_name, {"kiro-dev": 3, "kiro-pro": 1})

    def test_the_live_view_shows_a_request_as_it_ends_and_does_not_hold_up_a_stop(self):
        connection = http.client.HTTPConnection(self.gateway.host, self.gateway.port, timeout=30)
        connection.request("GET", "/api/requests/live")
        response = connection.getresponse()
        self.assertEqual(response.status, 200)
        self.gateway.chat("my-kiro", "Hi")
        line = response.readline()
        while line and not line.startswith(b"data: "):
            line = response.readline()
        seen = json.loads(line[6:])
        self.assertEqual(seen["model"], "my-kiro")
        self.assertIsNone(seen["id"])
        self.assertEqual(self.gateway.stop(), 0)
        connection.close()

    def test_metrics_and_the_trace(self):
        answer = self.gateway.post("/v1/chat/completions", {"model": "my-kiro", "messages": [{"role": "user", "content": "Hi"}]},
                                   headers={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"})
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(self.logged(1)[0]["traceId"], TRACE)
        sent = [r for r in self.sim.requests() if TRACE in json.dumps(r)]
        self.assertTrue(sent, "the trace did not reach the upstream")
        metrics = self.gateway.get("/metrics")
        self.assertEqual(metrics.status, 200)
        self.assertTrue(metrics.headers["content-type"].startswith("text/plain; version=0.0.4"))
        text = metrics.body.decode()
        self.assertIn('omniroute_requests_total{api="chat",provider="kiro",connection="kiro-dev",status="200",ok="true"} 1', text)
        self.assertIn('omniroute_connection_state{provider="kiro",connection="kiro-pro",state="active"} 1', text)
        self.assertIn('omniroute_registration_expiry_timestamp_seconds{provider="kiro",connection="kiro-dev"}', text)
        self.assertIn("omniroute_streams_open 0", text)
        names = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
        self.assertEqual(len(names), len(set(names)), "a family occurs twice")
