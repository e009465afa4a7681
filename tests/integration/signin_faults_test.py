"""Every error that the sign-in services and Kiro are known to give, through the real service: a clear answer, the right state, nothing
lost, and no other account touched. The rows are those of the specification of the wire, sections A.6 and G."""
import unittest

from harness import World, wait_for

# Error of AWS SSO OIDC, its HTTP status, its OAuth code.
OIDC = (
    ("AuthorizationPendingException", 400, "authorization_pending"), ("SlowDownException", 400, "slow_down"),
    ("ExpiredTokenException", 400, "expired_token"), ("AccessDeniedException", 400, "access_denied"),
    ("InvalidGrantException", 400, "invalid_grant"), ("InvalidRequestException", 400, "invalid_request"),
    ("InvalidScopeException", 400, "invalid_scope"), ("InvalidClientMetadataException", 400, "invalid_client_metadata"),
    ("InvalidRedirectUriException", 400, "invalid_redirect_uri"), ("InvalidRequestRegionException", 400, "invalid_request"),
    ("UnauthorizedClientException", 400, "unauthorized_client"), ("UnsupportedGrantTypeException", 400, "unsupported_grant_type"),
    ("InvalidClientException", 401, "invalid_client"), ("InternalServerException", 500, "server_error"))
# Not one of them, but what may come in its place.
BROKEN = (
    ("503", dict(mode="status", status=503, body="")), ("504 as a page", dict(mode="status", status=504, body="<html>")),
    ("429", dict(mode="status", status=429, body={})),
    ("429 with a delay", dict(mode="status", status=429, body={}, headers={"retry-after": "7"})),
    ("a page of a portal", dict(mode="status", status=200, body="<html>log in to this network</html>")),
    ("an empty object", dict(mode="status", status=200, body={})),
    ("half an answer", dict(mode="status", status=200, body='{"accessToken":"aoa')),
    ("a null token", dict(mode="status", status=200, body={"accessToken": None, "expiresIn": 3600})),
    ("reset before the headers", dict(mode="reset_before_headers")), ("reset after the headers", dict(mode="reset_after_headers")))


def oidc(name, status, code):
    return dict(mode="status", status=status, headers={"x-amzn-errortype": f"{name}:http://internal/"},
                body={"error": code, "error_description": f"it is {code}", "region": "eu-west-1" if "Region" in name else None})


class Rows(World):
    def setUp(self):
        super().setUp()
        cli = self.sim.account(kind="builder_id", email="dev@example.com")
        self.dev = self.gateway.import_account(cli, "kiro-dev", clientId=cli["clientId"], clientSecret=cli["clientSecret"])
        self.pro_account = self.sim.account(email="pro@example.com")
        self.pro = self.gateway.import_account(self.pro_account, "kiro-pro")
        self.before = self.gateway.record(self.pro)

    def clear(self):
        self.sim.clear_faults()
        self.sim.call("DELETE", "/__control/turns")

    def state(self, name="kiro-dev"):
        return self.gateway.record(name)["state"]["name"]

    def others_are_untouched(self):
        now = self.gateway.record(self.pro)
        for part in ("state", "providerSpecificData", "isActive"):
            self.assertEqual(now[part], self.before[part])

    def told(self, answer):
        """It says what happened, in words that are no secret and no inner detail."""
        message = answer.json["error"]["message"]
        self.assertGreater(len(message), 15, answer)
        for word in ("aorAAAA", "aoaAAAA", "exception", "std::", "null"):
            self.assertNotIn(word, message)


class Refreshes(Rows):
    """POST /refresh of an account at AWS SSO OIDC."""

    def one(self, name, fault):
        self.sim.fault(target="oidc.token", count=-1, **fault)
        answer = self.gateway.refresh(self.dev)
        self.assertGreaterEqual(answer.status, 400, (name, answer))
        self.told(answer)
        found = self.state()
        self.clear()
        self.assertEqual(self.gateway.refresh(self.dev).status, 200, f"{name}: the refresh token was lost")
        self.assertEqual(self.state(), "active", name)
        self.others_are_untouched()
        return answer, found

    def test_each_error_of_the_issuer(self):
        dead = {"InvalidGrantException", "ExpiredTokenException", "InvalidClientException", "UnauthorizedClientException"}
        for name, status, code in OIDC:
            with self.subTest(name):
                answer, found = self.one(name, oidc(name, status, code))
                if name in dead:
                    self.assertEqual((answer.status, found), (401, "reauth_required"), answer)
                    self.assertIn("sign", answer.json["error"]["message"])
                else:
                    self.assertNotEqual(answer.status, 401, answer)
                    self.assertIn(found, ("active", "cooling"), "one answer that says nothing of the session must not end it")
                self.assertNotEqual(answer.status, 500, answer)

    def test_each_answer_that_is_none(self):
        for name, fault in BROKEN:
            with self.subTest(name):
                answer, found = self.one(name, fault)
                self.assertIn(answer.status, (429, 502, 503, 504), answer)
                self.assertIn(found, ("active", "cooling"))


