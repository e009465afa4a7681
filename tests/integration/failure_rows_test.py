"""What each row of the error tables (kiro-protocol G.2, G.3, G.5) does to a request, to its account and to the others: real
binaries, each row with accounts of its own, the client's answer in the shape of each of the three APIs."""
import json
import unittest

from harness import World, stream_events, streamed_text

SHAPES = (("/v1/chat/completions", {}), ("/v1/messages", {"max_tokens": 50}), ("/v1/responses", {}))


def exception(kind, reason=None, message="planned", **more):
    return {"__type": f"com.amazon.kiro.runtimeservice#{kind}", "message": message, "reason": reason, **more}


# name, upstream's answer, the account afterwards, calls on it before the other serves (0: it is not asked; None: any), the client's
# status when there is no other, OpenAI's code, Anthropic's type, Retry-After
ROWS = (
    ("G2.1 validation", 400, exception("ValidationException", "TOOL_SCHEMA_INVALID"), {}, "active", 0, 400, "invalid_request", "invalid_request_error", None),
    ("G3.1 overflow", 400, exception("ValidationException", "CONTENT_LENGTH_EXCEEDS_THRESHOLD", "Input is too long."), {}, "active", 0, 400, "context_length_exceeded", "invalid_request_error", None),
    ("G3.4 model", 400, exception("ValidationException", "INVALID_MODEL_ID"), {}, "active", 1, 404, "model_not_found", "not_found_error", None),
    ("G3.9 profile", 400, exception("ValidationException", None, "Invalid profileArn."), {}, "active", 1, 403, "not_authorized", "permission_error", None),
    ("G2.2 month", 402, exception("ServiceQuotaExceededException", "MONTHLY_REQUEST_COUNT"), {}, "exhausted", 1, 402, "insufficient_quota", "billing_error", any),
    ("G3.22 day", 429, exception("ThrottlingException", "DAILY_REQUEST_COUNT"), {}, "exhausted", 1, 402, "insufficient_quota", "billing_error", any),
    ("G3.13 token", 401, {"message": "expired"}, {}, "cooling", 1, 401, "upstream_auth_invalid", "authentication_error", None),
    ("G3.14 bearer", 403, exception("AccessDeniedException", None, "The bearer token included in the request is invalid."), {}, "cooling", 1, 401, "upstream_auth_invalid", "authentication_error", None),
    ("G3.15 suspended", 403, exception("AccessDeniedException", "TEMPORARILY_SUSPENDED"), {}, "suspended", 1, 403, "account_suspended", "permission_error", None),
    ("G3.16 feature", 403, exception("AccessDeniedException", "FEATURE_NOT_SUPPORTED"), {}, "active", 1, 403, "not_authorized", "permission_error", None),
    ("G3.17 plan", 403, exception("AccessDeniedException", None, "User is not authorized to make this call"), {}, "active", 1, 403, "not_authorized", "permission_error", None),
    ("G3.19 user, header", 429, exception("ThrottlingException", "USER_REQUEST_RATE_EXCEEDED"), {"retry-after": "17"}, "cooling", 1, 429, "rate_limit_exceeded", "rate_limit_error", 17),
    ("G3.20 credits, body", 429, exception("ThrottlingException", "CREDIT_CONSUMPTION_RATE_EXCEEDED", retryAfterMilliseconds=300000), {}, "cooling", 1, 429, "rate_limit_exceeded", "rate_limit_error", 300),
    ("G3.25 500", 500, exception("InternalServerException"), {}, "active", 2, 502, "upstream_error", "api_error", any),
    ("G3.26 504", 504, {}, {}, "active", 2, 502, "upstream_error", "api_error", any),
    ("G3.26 524", 524, {}, {}, "active", 1, 504, "upstream_timeout", "timeout_error", any),
    ("G3.21 capacity", 429, exception("ThrottlingException", "INSUFFICIENT_MODEL_CAPACITY"), {}, "active", None, 503, "model_overloaded", "overloaded_error", any),
)


