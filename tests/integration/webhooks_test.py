"""Webhooks: signed, tried again until the receiver takes them, never on a request's way, and nothing secret in sight."""
import base64
import hashlib
import hmac
import http.server
import json
import threading
import time
import unittest

from harness import World, wait_for


class Receiver:
    """Verifies as Standard Webhooks says; refuses the first `refuse` requests."""

    def __init__(self, refuse=0, delay=0):
        receiver = self
        self.refuse, self.delay, self.got, self.refused = refuse, delay, [], []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                time.sleep(receiver.delay)
                one = {"headers": dict(self.headers), "body": body, "at": time.time(), "path": self.path}
                status = 204
                if receiver.refuse > 0:
                    receiver.refuse -= 1
                    receiver.refused.append(one)
                    status = 503
                else:
                    receiver.got.append(one)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def types(self):
        return [json.loads(one["body"])["type"] for one in self.got]


def signature(secret, one):
    headers = {name.lower(): value for name, value in one["headers"].items()}
    text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + one["body"]
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return "v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()


class Webhooks(World):
    def receiver(self, **options):
        made = Receiver(**options)
        self.addCleanup(made.stop)
        return made

    def add(self, receiver, name="alarm", **form):
        answer = self.gateway.post("/api/webhooks", {"name": name, "url": receiver.url, **form})
        self.assertEqual(answer.status, 201, answer)
        return answer.json

    def deliveries(self, name="alarm"):
        return self.gateway.get(f"/api/webhooks/{name}/deliveries").json["deliveries"]

    def suspend(self):
        self.sim.fault(target="data", account=self.dev["accountId"], mode="status", status=403, count=-1,
                       body={"__type": "x#AccessDeniedException", "message": "Your User ID temporarily is suspended",
                             "reason": "TEMPORARILY_SUSPENDED"})
        return self.gateway.chat("kiro/kiro-dev", "Hi")

    def test_a_suspended_account_is_told_signed_and_after_failures_again(self):
        self.two_accounts()
        receiver = self.receiver(refuse=2)
        hook = self.add(receiver, events=["account.suspended"])
        self.assertEqual(self.suspend().status, 403)
        wait_for(lambda: receiver.got, 60, "the delivery")
        one = receiver.got[0]
        self.assertEqual(one["headers"]["webhook-signature"], signature(hook["secret"], one))
        self.assertLess(abs(int(one["headers"]["webhook-timestamp"]) - time.time()), 60)
        body = json.loads(one["body"])
        self.assertEqual(body["type"], "account.suspended")
        self.assertEqual(body["data"]["account"]["name"], "kiro-dev")
        self.assertEqual((body["data"]["from"], body["data"]["to"]), ("active", "suspended"))
        self.assertEqual(body["data"]["reason"], "TEMPORARILY_SUSPENDED")
        # Twice refused: the same message each time, later and later, each signed for its own moment.
        self.assertEqual(len(receiver.refused), 2)
        for failed in receiver.refused:
            self.assertEqual(failed["headers"]["webhook-id"], one["headers"]["webhook-id"])
            self.assertEqual(failed["body"], one["body"])
            self.assertEqual(failed["headers"]["webhook-signature"], signature(hook["secret"], failed))
        first, second = receiver.refused
        self.assertGreater(second["at"] - first["at"], 0.7)
        self.assertGreater(one["at"] - second["at"], 3.5)
        rows = wait_for(lambda: [row for row in self.deliveries() if row["state"] == "delivered"], what="the log")
        self.assertEqual((rows[0]["attempts"], rows[0]["status"], rows[0]["error"]), (3, 204, None))
        self.assertEqual(rows[0]["body"].encode(), one["body"])
        metrics = self.gateway.get("/metrics").body.decode()
        self.assertIn('omniroute_webhook_deliveries_total{result="delivered"} 1', metrics)
        self.assertIn('omniroute_webhook_deliveries_total{result="failed_attempt"} 2', metrics)

    def test_a_slow_or_dead_receiver_holds_up_no_request(self):
        self.two_accounts()
        slow = self.receiver(delay=3)
        self.add(slow)
        answer = self.gateway.post("/api/webhooks", {"name": "dead", "url": "http://127.0.0.1:9/x"})
        self.assertEqual(answer.status, 201, answer)
        started = time.monotonic()
        self.assertEqual(self.suspend().status, 403)
        self.assertLess(time.monotonic() - started, 2.5)
        self.assertEqual(self.gateway.chat("kiro/kiro-pro", "Hi").status, 200)
        row = wait_for(lambda: [row for row in self.deliveries("dead") if row["attempts"] > 0], what="a try")[0]
        self.assertEqual((row["state"], row["status"]), ("pending", None))
        self.assertIsNotNone(row["nextAttemptAt"])

    def test_what_waits_is_sent_after_a_restart(self):
        self.two_accounts()
        receiver = self.receiver(refuse=1)
        self.add(receiver, events=["account.suspended"])
        self.suspend()
        wait_for(lambda: receiver.refused, what="the first try")
        self.assertEqual(self.gateway.stop(), 0)
        self.gateway.start()
        wait_for(lambda: receiver.got, 60, "the second try")
        self.assertEqual(receiver.got[0]["headers"]["webhook-id"], receiver.refused[0]["headers"]["webhook-id"])

    def test_a_test_delivery_and_a_new_secret(self):
        receiver = self.receiver()
        hook = self.add(receiver)
        sent = self.gateway.post("/api/webhooks/alarm/test")
        self.assertEqual((sent.status, sent.json["state"], sent.json["status"]), (200, "delivered", 204))
        self.assertEqual(receiver.types(), ["ping"])
        self.assertEqual(receiver.got[0]["headers"]["webhook-signature"], signature(hook["secret"], receiver.got[0]))
        new = self.gateway.call("PATCH", "/api/webhooks/alarm", {"rotateSecret": True}).json["secret"]
        self.assertNotEqual(new, hook["secret"])
        self.gateway.post("/api/webhooks/alarm/test")
        self.assertEqual(receiver.got[1]["headers"]["webhook-signature"], signature(new, receiver.got[1]))
        actions = [row["action"] for row in self.gateway.get("/api/audit").json["entries"]]
        self.assertIn("webhook.created", actions)
        self.assertIn("webhook.changed", actions)
        self.gateway.stop()
        with open(f"{self.data}/omniroute.sqlite", "rb") as file:
            stored = file.read()
        for secret in (hook["secret"], new):
            self.assertNotIn(secret.encode(), stored)
            self.assertNotIn(secret, self.gateway.log())

    def test_bad_input_names_the_field_and_stores_nothing(self):
        for form, field in (({}, "name"), ({"name": "x"}, "url"),
                            ({"name": "x", "url": "http://169.254.169.254/latest/meta-data"}, "url"),
                            ({"name": "x", "url": "http://example.com/"}, "url"),
                            ({"name": "x", "url": "https://example.com", "events": ["nothing"]}, "events[0]")):
            with self.subTest(form):
                answer = self.gateway.post("/api/webhooks", form)
                self.assertEqual(answer.status, 400, answer)
                self.assertEqual(answer.json["error"]["field"], field)
        self.assertEqual(self.gateway.get("/api/webhooks").json["webhooks"], [])


if __name__ == "__main__":
    unittest.main()
