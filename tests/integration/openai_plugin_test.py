"""The OpenAI-compatible provider against a small independent server, together with Kiro in one combo, and behind another
omnirouted."""
import http.server
import json
import os
import threading

from harness import Gateway, World, stream_events, streamed_text


class ModelServer:
    """Speaks chat completions as a local model server does. Knows nothing of the plugin."""

    def __init__(self, key="local-key"):
        server = self
        self.key, self.requests, self.fail, self.cut = key, [], None, False

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def reply(self, status, body, headers=()):
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                for name, value in headers:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            def allowed(self):
                if self.headers.get("Authorization") == f"Bearer {server.key}":
                    return True
                self.reply(401, {"error": {"message": "Incorrect API key provided", "type": "invalid_request_error",
                                           "code": "invalid_api_key"}})
                return False

            def do_GET(self):
                if self.allowed():
                    self.reply(200, {"object": "list", "data": [{"id": "tiny-1", "object": "model", "owned_by": "me"}]})

            def chunk(self, text):
                data = text.encode()
                self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
                self.wfile.flush()

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                server.requests.append((dict(self.headers), body))
                if not self.allowed():
                    return
                if server.fail:
                    status, error, headers = server.fail
                    return self.reply(status, {"error": error}, headers)
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()

                def event(delta, finish=None, **more):
                    self.chunk("data: " + json.dumps({"id": "x", "object": "chat.completion.chunk", "model": body["model"],
                                                      "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
                                                      **more}) + "\n\n")
                event({"role": "assistant", "content": ""})
                if body.get("tools") and body["messages"][-1]["role"] != "tool":
                    name = body["tools"][0]["function"]["name"]
                    event({"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": {"name": name, "arguments": ""}}]})
                    for piece in ('{"city"', ':"Bern"}'):
                        event({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
                    event({}, "tool_calls")
                else:
                    last = body["messages"][-1]["content"]
                    for word in f"local says: {last}".split(" "):
                        event({"content": word + " "})
                    if server.cut:
                        self.wfile.write(b"0\r\n\r\n")
                        return
                    event({}, "stop")
                if (body.get("stream_options") or {}).get("include_usage"):
                    self.chunk("data: " + json.dumps({"id": "x", "choices": [], "usage": {
                        "prompt_tokens": 11, "completion_tokens": 4, "total_tokens": 15}}) + "\n\n")
                self.chunk("data: [DONE]\n\n")
                self.wfile.write(b"0\r\n\r\n")

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.base = f"http://127.0.0.1:{self.server.server_address[1]}/v1"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class OpenAiPlugin(World):
    def setUp(self):
        super().setUp()
        self.local = ModelServer()
        self.addCleanup(self.local.stop)

    def add(self, name="local", gateway=None, **form):
        form = {"baseUrl": self.local.base, "apiKey": self.local.key, **form}
        answer = (gateway or self.gateway).post("/api/oauth/openai/import", {"name": name, **form})
        self.assertEqual(answer.status, 200, answer)
        return answer.json["connection"]["id"]

    def test_chat_whole_streamed_and_with_tools(self):
        self.add()
        whole = self.gateway.chat("openai/local/tiny-1", "Hello")
        self.assertEqual(whole.status, 200, whole)
        self.assertEqual(whole.json["choices"][0]["message"]["content"].strip(), "local says: Hello")
        self.assertEqual(whole.json["usage"]["prompt_tokens"], 11)
        self.assertEqual(self.local.requests[-1][1]["model"], "tiny-1")
        streamed = self.gateway.chat("openai/local", "Hello", stream=True)  # the server's first model
        self.assertEqual(streamed_text(streamed.body).strip(), "local says: Hello")
        self.assertEqual(self.local.requests[-1][1]["model"], "tiny-1")
        tool = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}
        called = self.gateway.chat("openai/local", "Weather?", tools=[tool])
        call = called.json["choices"][0]["message"]["tool_calls"][0]
        self.assertEqual(json.loads(call["function"]["arguments"]), {"city": "Bern"})
        self.assertEqual(called.json["choices"][0]["finish_reason"], "tool_calls")
        ended = self.gateway.post("/v1/chat/completions", {"model": "openai/local", "tools": [tool], "messages": [
            {"role": "user", "content": "Weather?"}, called.json["choices"][0]["message"],
            {"role": "tool", "tool_call_id": call["id"], "content": "sunny"}]})
        self.assertIn("sunny", ended.json["choices"][0]["message"]["content"])

    def test_a_combo_falls_from_kiro_to_the_local_server_and_back(self):
        self.two_accounts()
        self.add()
        self.combo("mixed", models=("kiro/kiro-dev", "openai/local/tiny-1"))
        self.assertIn("kiro-dev", self.gateway.chat("mixed", "Hi").headers["x-omniroute-connection"])
        self.sim.fault(target="data", mode="status", status=429, count=-1,
                       body={"__type": "x#ThrottlingException", "message": "Too many requests"})
        fallen = self.gateway.chat("mixed", "Hi", stream=True)
        self.assertEqual(fallen.status, 200, fallen)
        self.assertIn("local", fallen.headers["x-omniroute-connection"])
        self.assertEqual(streamed_text(fallen.body).strip(), "local says: Hi")
        self.sim.clear_faults()
        for active in (False, True):  # the cooling is over for whoever switches the account off and on
            self.gateway.call("PATCH", f"/api/providers/{self.dev_id}", {"isActive": active})
        self.assertIn("kiro-dev", self.gateway.chat("mixed", "Hi").headers["x-omniroute-connection"])
        # And the other way round.
        self.combo("local-first", models=("openai/local/tiny-1", "kiro/kiro-dev"))
        self.assertIn("local", self.gateway.chat("local-first", "Hi").headers["x-omniroute-connection"])
        self.local.fail = (503, {"message": "Loading model"}, ())
        self.assertIn("kiro-dev", self.gateway.chat("local-first", "Hi").headers["x-omniroute-connection"])

    def test_a_cut_stream_is_no_clean_end(self):
        self.add()
        self.local.cut = True
        cut = self.gateway.chat("openai/local/tiny-1", "Hi", stream=True)
        events = stream_events(cut.body)
        self.assertNotIn("[DONE]", events)
        self.assertIn("error", json.loads(events[-1]))

    def test_errors_touch_the_account_as_they_should(self):
        connection = self.add()
        self.local.fail = (400, {"message": "bad", "type": "invalid_request_error"}, ())
        self.assertEqual(self.gateway.chat("openai/local/tiny-1", "Hi").status, 400)
        self.assertEqual(self.gateway.record(connection)["state"]["name"], "active")
        self.local.fail = (429, {"message": "slow down", "code": "rate_limit_exceeded"}, (("Retry-After", "60"),))
        limited = self.gateway.chat("openai/local/tiny-1", "Hi")
        self.assertIn(limited.status, (429, 503), limited)
        self.assertIn("Retry-After", limited.headers)

    def test_a_wrong_key_says_so_without_quoting_it(self):
        self.add(apiKey="sk-wrong-1234567890")
        refused = self.gateway.chat("openai/local/tiny-1", "Hi")
        self.assertGreaterEqual(refused.status, 400)
        self.assertIn("API key", refused.json["error"]["message"])
        self.gateway.stop()
        self.assertNotIn("sk-wrong-1234567890", self.gateway.log())
        with open(os.path.join(self.data, "omniroute.sqlite"), "rb") as file:
            self.assertNotIn(b"sk-wrong-1234567890", file.read())

    def test_bad_forms_name_the_field_and_store_nothing(self):
        for form, field in (({}, "baseUrl"), ({"baseUrl": "http://api.example.com/v1"}, "baseUrl"),
                            ({"baseUrl": "http://169.254.169.254/latest"}, "baseUrl"),
                            ({"baseUrl": self.local.base, "headers": "Host: x"}, "headers"),
                            ({"baseUrl": self.local.base, "what": 1}, "what")):
            with self.subTest(form):
                answer = self.gateway.post("/api/oauth/openai/import", form)
                self.assertEqual(answer.status, 400, answer)
                self.assertEqual(answer.json["error"]["field"], field)
        self.assertEqual(self.gateway.get("/api/providers").json["connections"], [])
        self.add()
        again = self.gateway.post("/api/oauth/openai/import", {"name": "twice", "baseUrl": self.local.base, "apiKey": self.local.key})
        self.assertEqual(again.status, 409, again)

    def test_another_omnirouted_as_upstream(self):
        self.two_accounts()
        key = self.gateway.post("/api/keys", {"name": "front"}).json["secret"]
        data = os.path.join(self.work, "front", "data")
        os.makedirs(data, 0o700)
        front = Gateway(self.sim, data)
        self.addCleanup(front.stop)
        self.add("back", front, baseUrl=self.gateway.base + "/v1", apiKey=key)
        answer = front.chat("openai/back/kiro/kiro-dev", "Through two", stream=True)
        self.assertEqual(answer.status, 200, answer)
        self.assertIn("Through two", streamed_text(answer.body))
        self.assertEqual(self.gateway.get("/api/keys/front").json["usage"]["today"]["requests"], 1)
