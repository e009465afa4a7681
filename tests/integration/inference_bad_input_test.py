"""Bad input to the three inference APIs: each class is refused by each API in its own shape, with the place and the remedy, and
nothing reaches Kiro."""
import json
import os
import re
import socket
import unittest

from harness import World

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
GUIDE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "guides", "clients.md")
MODEL = "kiro/laptop/claude-sonnet-4.5"
SCHEMA = {"type": "object", "properties": {}}


class Api:
    """How one API writes what all of them can say."""

    def good(self, text="hi", **more):
        return {**self.base(self.user(text)), **more}

    def raw(self, member):
        """A good request with a member written by hand at its front."""
        return b"{" + member + b"," + json.dumps(self.good()).encode()[1:]

    def with_text(self, raw_text):
        """A good request whose user text is the given bytes of a JSON string."""
        return json.dumps(self.good("MARK")).encode().replace(b"MARK", raw_text)


class Chat(Api):
    name, path, turns, content_path = "chat", "/v1/chat/completions", "messages", "messages[0].content"
    limit, image_path = "max_tokens", "messages[0].content[0].image_url.url"
    result_path = "messages[1].tool_call_id"

    def base(self, *turns, model=MODEL):
        return {"model": model, "messages": list(turns)}

    def user(self, content):
        return {"role": "user", "content": content}

    def image(self, media, data):
        return self.user([{"type": "image_url", "image_url": {"url": f"data:{media};base64,{data}"}}])

    def result(self, call):
        return {"role": "tool", "tool_call_id": call, "content": "x"}

    def tool(self, schema):
        return {"type": "function", "function": {"name": "f", "parameters": schema}}

    wrong_types = [
        ({"temperature": "hot"}, "temperature"), ({"stream": "yes"}, "stream"), ({"max_tokens": 1.5}, "max_tokens"),
        ({"tools": {}}, "tools"), ({"tools": [{"type": "function", "function": {"name": 7}}]}, "tools[0].function.name"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": 5}]}]}, "messages[0].content[0].text"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"), ({"messages": "hi"}, "messages"),
        ({"stop": [1]}, "stop[0]"), ({"tool_choice": "required"}, "tool_choice"),
        ({"response_format": {"type": "xml"}}, "response_format.type")]
    unsupported = [
        ("n", {"n": 2}), ("logprobs", {"logprobs": True}), ("top_logprobs", {"top_logprobs": 3}),
        ("logit_bias", {"logit_bias": {"50256": -100}}), ("audio", {"audio": {"voice": "alloy", "format": "mp3"}}),
        ("modalities", {"modalities": ["text", "audio"]}), ("functions", {"functions": [{"name": "f"}]}),
        ("function_call", {"function_call": "auto"}), ("web_search_options", {"web_search_options": {}}),
        ("function", {"messages": [{"role": "function", "name": "f", "content": "x"}]}),
        ("input_audio", {"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]}),
        ("file", {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]}]}),
        ("tools", {"tools": [{"type": "custom", "custom": {"name": "f"}}]})]


