"""Everything that /metrics promises, read by a parser that knows nothing of the service."""
import os
import re
import unittest

from harness import World, wait_for

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
SAMPLE = re.compile(rf'^({NAME})(?:\{{(.*)\}})? (NaN|[+-]Inf|[+-]?[0-9.]+(?:e[+-]?[0-9]+)?)$')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)')


def parse(text):
    """Prometheus' text format 0.0.4, strictly: {name: (type, [(suffix, labels, value)])}."""
    families, current = {}, None
    assert text.endswith("\n")
    for line in text.splitlines():
        if line.startswith("# HELP "):
            current = line.split(" ", 3)[2]
            assert current not in families, f"{current} occurs twice"
            families[current] = [None, []]
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name == current and kind in ("counter", "gauge", "histogram"), line
            families[name][0] = kind
        else:
            found = SAMPLE.match(line)
            assert found, line
            name, labels, value = found.groups()
            assert name.startswith(current), f"{line} is outside of its family"
            suffix = name[len(current):]
            assert suffix in (("_bucket", "_sum", "_count") if families[current][0] == "histogram" else ("",)), line
            rest, pairs = labels or "", {}
            while rest:
                label = LABEL.match(rest)
                assert label, line
                pairs[label.group(1)] = label.group(2)
                rest = rest[label.end():]
            families[current][1].append((suffix, pairs, float(value.replace("Inf", "inf"))))
    return families


class Metrics(World):
    def read(self):
        answer = self.gateway.get("/metrics")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8")
        return parse(answer.body.decode())

    def value(self, name, families=None, **labels):
        values = [value for suffix, pairs, value in (families or self.read())[name][1]
                  if suffix == "" and labels.items() <= pairs.items()]
        return sum(values) if values else None

    def test_all_that_is_promised(self):
        self.two_accounts()
        self.combo()
        self.assertEqual(self.gateway.chat("my-kiro", "Hi").status, 200)
        self.assertEqual(self.gateway.chat("my-kiro", "Hi", stream=True).status, 200)
        self.assertEqual(self.gateway.refresh(self.pro_id).status, 200)
        # The first of the combo fails for good: a fallback, an open breaker, one more state.
        self.sim.fault(target="data", account=self.dev["accountId"], mode="reset_before_headers", count=-1)
        for _ in range(4):
            self.assertEqual(self.gateway.chat("my-kiro", "Hi").status, 200)
        wait_for(lambda: self.value("omniroute_quota_left", connection="kiro-pro"), 30, "the quota")
        wait_for(lambda: self.value("omniroute_requests_total") == 6, what="the last request")
        seen = self.read()

        def of(name, **labels):
            return self.value(name, seen, **labels)
        self.assertEqual(of("omniroute_requests_total", connection="kiro-dev", status="200", api="chat", ok="true"), 2)
        self.assertEqual(of("omniroute_requests_total", connection="kiro-pro"), 4)
        self.assertGreaterEqual(of("omniroute_fallbacks_total", connection="kiro-pro"), 1)
        for name in ("omniroute_request_duration_seconds", "omniroute_first_byte_seconds"):
            kind, samples = seen[name]
            self.assertEqual(kind, "histogram")
            buckets = [value for suffix, pairs, value in samples if suffix == "_bucket"]
            bounds = [float(pairs["le"].replace("Inf", "inf")) for suffix, pairs, _ in samples if suffix == "_bucket"]
            self.assertEqual(buckets, sorted(buckets))
            self.assertEqual(bounds, sorted(bounds))
            self.assertEqual(bounds[-1], float("inf"))
            self.assertEqual([value for suffix, _, value in samples if suffix == "_count"], [6], name)
            self.assertEqual(buckets[-1], 6)
        self.assertEqual(of("omniroute_connection_state", connection="kiro-pro", state="active"), 1)
        for name in ("omniroute_token_expiry_timestamp_seconds", "omniroute_registration_expiry_timestamp_seconds"):
            self.assertEqual({pairs["connection"] for _, pairs, _ in seen[name][1]}, {"kiro-dev", "kiro-pro"}, name)
        self.assertGreaterEqual(of("omniroute_token_refreshes_total", connection="kiro-pro", result="ok"), 1)
        self.assertEqual(of("omniroute_breakers_open"), 1)
        self.assertGreater(of("omniroute_quota_limit", connection="kiro-pro"), 0)
        self.assertLessEqual(of("omniroute_quota_left", connection="kiro-pro"), of("omniroute_quota_limit", connection="kiro-pro"))
        self.assertEqual(of("omniroute_streams_open"), 0)
        self.assertGreaterEqual(of("omniroute_upstream_idle_connections"), 1)
        self.assertGreaterEqual(of("omniroute_client_connections_open"), 1)
        self.assertGreater(of("omniroute_tokens_total", kind="output"), 0)
        self.assertGreater(of("omniroute_credits_total"), 0)
        self.assertEqual(of("omniroute_request_log_lost_total"), 0)
        self.assertEqual(of("omniroute_build_info"), 1)

        # The dashboard asks for nothing that is not there.
        with open(os.path.join(os.path.dirname(__file__), "../../docs/grafana/omniroute.json")) as file:
            asked = set(re.findall(r"omniroute_[a-z_]+", file.read()))
        asked = {re.sub("_(bucket|sum|count)$", "", name) for name in asked}
        self.assertGreater(len(asked), 10)
        self.assertEqual(asked - set(seen), set())

    def test_a_state_is_seen_as_it_changes(self):
        self.two_accounts()
        self.sim.post(f"/__control/accounts/{self.dev['accountId']}/revoke")
        self.assertEqual(self.gateway.refresh(self.dev_id).status, 401)
        self.assertEqual(self.value("omniroute_connection_state", connection="kiro-dev", state="reauth_required"), 1)


if __name__ == "__main__":
    unittest.main()
