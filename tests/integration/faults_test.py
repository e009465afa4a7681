"""Upstream faults while signing in and refreshing: a clear status, nothing lost, no other account touched."""
import unittest

from harness import World


class Faults(World):
    def test_dead_refresh_token_needs_a_new_sign_in_and_touches_nobody_else(self):
        self.two_accounts()
        answer = self.sim.post(f"/__control/accounts/{self.dev['accountId']}/revoke")
        self.assertIn(answer.status, (200, 204))
        refused = self.gateway.refresh(self.dev_id)
        self.assertEqual(refused.status, 401, refused)
        self.assertEqual(self.gateway.record(self.dev_id)["state"]["name"], "reauth_required")
        self.assertEqual(self.gateway.refresh(self.pro_id).status, 200)
        self.assertEqual(self.gateway.record(self.pro_id)["state"]["name"], "active")

    def test_expired_access_token_is_refreshed_once_and_the_request_succeeds(self):
        self.two_accounts()
        self.assertEqual(self.sim.post("/__control/clock/advance", {"seconds": 4000}).status, 200)
        answer = self.gateway.chat("kiro/kiro-dev", "Hi")
        self.assertEqual(answer.status, 200, answer)

    def test_connection_resets_are_retried_or_reported(self):
        self.two_accounts()
        self.combo()
        self.sim.fault(target="data", account=self.dev["accountId"], mode="reset_before_headers", count=-1)
        answer = self.gateway.chat("my-kiro", "Hi")
        self.assertEqual(answer.status, 200, answer)
        self.assertIn("kiro-pro", answer.headers["x-omniroute-connection"])


if __name__ == "__main__":
    unittest.main()