class Messages(Api):
    name, path, turns, content_path = "messages", "/v1/messages", "messages", "messages[0].content"
    limit, image_path = "max_tokens", "messages[0].content[0].source.data"
    result_path = "messages[1].content[0].tool_use_id"

    def base(self, *turns, model=MODEL):
        return {"model": model, "max_tokens": 100, "messages": list(turns)}

    def user(self, content):
        return {"role": "user", "content": content}

    def image(self, media, data):
        return self.user([{"type": "image", "source": {"type": "base64", "media_type": media, "data": data}}])

    def result(self, call):
        return self.user([{"type": "tool_result", "tool_use_id": call, "content": "x"}])

    def tool(self, schema):
        return {"name": "f", "input_schema": schema}

    wrong_types = [
        ({"temperature": "hot"}, "temperature"), ({"stream": "yes"}, "stream"), ({"max_tokens": 1.5}, "max_tokens"),
        ({"tools": {}}, "tools"), ({"tools": [{"name": "f", "input_schema": []}]}, "tools[0].input_schema"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": 5}]}]}, "messages[0].content[0].text"),
        ({"messages": [{"role": "system", "content": "x"}]}, "messages[0].role"), ({"messages": "hi"}, "messages"),
        ({"stop_sequences": [1]}, "stop_sequences[0]"), ({"tool_choice": {"type": "any"}}, "tool_choice"),
        ({"thinking": {"type": "enabled", "budget_tokens": 5}}, "thinking.budget_tokens"), ({"system": 5}, "system")]
    unsupported = [
        ("mcp_servers", {"mcp_servers": [{"type": "url", "url": "https://x.example", "name": "x"}]}),
        ("container", {"container": "c"}),
        ("web_search", {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}),
        ("document", {"messages": [{"role": "user", "content": [{"type": "document", "source": {"type": "text", "data": "x"}}]}]}),
        ("search_result", {"messages": [{"role": "user", "content": [{"type": "search_result", "source": "x"}]}]}),
        ("file_id", {"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "file", "file_id": "f"}}]}]})]


class Responses(Api):
    name, path, turns, content_path = "responses", "/v1/responses", "input", "input[0].content"
    limit, image_path = "max_output_tokens", "input[0].content[0].image_url"
    result_path = "input[1].call_id"

    def base(self, *turns, model=MODEL):
        return {"model": model, "input": list(turns)}

    def user(self, content):
        return {"role": "user", "content": content}

    def image(self, media, data):
        return self.user([{"type": "input_image", "image_url": f"data:{media};base64,{data}"}])

    def result(self, call):
        return {"type": "function_call_output", "call_id": call, "output": "x"}

    def tool(self, schema):
        return {"type": "function", "name": "f", "parameters": schema}

    wrong_types = [
        ({"temperature": "hot"}, "temperature"), ({"stream": "yes"}, "stream"), ({"max_output_tokens": 1.5}, "max_output_tokens"),
        ({"tools": {}}, "tools"), ({"tools": [{"type": "function", "name": 7}]}, "tools[0].name"),
        ({"input": [{"role": "user", "content": [{"type": "input_text", "text": 5}]}]}, "input[0].content[0].text"),
        ({"input": [{"role": "robot", "content": "x"}]}, "input[0].role"), ({"input": 5}, "input"),
        ({"reasoning": "high"}, "reasoning"), ({"tool_choice": "required"}, "tool_choice"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type")]
    unsupported = [
        ("top_logprobs", {"top_logprobs": 3}), ("message.output_text.logprobs", {"include": ["message.output_text.logprobs"]}),
        ("previous_response_id", {"previous_response_id": "resp_1"}), ("conversation", {"conversation": "conv_1"}),
        ("prompt", {"prompt": {"id": "p"}}), ("background", {"background": True}),
        ("item_reference", {"input": [{"type": "item_reference", "id": "x"}]}),
        ("web_search", {"tools": [{"type": "web_search"}]}), ("custom", {"tools": [{"type": "custom", "name": "f"}]}),
        ("local_shell", {"tools": [{"type": "local_shell"}]}), ("mcp", {"tools": [{"type": "mcp", "server_label": "x"}]}),
        ("input_audio", {"input": [{"role": "user", "content": [{"type": "input_audio"}]}]}),
        ("input_file", {"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}]}),
        ("file_id", {"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]})]


APIS = (Chat(), Messages(), Responses())


def rows(api):
    """name, body, status, what the message must hold"""
    good = json.dumps(api.good()).encode()
    deep = {"type": "object"}
    for _ in range(200):
        deep = {"type": "object", "properties": {"x": deep}}
    yield "nothing at all", b"", 400, "at byte 0"
    yield "broken JSON", good[:-1], 400, f"at byte {len(good) - 1}"
    yield "a comma too many", good[:-1] + b",}", 400, f"at byte {len(good)}"
    yield "more behind its end", good + b"x", 400, f"at byte {len(good)}"
    yield "not an object", b"[" + good + b"]", 400, "must be an object"
    yield "no model", b"{}", 400, "model"
    yield "an empty model", json.dumps({**api.good(), "model": ""}).encode(), 400, "model"
    yield "a model that is a number", json.dumps({**api.good(), "model": 5}).encode(), 400, "model"
    for change, path in api.wrong_types:
        yield f"wrong type of {path}", json.dumps({**api.good(), **change}).encode(), 400, path
    for kind, text in (("a byte that starts nothing", b"\xff"), ("a sequence that is cut", b"\xe2\x82"),
                       ("an overlong form", b"\xc0\xaf"), ("a surrogate as bytes", b"\xed\xa0\x80"),
                       ("more than Unicode has", b"\xf4\x90\x80\x80")):
        yield f"invalid UTF-8: {kind}", api.with_text(text), 400, "UTF-8"
    for kind, text in (("high", rb"\ud83d"), ("low", rb"\ude00"), ("in the wrong order", rb"\ude00\ud83d"),
                       ("high before text", rb"\ud83dx")):
        yield f"lone surrogate: {kind}", api.with_text(text), 400, "surrogate"
    yield "a control character in a string", api.with_text(b"\x01"), 400, "at byte"
    yield "nesting bomb of arrays", b"[" * 200000, 400, "128 levels"
    yield "nesting bomb of objects", b'{"a":' * 200000, 400, "128 levels"
    yield "nesting bomb in a member that nobody reads", api.raw(b'"x":' + b"[" * 5000 + b"]" * 5000), 400, "128 levels"
    yield "nesting bomb in a tool's schema", json.dumps(api.good(tools=[api.tool(deep)])).encode(), 400, "128 levels"
    yield "a key that is there twice", api.raw(b'"model":"x"'), 400, "model"
    yield "a key twice by an escape", api.raw(rb'"mod\u0065l":"x"'), 400, "model"
    inner = b'"content": "hi"'
    yield "a key twice further in", good.replace(inner, b'"content": "a", ' + inner), 400, api.content_path
    yield "a giant number", api.raw(b'"temperature":1e999'), 400, "too large"
    yield "a giant number that nobody reads", api.raw(b'"x":-1e400'), 400, "too large"
    yield "a giant limit", json.dumps(api.good(**{api.limit: 10 ** 30})).encode(), 400, api.limit
    yield "a negative limit", json.dumps(api.good(**{api.limit: -1})).encode(), 400, api.limit
    for text in (b"NaN", b"Infinity", b"01", b"+1", b".5", b"0x10"):
        yield f"the number {text.decode()}", api.raw(b'"temperature":' + text), 400, "at byte"
    yield "no messages", json.dumps({**api.good(), api.turns: []}).encode(), 400, api.turns
    yield "messages that are missing", json.dumps({k: v for k, v in api.good().items() if k != api.turns}).encode(), 400, api.turns
    yield "a message without parts", json.dumps(api.base(api.user([]))).encode(), 400, api.content_path
    yield "a message without content", json.dumps(api.base({"role": "user"})).encode(), 400, api.content_path
    yield "a tool result without a call", json.dumps(api.base(api.user("hi"), api.result("call_1"))).encode(), 400, api.result_path
    for kind, data in (("a foreign letter", PNG[:40] + "!" + PNG[41:]), ("no padding", PNG.rstrip("=")[:-1]), ("nothing", "")):
        yield f"broken base64: {kind}", json.dumps(api.base(api.image("image/png", data))).encode(), 400, api.image_path
    yield "an image of an unknown type", json.dumps(api.base(api.image("image/tiff", PNG))).encode(), 400, "image/tiff"
    yield ("an image for a model of text", json.dumps(api.base(api.image("image/png", PNG), model="kiro/laptop/glm-5")).encode(), 400,
           "takes no images")
    yield ("an unknown model", json.dumps({**api.good(), "model": "kiro/laptop/claude-sonet-4.5"}).encode(), 404,
           '"claude-sonnet-4.5"')
    yield "an unknown account", json.dumps({**api.good(), "model": "kiro/lapdop"}).encode(), 404, '"kiro/laptop"'
    yield "an unknown combo", json.dumps({**api.good(), "model": "my-combo"}).encode(), 404, "my-combo"


class BadInput(World):
    def setUp(self):
        super().setUp()
        self.gateway.import_account(self.sim.account(email="dev@example.com"), "laptop")
        # The account's own list of models, so that what follows needs no question to Kiro.
        self.assertEqual(self.gateway.chat(MODEL, "Hello", reasoning_effort="low").status, 200)
        self.gateway.get("/v1/models")
        self.sim.call("DELETE", "/__control/requests")

    def reached_kiro(self):
        return [r for r in self.sim.requests() if "conversationState" in json.dumps(r)]

    def send(self, api, body):
        return self.gateway.call("POST", api.path, body, {"Content-Type": "application/json"})

    def check_shape(self, api, answer):
        """The error as the API's own clients read it."""
        self.assertEqual(answer.headers.get_content_type(), "application/json", answer)
        error = answer.json["error"]
        self.assertTrue(error["message"])
        if api.name == "messages":
            self.assertEqual(answer.json["type"], "error")
            self.assertEqual(error["type"], {400: "invalid_request_error", 404: "not_found_error", 413: "request_too_large"}
                             [answer.status])
            self.assertTrue(answer.json["request_id"])
        else:
            self.assertEqual(error["type"], "invalid_request_error")
            self.assertLessEqual({"message", "type", "param", "code"}, set(error))
        return error

    def test_each_class_at_each_api(self):
        for api in APIS:
            for name, body, status, words in rows(api):
                with self.subTest(api=api.name, row=name):
                    answer = self.send(api, body)
                    self.assertEqual(answer.status, status, answer)
                    error = self.check_shape(api, answer)
                    self.assertIn(words, error["message"])
                    self.assertLess(len(answer.body), 2000)
                    self.assertEqual(self.reached_kiro(), [])
            # What was refused was refused for what was wrong with it.
            self.assertEqual(self.send(api, json.dumps(api.good()).encode()).status, 200)
            self.assertEqual(len(self.reached_kiro()), 1)
            self.sim.call("DELETE", "/__control/requests")

    def test_paths_are_named_to_openais_clients(self):
        for api in (APIS[0], APIS[2]):
            for change, path in api.wrong_types:
                with self.subTest(api=api.name, path=path):
                    self.assertEqual(self.send(api, json.dumps({**api.good(), **change})).json["error"]["param"], path)

    def test_unsupported_members_are_answered_alike_and_documented(self):
        with open(GUIDE) as file:
            refused = file.read().split("### Refused", 1)[1].split("### Accepted without effect", 1)[0]
        for api in APIS:
            for name, change in api.unsupported:
                with self.subTest(api=api.name, member=name):
                    answer = self.send(api, json.dumps({**api.good(), **change}))
                    self.assertEqual(answer.status, 400, answer)
                    error = self.check_shape(api, answer)
                    if api.name != "messages":
                        self.assertEqual(error["reason"], "unsupported_parameter")
                    self.assertRegex(refused, rf"\b{re.escape(name)}\b")
        self.assertEqual(self.reached_kiro(), [])

    def test_members_without_effect_are_accepted_and_documented(self):
        accepted = {
            "chat": {"seed": 1, "presence_penalty": 0.5, "frequency_penalty": 0.5, "service_tier": "auto", "store": True,
                     "metadata": {"a": "b"}, "verbosity": "low", "prediction": {"type": "content", "content": "x"},
                     "safety_identifier": "x"},
            "messages": {"top_k": 5, "service_tier": "auto", "context_management": {"edits": []}, "inference_geo": "eu"},
            "responses": {"store": True, "truncation": "auto", "service_tier": "auto", "metadata": {"a": "b"},
                          "max_tool_calls": 3, "safety_identifier": "x"}}
        with open(GUIDE) as file:
            without = file.read().split("### Accepted without effect", 1)[1]
        for api in APIS:
            members = accepted[api.name]
            answer = self.gateway.call("POST", api.path, json.dumps({**api.good(), **members, "nobody_knows": {"x": [1]}}),
                                       {"Content-Type": "application/json", "anthropic-beta": "prompt-caching-2024-07-31,x"})
            self.assertEqual(answer.status, 200, answer)
            for member in members:
                self.assertIn(f"`{member}`", without)

    def test_a_body_over_the_limit_is_refused_before_it_is_read(self):
        for api in APIS:
            with self.subTest(api=api.name), socket.create_connection((self.gateway.host, self.gateway.port), 30) as client:
                client.sendall(f"POST {api.path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                               f"Content-Length: {(32 << 20) + 1}\r\n\r\n".encode())
                answer = b""
                while not answer.endswith(b"}"):
                    piece = client.recv(65536)
                    self.assertTrue(piece, answer)
                    answer += piece
            head, body = answer.split(b"\r\n\r\n", 1)
            self.assertIn(b" 413 ", head.split(b"\r\n")[0])
            error = json.loads(body)["error"]
            self.assertIn("32", error["message"])
            self.assertEqual(error["type"], "request_too_large" if api.name == "messages" else "invalid_request_error")
        self.assertEqual(self.reached_kiro(), [])

    def test_the_wrong_content_type(self):
        for api in APIS:
            with self.subTest(api=api.name):
                answer = self.gateway.call("POST", api.path, json.dumps(api.good()), {"Content-Type": "text/plain"})
                self.assertEqual(answer.status, 415, answer)
        self.assertEqual(self.reached_kiro(), [])

    def test_tokens_of_bad_input_are_not_counted(self):
        api = APIS[1]
        for name, body, status, words in rows(api):
            if status != 400 or "model of text" in name:
                continue
            with self.subTest(row=name):
                answer = self.gateway.call("POST", "/v1/messages/count_tokens", body, {"Content-Type": "application/json"})
                self.assertEqual(answer.status, 400, answer)
                self.assertIn(words, answer.json["error"]["message"])


if __name__ == "__main__":
    unittest.main()
