"""Manners of streams at each API: content at once, signs of life while upstream thinks, a limit to silence and none to the whole,
a client that leaves, reads slowly or not at all, and streams that break."""
import json
import os
import socket
import threading
import time
import unittest

from harness import World, stream_events, wait_for

SANITIZED = bool(os.environ.get("OMNI_SANITIZE"))
MODEL = "kiro/dev/claude-sonnet-4.5"
USER = {"role": "user", "content": "Hi"}
APIS = {
    "chat": ("/v1/chat/completions", {"model": MODEL, "messages": [USER], "stream": True}),
    "messages": ("/v1/messages", {"model": MODEL, "max_tokens": 1000, "messages": [USER], "stream": True}),
    "responses": ("/v1/responses", {"model": MODEL, "input": [USER], "stream": True}),
}
KEEP_ALIVE = {"chat": b"\r\n: keep-alive\n\n\r\n", "messages": b'event: ping\ndata: {"type":"ping"}\n\n',
              "responses": b"\r\n: keep-alive\n\n\r\n"}


class Stream:
    """One streamed request over a socket of its own."""

    def __init__(self, gateway, api, receive_buffer=None):
        path, body = APIS[api]
        data = json.dumps(body).encode()
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(60)
        self.socket.connect((gateway.host, gateway.port))
        self.socket.sendall(f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                            f"Content-Length: {len(data)}\r\n\r\n".encode() + data)
        self.received = bytearray()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def until(self, word):
        looked = 0
        while self.received.find(word, looked) < 0:
            looked = max(0, len(self.received) - len(word))
            piece = self.socket.recv(1 << 20)
            if not piece:
                raise AssertionError(f"the stream ended before {word!r}: {bytes(self.received[-300:])!r}")
            self.received += piece

    def rest(self):
        """Everything up to the end of the answer."""
        self.until(b"\r\n0\r\n\r\n")
        return bytes(self.received)


def text_of(api, body):
    out = ""
    for data in stream_events(body):
        if data == "[DONE]":
            continue
        event = json.loads(data)
        if api == "chat":
            out += ((event.get("choices") or [{}])[0].get("delta") or {}).get("content") or ""
        elif api == "messages" and event["type"] == "content_block_delta":
            out += event["delta"].get("text", "")
        elif api == "responses" and event["type"] == "response.output_text.delta":
            out += event["delta"]
    return out


