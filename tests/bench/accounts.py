#!/usr/bin/env python3
"""Measures the token keeper with many accounts: CPU and memory of the service, and requests per second upstream, second by second.

    tests/bench/accounts.py [--build release] [--accounts 1000] [--lifetime 1500]

Two parts. A whole refresh cycle: every token lives `--lifetime` seconds instead of an hour, so each account is refreshed once, and the
keeper has less than half of the time that it has in life. Below 1200 s the figures mean little: with less than five minutes left any
call refreshes first, so the polls of usage and models do the keeper's work. A restart after a night: all tokens have run out at once. Everything is on loopback
and stops by itself. Fails when a second has more than 20 refreshes (30 after the restart, see POLLS), or when an account is not active
at the end.
"""
import argparse, collections, json, os, shutil, sys, tempfile, threading, time
from concurrent.futures import ThreadPoolExecutor

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "integration"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
MOST = 20  # starts per second by KeeperOptions::gap_ms
POLLS = 10  # and accounts whose token has run out when their usage is polled: that call refreshes by itself


class Watch:
    """Counts what arrives upstream, by second of the simulator's own clock."""

    def __init__(self, sim):
        # What came before, such as the imports' own refreshes, is not counted.
        self.sim, self.seen = sim, max((r["number"] for r in sim.requests()), default=-1)
        self.seconds = collections.Counter()
        self.all = collections.Counter()
        self.paths = collections.defaultdict(collections.Counter)  # by second
        self.skew, self.steps = time.time() - time.monotonic(), []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def look(self):
        for request in self.sim.requests():
            if request["number"] <= self.seen:
                continue
            self.seen = request["number"]
            second = request["at"] // 1000
            self.all[second] += 1
            self.paths[second][request["path"].split("?")[0]] += 1
            if request["path"].endswith(("/refreshToken", "/token")):
                self.seconds[second] += 1

    def run(self):
        while not self.stop.wait(5):
            skew = time.time() - time.monotonic()
            if abs(skew - self.skew) > 1:  # the machine slept, or its clock was set: that explains a burst
                self.steps.append(round(skew - self.skew, 1))
            self.skew = skew
            self.look()

    def end(self):
        self.stop.set()
        self.thread.join()
        self.look()
        if self.steps:
            print(f"the machine's clock jumped: {self.steps} s", flush=True)
        return self.seconds, self.all

    def busiest(self):
        """What the three busiest seconds were made of, and how the refreshes are spread in time."""
        first = min(self.all)
        for second, count in self.seconds.most_common(3):
            print(f"  second {second - first}: {count} refreshes; all calls {dict(self.paths[second])}", flush=True)
        spread = collections.Counter((second - first) // 60 for second in self.seconds.elements())
        print(f"  refreshes by minute: {dict(sorted(spread.items()))}", flush=True)


def shown(name, counts, accounts):
    total, busy = sum(counts.values()), sorted(counts.values())
    print(f"{name:28} {total:6} requests, {total / accounts:.2f} per account, over {max(counts) - min(counts) + 1:4} s; "
          f"per second: median {busy[len(busy) // 2]}, most {busy[-1]}", flush=True)
    return busy[-1]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="release")
    parser.add_argument("--accounts", type=int, default=1000)
    parser.add_argument("--lifetime", type=int, default=1500)
    parser.add_argument("--no-restart", action="store_true", help="the cycle only")
    args = parser.parse_args()
    os.environ["OMNI_BUILD_DIR"] = args.build if os.path.isabs(args.build) else os.path.join(ROOT, "build", args.build)
    from harness import Gateway, Simulator, wait_for
    from run import cpu_seconds, rss_mib

    work = tempfile.mkdtemp(prefix="omni-bench-")
    data = os.path.join(work, "data")
    os.mkdir(data, 0o700)
    sim = Simulator()
    gateway = Gateway(sim, data, ["log.level=warning"])
    failed = []
    try:
        idle = rss_mib(gateway.process.pid)
        sim.policy(accessLifetime=args.lifetime)
        begun, cpu = time.monotonic(), cpu_seconds([gateway.process.pid])

        def sign_in(i):
            account = sim.account(email=f"user{i}@example.com")
            return gateway.import_account(account, name=f"user-{i:04}")
        with ThreadPoolExecutor(8) as pool:
            ids = list(pool.map(sign_in, range(args.accounts)))
        took = time.monotonic() - begun
        print(f"imported {len(ids)} accounts in {took:.1f} s, {cpu_seconds([gateway.process.pid]) - cpu:.1f} s of CPU; "
              f"memory {idle:.1f} MiB empty, {rss_mib(gateway.process.pid):.1f} MiB with them", flush=True)

        def active():
            rows = gateway.get("/api/token-health").json["connections"]
            return [row for row in rows if row["state"]["name"] == "active" and row["failures"] == 0]

        # A cycle: from when the last account came in until every token that there was has been replaced.
        watch, pid = Watch(sim), gateway.process.pid
        cpu, begun = cpu_seconds([pid]), time.monotonic()
        time.sleep(args.lifetime)
        used, span = cpu_seconds([pid]) - cpu, time.monotonic() - begun
        refreshes, everything = watch.end()
        most = shown("a cycle: refreshes", refreshes, len(ids))
        shown("a cycle: all calls", everything, len(ids))
        watch.busiest()
        count = sum(refreshes.values())
        print(f"CPU {used:.2f} s in {span:.0f} s ({100 * used / span:.2f} % of a core, {1000 * used / max(count, 1):.1f} ms per refresh); "
              f"memory {rss_mib(pid):.1f} MiB", flush=True)
        if count < len(ids):
            failed.append(f"only {count} refreshes")
        if most > MOST + 1:
            failed.append(f"a burst of {most} in a second")
        if len(active()) != len(ids):
            failed.append("not all accounts are active after the cycle")

        if args.no_restart:
            return
        gateway.stop()
        sim.post("/__control/clock/advance", {"seconds": args.lifetime + 60})
        time.sleep(args.lifetime)  # the service's clock is the real one
        watch = Watch(sim)
        gateway.start()
        pid = gateway.process.pid
        print(f"restart with {len(ids)} overdue accounts: ready after {gateway.start_seconds * 1000:.0f} ms", flush=True)
        begun = time.monotonic()
        wait_for(lambda: sum(watch.seconds.values()) >= len(ids), 20 * len(ids) / MOST + 60, "all accounts to be refreshed")
        span, used = time.monotonic() - begun, cpu_seconds([pid])
        refreshes, _ = watch.end()
        most = shown("overdue: refreshes", refreshes, len(ids))
        watch.busiest()
        print(f"CPU {used:.2f} s in {span:.0f} s; memory {rss_mib(pid):.1f} MiB", flush=True)
        if most > MOST + POLLS:
            failed.append(f"a burst of {most} in a second after the restart")
        wait_for(lambda: len(active()) == len(ids), 60, "all accounts to be active")
        print("all accounts are active", flush=True)
    finally:
        gateway.stop()
        sim.stop()
        shutil.rmtree(work, True)
        for what in failed:
            print("FAILED: " + what)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
