"""What can be seen of the requests: the log, the live view, the sums, the metrics, the trace."""
import contextlib
import http.client
import json
import os
import sqlite3

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

    def test_an_id_of_digits_is_found_too(self):
        # One in two thousand of the service's own ids looks like a number of the log.
        for given in ("1234567890123456", "99999999999999999999", "7"):
            headers = {"x-request-id": given, "Content-Type": "application/json"}
            body = {"model": "my-kiro", "messages": [{"role": "user", "content": "Hi"}]}
            self.assertEqual(self.gateway.call("POST", "/v1/chat/completions", body, headers=headers).headers["x-request-id"], given)
            wait_for(lambda: self.gateway.get(f"/api/requests/{given}").status == 200, what=f"the request {given}")
            self.assertEqual(self.gateway.get(f"/api/requests/{given}").json["requestId"], given)
        self.assertNotEqual(self.gateway.get("/api/requests/1").json["requestId"], "1", "the log's number comes first")

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

    def test_an_unknown_member_of_the_query_is_refused_by_name(self):
        proxy = self.gateway.post("/api/proxies", {"name": "p", "type": "http", "host": "127.0.0.1", "port": 9}).json["id"]
        hook = self.gateway.post("/api/webhooks", {"name": "h", "url": "http://127.0.0.1:9/"}).json["id"]
        for method, path, known in (("GET", "/api/requests", "limit, before, connection, caller, model, status"),
                                    ("GET", "/api/usage/summary", "days"), ("GET", "/api/audit", "connection, before, limit"),
                                    ("GET", "/api/providers", "limit, offset"), ("GET", f"/api/webhooks/{hook}/deliveries", "limit, before"),
                                    ("DELETE", f"/api/proxies/{proxy}", "force"), ("DELETE", "/api/proxies/assignments", "scope, scopeId"),
                                    ("GET", "/api/proxies/resolve", "connection, provider"),
                                    ("POST", "/api/import/accounts", "rotate, proxyId")):
            with self.subTest(path):
                answer = self.gateway.call(method, f"{path}?conection=kiro-pro", {} if method == "POST" else None)
                self.assertEqual((answer.status, answer.json["error"]["field"]), (400, "conection"), answer)
                self.assertIn(f"Known here: {known}.", answer.json["error"]["message"])
                # By these, browsers' libraries and scripts get round caches.
                answer = self.gateway.call(method, f"{path}?_=1700000000000&t=1", {} if method == "POST" else None)
                self.assertNotIn("Unknown member", answer.body.decode())
        self.assertEqual(self.gateway.get("/api/requests?_=1&t=2&limit=1").status, 200)
        self.assertEqual(self.gateway.get("/api/requests?%C3%A9=1").json["error"]["field"], "?")
        # What OmniRoute's scripts add to its own paths is not refused.
        self.assertEqual(self.gateway.get("/api/oauth/kiro/auto-import?targetProvider=kiro").status, 200)

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


QUESTION, ANSWER = "zebra-question-7391", "okapi-answer-5582"


class ContentOff(World):
    def test_nothing_that_was_said_is_in_any_file_or_answer(self):
        self.two_accounts()
        self.combo()
        for stream in (True, False):
            self.sim.turn(text=ANSWER)
            self.assertIn(ANSWER, self.gateway.chat("my-kiro", QUESTION, stream=stream).body.decode())
        self.gateway.chat("nobody", QUESTION)
        request = self.gateway.chat("my-kiro", QUESTION).headers["x-request-id"]
        wait_for(lambda: self.gateway.get(f"/api/requests/{request}").status == 200, what="the request in the log")
        row = self.gateway.get(f"/api/requests/{request}").json
        self.assertIsNone(row["content"])
        self.assertIs(row["contentKept"], False)
        said_in_files(self)
        self.assertEqual(self.gateway.stop(), 0)
        said_in_files(self)


def said_in_files(test):
    """No file of the service (database, its log, the log file) holds the question or the answer in plain."""
    seen = 0
    for folder, _, names in os.walk(test.work):
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                data = file.read()
            seen += 1
            for word in (QUESTION, ANSWER):
                test.assertNotIn(word.encode(), data, os.path.join(folder, name))
    test.assertGreaterEqual(seen, 3)