class Streaming(World):
    settings = ("server.sendTimeoutSeconds=2", "plugins.kiro.timeout.idleMs=1500")

    def setUp(self):
        super().setUp()
        self.connection = self.gateway.import_account(self.sim.account(email="dev@example.com"), "dev")
        self.gateway.get("/v1/models")

    def wake(self):
        """What broke may have sent the account to rest."""
        for active in (False, True):
            self.gateway.call("PATCH", f"/api/providers/{self.connection}", {"isActive": active})

    def at_each(self):
        for api in APIS:
            with self.subTest(api=api):
                yield api

    def active(self):
        return self.sim.get("/__control/health").json["activeStreams"]

    def quiet(self, seconds=5):
        wait_for(lambda: self.active() == 0, seconds, "the upstream stream to end")

    def memory(self):
        with open(f"/proc/{self.gateway.process.pid}/status") as file:
            return int(next(line for line in file if line.startswith("VmRSS")).split()[1]) / 1024

    def call(self, api):
        path, body = APIS[api]
        return self.gateway.post(path, body)

    def test_content_is_here_before_upstream_has_gone_on(self):
        for api in self.at_each():
            # The second word comes when nobody waits for it any more.
            self.sim.turn(text="first second", stallAfter=2, stallMs=60000)
            with Stream(self.gateway, api) as stream:
                stream.until(b"first")
                self.assertEqual(self.active(), 1)
                self.assertNotIn(b"second", stream.received)
            self.quiet()

    def test_a_client_that_leaves_stops_upstream(self):
        for api in self.at_each():
            self.sim.turn(text="word " * 400, delayMs=100)
            with Stream(self.gateway, api) as stream:
                stream.until(b"word")
            self.quiet(2)
            # Also before there was any content.
            self.sim.turn(text="late", firstByteDelayMs=30000)
            with Stream(self.gateway, api) as stream:
                wait_for(lambda: self.active() == 1, 5, "upstream to have the request")
            self.quiet(2)

    def test_silence_is_limited_and_the_whole_is_not(self):
        for api in self.at_each():
            self.sim.turn(text="one two", stallAfter=2, stallMs=30000)
            started = time.monotonic()
            answer = self.call(api)
            self.assertGreater(time.monotonic() - started, 1.4)
            self.assertLess(time.monotonic() - started, 10)
            self.broken(api, answer)
            self.quiet(2)
            self.wake()
            # Six pauses of half the limit are three times the limit.
            self.sim.turn(text="a b c d e f ", delayMs=750)
            started = time.monotonic()
            answer = self.call(api)
            self.assertGreater(time.monotonic() - started, 4)
            self.assertEqual(text_of(api, answer.body), "a b c d e f ")

    def broken(self, api, answer):
        """An error within the stream, as the API's clients look for it, and no sign of a good end."""
        self.assertEqual(answer.status, 200, answer)
        events = stream_events(answer.body)
        self.assertNotIn("[DONE]", events)
        last = json.loads(events[-1])
        if api == "chat":
            self.assertTrue(last["error"]["message"])
            self.assertFalse(any((json.loads(e).get("choices") or [{}])[0].get("finish_reason") for e in events))
        elif api == "messages":
            self.assertEqual(last["type"], "error")
            self.assertTrue(last["error"]["message"])
            self.assertNotIn("message_stop", [json.loads(e)["type"] for e in events])
        else:
            self.assertEqual(last["type"], "response.failed")
            self.assertEqual(last["response"]["status"], "failed")
            self.assertTrue(last["response"]["error"]["message"])
            self.assertEqual(json.loads(events[-2])["type"], "error")

    def test_a_stream_that_breaks_ends_with_an_error_in_it(self):
        for api in self.at_each():
            for how in ({"truncation": "mid_frame"}, {"reset": True, "truncation": "mid_frame"}, {"corruptCrc": 3},
                        {"exception": {"type": "throttlingError", "at": 3}}, {"exception": {"type": "error", "at": 3}}):
                with self.subTest(how=str(how)):
                    self.wake()
                    self.sim.turn(text="one two three four five six", **how)
                    answer = self.call(api)
                    self.broken(api, answer)
                    self.assertTrue(text_of(api, answer.body).startswith("one "))

    def test_an_error_before_the_first_content_is_an_http_error(self):
        for api in self.at_each():
            self.sim.turn(status=400, body={"message": "Improperly formed request."})
            answer = self.call(api)
            self.assertEqual(answer.status, 400, answer)
            self.assertTrue(answer.json["error"]["message"])

    def test_a_slow_reader_slows_upstream_down(self):
        text = " ".join("word%06d" % n + "x" * 190 for n in range(80000))  # 16 MB: more than sockets hold
        for api in self.at_each():
            self.sim.turn(text=text)
            before = self.memory()
            with Stream(self.gateway, api, receive_buffer=1 << 19) as stream:
                stream.until(b"word000000")
                # A reader that takes a little now and then, for longer than a reader who takes nothing may take.
                deadline = time.monotonic() + 3
                while time.monotonic() < deadline:
                    stream.received += stream.socket.recv(4096)
                    time.sleep(0.05)
                self.assertEqual(self.active(), 1, "upstream is held back")
                if not SANITIZED:  # their allocator keeps what was freed
                    self.assertLess(self.memory() - before, 8, "what is not read is not collected")
                body = stream.rest()
            joined = b"".join(unchunk(body.split(b"\r\n\r\n", 1)[1]))
            self.assertEqual(text_of(api, joined), text)
            self.quiet()

    def test_the_end_of_a_stream_is_one_write(self):
        for api in self.at_each():
            self.sim.turn(text="short")
            with Stream(self.gateway, api) as stream:
                chunks = list(unchunk(stream.rest().split(b"\r\n\r\n", 1)[1]))
            end = {"chat": (b'"finish_reason":"stop"', b"[DONE]"), "messages": (b'"stop_reason":"end_turn"', b"message_stop"),
                   "responses": (b"response.output_text.done", b"response.completed")}[api]
            for word in end:
                self.assertIn(word, chunks[-1], chunks)

    def test_a_reader_that_takes_nothing_is_cut_off(self):
        for api in self.at_each():
            self.sim.turn(text=" ".join("x" * 200 for _ in range(80000)))
            with Stream(self.gateway, api, receive_buffer=1 << 19) as stream:
                stream.until(b"xxx")
                self.assertEqual(self.active(), 1)
                wait_for(lambda: self.active() == 0, 20, "the stalled client's stream to be ended")
            self.assertEqual(self.call(api).status, 200)


def unchunk(body):
    at = 0
    while True:
        line = body.index(b"\r\n", at)
        size = int(body[at:line], 16)
        if size == 0:
            return
        yield body[line + 2:line + 2 + size]
        at = line + 2 + size + 2


class SignsOfLife(World):
    def test_a_thinking_model_keeps_the_client(self):
        """Ten seconds of silence begin the stream, fifteen more bring another sign of life; then the answer."""
        self.gateway.import_account(self.sim.account(email="dev@example.com"), "dev")
        self.gateway.get("/v1/models")
        for _ in APIS:
            self.sim.turn(text="done at last", firstByteDelayMs=27000)
        seen = {}

        def run(api):
            with Stream(self.gateway, api) as stream:
                seen[api] = stream.rest()
        threads = [threading.Thread(target=run, args=(api,)) for api in APIS]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for api in APIS:
            with self.subTest(api=api):
                self.assertGreaterEqual(seen[api].count(KEEP_ALIVE[api]), 2)
                body = b"".join(unchunk(seen[api].split(b"\r\n\r\n", 1)[1]))
                self.assertEqual(text_of(api, body), "done at last")


if __name__ == "__main__":
    unittest.main()