class FailureRows(World):
    def body(self, path, more, model):
        content = {"input": "Hi"} if path == "/v1/responses" else {"messages": [{"role": "user", "content": "Hi"}]}
        return {"model": model, **content, **more}

    def account(self, name, **fault):
        made = self.sim.account(email=f"{name}@example.com")
        connection = self.gateway.import_account(made, name)
        if fault:
            self.sim.fault(target="data", account=made["accountId"], mode="status", count=-1, **fault)
        return made, connection

    def state(self, connection):
        return self.gateway.record(connection)["state"]

    def test_row_by_row(self):
        well, well_id = self.account("well")
        for number, (name, status, body, headers, after, own, client, code, kind, retry) in enumerate(ROWS):
            with self.subTest(name):
                fault = {"status": status, "body": body, "headers": headers}
                for shape, (path, more) in enumerate(SHAPES):  # nobody else is there
                    _, alone = self.account(f"alone-{number}-{shape}", **fault)
                    answer = self.gateway.post(path, self.body(path, more, f"kiro/alone-{number}-{shape}"))
                    # Anthropic has a status of its own for a model that is full.
                    full = path == "/v1/messages" and code == "model_overloaded"
                    self.assertEqual(answer.status, 529 if full else client, answer)
                    error = answer.json["error"]
                    if path == "/v1/messages":
                        self.assertEqual((answer.json["type"], error["type"]), ("error", kind), answer)
                    else:
                        self.assertEqual(error["code"], code, answer)
                    self.assertEqual(self.state(alone)["name"], after)
                    waits = answer.headers.get("retry-after")
                    if retry is None:
                        pass  # nothing is promised
                    elif retry is any:
                        self.assertGreaterEqual(int(waits), 1, answer)
                    else:
                        self.assertLessEqual(abs(int(waits) - retry), 2, answer)
                _, first = self.account(f"first-{number}", **fault)
                # Capacity is the model's, whoever asks: there another model serves.
                self.combo(f"row-{number}", models=[f"kiro/first-{number}", "kiro/well/claude-sonnet-4.5" if own is None else "kiro/well"])
                answer = self.gateway.chat(f"row-{number}", "Hi")
                if own == 0:
                    self.assertEqual(answer.status, client, answer)
                    self.assertEqual(answer.headers["x-omniroute-attempts"], "1")
                else:
                    self.assertEqual(answer.status, 200, answer)
                    self.assertEqual(answer.headers["x-omniroute-connection"], "well")
                    if own is not None:
                        self.assertEqual(answer.headers["x-omniroute-attempts"], str(own + 1))
                self.assertEqual(self.state(first)["name"], after)
                self.assertEqual(self.state(well_id)["name"], "active")

    def test_an_exception_in_the_stream_before_and_after_the_first_content(self):
        well, _ = self.account("well")
        limit = {"type": "throttlingError", "message": "now", "reason": "USER_REQUEST_RATE_EXCEEDED", "retryAfterMilliseconds": 60000}
        early, early_id = self.account("early")
        self.combo("before", models=["kiro/early", "kiro/well"])
        self.sim.turn(account=early["accountId"], exception={"at": 1, **limit})
        answer = self.gateway.chat("before", "Hi", stream=True)
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual((answer.headers["x-omniroute-connection"], answer.headers["x-omniroute-attempts"]), ("well", "2"))
        self.assertEqual(stream_events(answer.body)[-1], "[DONE]")
        self.assertEqual(self.state(early_id)["name"], "cooling")

        late, late_id = self.account("late")
        self.combo("after", models=["kiro/late", "kiro/well"])
        self.sim.turn(account=late["accountId"], text="one two three four five six seven eight", exception={"at": 4, **limit})
        answer = self.gateway.chat("after", "Hi", stream=True)
        self.assertEqual((answer.status, answer.headers["x-omniroute-attempts"]), (200, "1"), answer)
        self.assertTrue(streamed_text(answer.body))
        events = stream_events(answer.body)
        self.assertNotIn("[DONE]", events)
        self.assertEqual(json.loads(events[-1])["error"]["code"], "rate_limit_exceeded")
        self.assertEqual(self.state(late_id)["name"], "cooling")

    def test_nothing_left_is_one_honest_error_in_each_shape(self):
        self.account("a", status=429, body=exception("ThrottlingException", "USER_REQUEST_RATE_EXCEEDED", retryAfterMilliseconds=90000))
        self.account("b", status=402, body=exception("ServiceQuotaExceededException", "MONTHLY_REQUEST_COUNT"))
        self.combo("both", models=["kiro/a", "kiro/b"])
        for number, (path, more) in enumerate(SHAPES):
            with self.subTest(path):
                answer = self.gateway.post(path, self.body(path, more, "both"))
                self.assertEqual(answer.status, 503, answer)
                message = answer.json["error"]["message"]
                self.assertIn("kiro/a", message)
                self.assertIn("kiro/b", message)
                self.assertIn("USER_REQUEST_RATE_EXCEEDED" if number else "planned", message)
                self.assertLessEqual(abs(int(answer.headers["retry-after"]) - 90), 10, "when the first may serve again")


if __name__ == "__main__":
    unittest.main()