class SocialRefreshes(Rows):
    """The same at Kiro's own service, which says less."""

    def test_each_answer(self):
        rows = (("400 invalid_grant", dict(mode="status", status=400, body={"error": "invalid_grant", "message": "Invalid refresh token provided"}), True),
                ("401", dict(mode="status", status=401, body={"message": "Bad credentials"}), True),
                ("403", dict(mode="status", status=403, body={"message": "Forbidden"}), False),
                ("sign-ups paused", dict(mode="status", status=400, body={"message": "New signups are temporarily paused."}), False),
                *((name, fault, False) for name, fault in BROKEN))
        cli = self.gateway.record(self.dev)
        for name, fault, dead in rows:
            with self.subTest(name):
                self.sim.fault(target="social.refresh", count=-1, **fault)
                answer = self.gateway.refresh(self.pro)
                self.assertGreaterEqual(answer.status, 400, answer)
                self.told(answer)
                self.assertEqual(self.state("kiro-pro") == "reauth_required", dead, answer)
                self.assertEqual(answer.status == 401, dead, answer)
                self.clear()
                self.assertEqual(self.gateway.refresh(self.pro).status, 200, f"{name}: the refresh token was lost")
                self.assertEqual(self.gateway.record(self.dev)["state"], cli["state"])


class SignIns(Rows):
    def start(self, **more):
        return self.gateway.post("/api/oauth/kiro/signin", {"method": "builder_id", **more})

    def test_each_error_of_the_registration_and_of_the_code(self):
        total = self.gateway.get("/api/providers").json["total"]
        for target in ("oidc.register", "oidc.device"):
            for name, fault in [(n, oidc(n, s, c)) for n, s, c in OIDC[4:]] + list(BROKEN):
                with self.subTest(f"{target} {name}"):
                    self.sim.fault(target=target, count=-1, **fault)
                    answer = self.start()
                    self.assertIn(answer.status, (400, 401, 403, 429, 502, 503, 504), answer)
                    self.told(answer)
                    self.clear()
        self.assertEqual(self.gateway.get("/api/providers").json["total"], total)
        self.others_are_untouched()
        self.assertEqual(self.start().status, 202)

    def test_each_error_of_a_poll(self):
        ends = {"ExpiredTokenException": "expired", "AccessDeniedException": "failed", "InvalidGrantException": "failed",
                "InvalidClientException": "failed", "InvalidRequestException": "failed"}
        waits = {"AuthorizationPendingException", "InternalServerException", "503", "429", "reset before the headers"}
        for name, fault in [(n, oidc(n, s, c)) for n, s, c in OIDC] + list(BROKEN):
            if name not in ends and name not in waits:
                continue
            with self.subTest(name):
                started = self.start(name=f"by-{len(name)}-{ord(name[0])}").json
                path = f"/api/oauth/signin/{started['id']}"
                self.sim.fault(target="oidc.token", count=-1 if name in ends else 1, **fault)
                if name in ends:
                    done = wait_for(lambda: (lambda s: s if s["status"] != "pending" else None)(self.gateway.get(path).json), 20)
                    self.assertEqual(done["status"], ends[name], done)
                    self.assertGreater(len(done["error"]["message"]), 15)
                    self.clear()
                else:
                    self.sim.post("/__control/device/approve", {"userCode": started["userCode"]})
                    done = wait_for(lambda: (lambda s: s if s["status"] != "pending" else None)(self.gateway.get(path).json), 40)
                    self.assertEqual(done["status"], "complete", done)
                    self.clear()
        self.others_are_untouched()