class ContentOn(World):
    settings = ("requests.content=on", "requests.contentKiB=4", "requests.contentKeepRows=10")

    def setUp(self):
        super().setUp()
        self.two_accounts()
        self.combo()

    def one(self, answer):
        # A client may ask a moment before the thread that answered it has noted that it is done.
        def noted():
            found = self.gateway.get("/api/requests/" + answer.headers["x-request-id"])
            return found.json if found.status == 200 else None
        return wait_for(noted, what="the request in the log")

    @property
    def database(self):
        return os.path.join(self.data, "omniroute.sqlite")

    def ask(self, text=QUESTION, **more):
        self.sim.turn(text=ANSWER)
        return self.one(self.gateway.chat("my-kiro", text, **more))

    def test_what_was_said_is_found_by_the_requests_id_and_nowhere_else(self):
        for stream in (True, False):
            row = self.ask(stream=stream)
            self.assertEqual(json.loads(row["content"]["request"])["messages"][0]["content"], QUESTION)
            self.assertEqual(row["content"]["answer"], ANSWER)
            self.assertEqual(row["content"]["requestBytes"], len(row["content"]["request"]))
        self.assertEqual(self.gateway.get(f"/api/requests/{row['id']}").json, row)
        listed = self.gateway.get("/api/requests").body.decode()
        self.assertIs(json.loads(listed)["contentKept"], True)
        self.assertNotIn("content", listed.replace("contentKept", ""))
        self.assertNotIn(QUESTION, listed + self.gateway.get("/metrics").body.decode())
        self.assertEqual(self.gateway.get("/api/requests/nobody").status, 404)
        # A request that was refused is the one that somebody wants to look into.
        bad = self.one(self.gateway.post("/v1/chat/completions", '{"model": "' + QUESTION, headers={"Content-Type": "application/json"}))
        self.assertEqual((bad["status"], bad["content"]["request"], bad["content"]["answer"]), (400, '{"model": "' + QUESTION, ""))
        self.assertEqual(self.gateway.get("/api/requests/" + bad["requestId"], headers={"Host": "evil.example"}).status, 403)
        said_in_files(self)

    def test_headers_are_never_kept_and_long_texts_are_cut(self):
        key = self.gateway.post("/api/keys", {"name": "laptop"}).json["secret"]
        self.sim.turn(text="Hi")
        answer = self.gateway.post("/v1/messages", {"model": "my-kiro", "max_tokens": 9, "messages": [
            {"role": "user", "content": "FIRST" + "é" * 5000 + "LAST"}]}, headers={"x-api-key": key, "Cookie": "c=cookie-secret"})
        self.assertEqual(answer.status, 200, answer)
        row = self.one(answer)["content"]
        for secret in (key, "cookie-secret"):
            self.assertNotIn(secret, json.dumps(row))
        self.assertLess(len(row["request"].encode()), 4096 + 60)
        self.assertIn("FIRST", row["request"])
        self.assertIn("LAST", row["request"])
        self.assertRegex(row["request"], r"\[\.\.\. \d+ bytes are not kept \.\.\.\]")
        self.assertNotIn("\ufffd", row["request"])
        self.sim.turn(text="a" * 9000 + "TAIL")
        row = self.one(self.gateway.chat("my-kiro", "Hi"))["content"]
        self.assertEqual(row["answerBytes"], 9004)
        self.assertEqual(row["answer"], "a" * 4096 + "\n[... 4908 bytes are not kept ...]\n")

    def test_credentials_inside_a_body_are_taken_out(self):
        self.sim.turn(text="Use sk-abcdefghijklmnopqrstuvwx then.")
        answer = self.gateway.post("/v1/messages", {
            "model": "my-kiro", "max_tokens": 9, "mcp_servers": [{"type": "url", "url": "https://m", "name": "m", "authorization_token": "opaque-7391"}],
            "metadata": {"headers": {"X-Team": "opaque-5582"}},
            "messages": [{"role": "user", "content": "curl -H 'Authorization: Bearer opaque-1111' and say zebra"}]})
        row = self.one(answer)["content"]
        self.assertNotRegex(json.dumps(row), "opaque-|sk-abc")
        said = json.loads(row["request"])
        self.assertEqual(said["mcp_servers"][0], {"type": "url", "url": "https://m", "name": "m", "authorization_token": "[redacted]"})
        self.assertEqual(said["messages"][0]["content"], "curl -H 'Authorization: Bearer [redacted]' and say zebra")

    def test_it_goes_by_number_by_age_at_once_and_with_the_switch(self):
        rows = [self.ask() for _ in range(12)]
        self.assertTrue(all(row["content"] for row in rows))

        def left():
            return [bool(self.gateway.get(f"/api/requests/{row['id']}").json["content"]) for row in rows]
        self.gateway.restart()
        wait_for(lambda: left() == [False] * 2 + [True] * 10, what="the oldest two to go")
        self.gateway.stop()
        with contextlib.closing(sqlite3.connect(self.database, isolation_level=None)) as database:
            database.execute("UPDATE request_contents SET at_ms=1000 WHERE id<=?", (rows[5]["id"],))
        self.gateway.start()
        wait_for(lambda: left() == [False] * 6 + [True] * 6, what="those of long ago to go")
        cleared = self.gateway.call("DELETE", "/api/requests/content")
        self.assertEqual((cleared.status, cleared.json), (200, {"success": True, "contentKept": True}))
        self.assertEqual(left(), [False] * 12)
        self.assertIn("requests.content_cleared", self.gateway.get("/api/audit").body.decode())
        last = self.ask()
        self.assertTrue(last["content"])
        self.gateway.settings = []
        self.gateway.restart()
        wait_for(lambda: self.gateway.get(f"/api/requests/{last['id']}").json["content"] is None, what="all to go")
        self.gateway.stop()
        with contextlib.closing(sqlite3.connect(self.database, isolation_level=None)) as database:
            self.assertEqual(database.execute("SELECT count(*) FROM request_contents").fetchone(), (0,))
            self.assertEqual(database.execute("SELECT count(*) FROM requests").fetchone(), (13,))