class Requests(Rows):
    """Every row of G.2 and G.3 as the answer to a chat request, without another account to go to."""

    # type, status, reason, message: client's status, account's state
    rows = (
        ("Validation", 400, "CONTENT_LENGTH_EXCEEDS_THRESHOLD", "Input is too long.", {400}, {"active"}),
        ("Validation", 400, None, "Improperly formed request.", {400}, {"active"}),
        ("Validation", 400, "REQUEST_BODY_INVALID", "Improperly formed request.", {400}, {"active"}),
        ("Validation", 400, "INVALID_MODEL_ID", "Invalid model. Please select a different model to continue.", {400, 404}, {"active"}),
        ("Validation", 400, "IMAGE_FORMAT_UNSUPPORTED", "Bedrock error message: no image.", {400}, {"active"}),
        ("Validation", 400, "TOOL_USE_RESULT_MISMATCH", "tool_use ids without tool_result", {400}, {"active"}),
        ("Validation", 400, "THINKING_SIGNATURE_INVALID", "signature", {400}, {"active"}),
        ("ServiceQuotaExceeded", 402, "MONTHLY_REQUEST_COUNT", "You have reached the limit.", {402, 429}, {"exhausted"}),
        ("ServiceQuotaExceeded", 402, "OVERAGE_REQUEST_LIMIT_EXCEEDED", "limit", {402, 429}, {"exhausted"}),
        ("Throttling", 429, "MONTHLY_REQUEST_COUNT", "Maximum Request reached for this month.", {402, 429}, {"exhausted"}),
        ("Throttling", 429, "DAILY_REQUEST_COUNT", "limit", {402, 429}, {"exhausted"}),
        ("AccessDenied", 403, "TEMPORARILY_SUSPENDED", "Your User ID (123456789012) temporarily is suspended.", {403}, {"suspended"}),
        ("AccessDenied", 403, "FEATURE_NOT_SUPPORTED", "no", {403}, {"active"}),
        ("AccessDenied", 403, None, "User is not authorized to make this call", {403}, {"active"}),
        ("Throttling", 429, "USER_REQUEST_RATE_EXCEEDED", "Too many requests", {429}, {"cooling", "active"}),
        ("Throttling", 429, "CREDIT_CONSUMPTION_RATE_EXCEEDED", "Too many requests", {429}, {"cooling", "active"}),
        ("Throttling", 429, "INSUFFICIENT_MODEL_CAPACITY", "full", {429, 503, 529}, {"active"}),
        ("InternalServer", 500, "MODEL_TEMPORARILY_UNAVAILABLE", "Encountered unexpectedly high load", {429, 502, 503, 529}, {"active"}),
        ("InternalServer", 500, None, "internal", {502, 503}, {"active"}),
        ("ServiceUnavailable", 503, "MODEL_TEMPORARILY_UNAVAILABLE", "m", {429, 502, 503, 529}, {"active"}),
    )

    def test_each_row(self):
        accounts = []
        for number, (kind, status, reason, message, client, after) in enumerate(self.rows):
            with self.subTest(f"{status} {reason} {message[:20]}"):
                account = self.sim.account(email=f"row{number}@example.com")
                name = f"row-{number}"
                connection = self.gateway.import_account(account, name)
                accounts.append(connection)
                body = {"__type": f"com.amazon.aws.codewhisperer#{kind}Exception", "message": message}
                if reason:
                    body["reason"] = reason
                self.sim.turn(account=account["accountId"], repeat=-1, status=status, body=body)
                answer = self.gateway.chat(f"kiro/{name}", "Hi")
                self.assertIn(answer.status, client, answer)
                self.assertIn(self.state(name), after, answer)
                self.told(answer)
                self.assertEqual(self.gateway.refresh(connection).status, 200, "nothing was lost")
        self.others_are_untouched()
        self.assertEqual(self.gateway.chat("kiro/kiro-pro").status, 200)

    def test_a_delay_that_upstream_names_is_kept_and_passed_on(self):
        for where in ({"headers": {"retry-after": "90"}, "body": {"__type": "x#ThrottlingException", "message": "m"}},
                      {"body": {"__type": "x#ThrottlingException", "message": "m", "reason": "CREDIT_CONSUMPTION_RATE_EXCEEDED",
                                "retryAfterMilliseconds": 90000}}):
            with self.subTest(str(where)):
                account = self.sim.account(email="slow@example.com")
                name = f"slow-{'headers' in where}".lower()
                self.gateway.import_account(account, name)
                self.sim.turn(account=account["accountId"], repeat=-1, status=429, **where)
                answer = self.gateway.chat(f"kiro/{name}")
                self.assertEqual(answer.status, 429, answer)
                self.assertGreater(int(answer.headers["retry-after"]), 60)
                self.assertLessEqual(int(answer.headers["retry-after"]), 90)

    def test_one_refusal_of_the_bearer_costs_one_refresh_and_no_request(self):
        self.sim.call("DELETE", "/__control/requests")
        self.sim.turn(account=self.pro_account["accountId"], status=403,
                      body={"__type": "x#AccessDeniedException", "message": "The bearer token included in the request is invalid."})
        self.assertEqual(self.gateway.chat("kiro/kiro-pro").status, 200)
        refreshes = [r for r in self.sim.requests() if r["path"].endswith("/refreshToken")]
        self.assertEqual(len(refreshes), 1)


class ControlPlane(Rows):
    def test_usage_and_test_say_what_is_wrong(self):
        for kind, status, reason, diagnosis in (("AccessDenied", 403, "TEMPORARILY_SUSPENDED", "account_deactivated"),
                                                ("AccessDenied", 403, "FEATURE_NOT_SUPPORTED", "upstream_auth_error"),
                                                ("ServiceQuotaExceeded", 402, "MONTHLY_REQUEST_COUNT", "quota_exhausted"),
                                                ("Throttling", 429, "USER_REQUEST_RATE_EXCEEDED", "upstream_rate_limited"),
                                                ("InternalServer", 500, None, "upstream_error")):
            with self.subTest(diagnosis):
                account = self.sim.account(email=f"{diagnosis}@example.com")
                connection = self.gateway.import_account(account, diagnosis.replace("_", "-"))
                body = {"__type": f"x#{kind}Exception", "message": "as it is", "reason": reason}
                self.sim.fault(target="control", account=account["accountId"], count=-1, mode="status", status=status, body=body)
                tested = self.gateway.post(f"/api/providers/{connection}/test")
                self.assertEqual((tested.status, tested.json["valid"]), (200, False), tested)
                self.assertEqual(tested.json["diagnosis"]["type"], diagnosis, tested)
                self.assertTrue(tested.json["diagnosis"]["advice"])
                self.clear()
        self.others_are_untouched()


if __name__ == "__main__":
    unittest.main()
