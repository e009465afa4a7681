#!/usr/bin/env python3
"""Measures the gateway against nginx as a reverse proxy of the same simulator, in the same run, and prints ratios.

    tests/bench/run.py [--build release] [--seconds 5] [--connections 16]

Whole and streamed answers: requests per second, CPU per request of the proxy process, p50 and p99. Memory idle and after load, and the
time from start to the first answer. Everything is on loopback and stops by itself.
"""
import argparse, json, os, re, shutil, statistics, subprocess, sys, tempfile, time, urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "integration"))


def cpu_seconds(pids):
    ticks = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def rss_mib(pid):
    with open(f"/proc/{pid}/status") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1)) / 1024


def wrk(url, script, seconds, connections):
    out = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", script, url],
                         capture_output=True, text=True, check=True).stdout
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))
    total = int(re.search(r"(\d+) requests in", out).group(1))
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    sockets = re.search(r"Socket errors: (.*)", out)
    latency = {p: re.search(rf"{p}%\s+([\d.]+)(us|ms|s)", out).groups() for p in ("50", "99")}
    scale = {"us": 0.001, "ms": 1, "s": 1000}
    return {"rps": rate, "requests": total, "failed": int(bad.group(1)) if bad else 0,
            "sockets": sockets.group(1) if sockets else "", **{f"p{p}": float(v) * scale[u] for p, (v, u) in latency.items()}}


def lua(path, body, headers):
    with open(path, "w") as file:
        file.write('wrk.method = "POST"\nwrk.body = [==[' + body + "]==]\n")
        for name, value in headers.items():
            file.write(f'wrk.headers["{name}"] = "{value}"\n')


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="release")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    os.environ["OMNI_BUILD_DIR"] = os.path.join(ROOT, "build", args.build)
    from harness import Gateway, Simulator

    work = tempfile.mkdtemp(prefix="omni-bench-")
    data = os.path.join(work, "data")
    os.mkdir(data, 0o700)
    sim = Simulator()
    gateway = Gateway(sim, data, ["log.level=info"])
    nginx = None
    try:
        first = gateway.start_seconds
        idle = rss_mib(gateway.process.pid)
        account = sim.account(email="bench@example.com")
        gateway.import_account(account, "bench")
        assert gateway.chat("kiro/bench", "Hello bench").status == 200
        captured = [r for r in sim.requests() if "conversationState" in json.dumps(r.get("body", ""))][-1]
        body = captured["body"] if isinstance(captured["body"], str) else json.dumps(captured["body"])
        sim.policy(capture=False)

        state = sim.get("/__control/state?reveal=1").json
        tokens = re.findall(r'"accessToken": ?"(aoa[^"]+)"', json.dumps(state))
        port = sim.port
        conf = os.path.join(work, "nginx.conf")
        with open(conf, "w") as file:
            file.write(f"""worker_processes 1; daemon off; pid {work}/nginx.pid; error_log {work}/nginx.err;
events {{ worker_connections 4096; }}
http {{ access_log off; client_body_temp_path {work}/b; proxy_temp_path {work}/p; fastcgi_temp_path {work}/f; uwsgi_temp_path {work}/u;
 scgi_temp_path {work}/s; tcp_nodelay on;
 upstream sim {{ server 127.0.0.1:{port}; keepalive 64; }}
 server {{ listen 127.0.0.1:0; listen 127.0.0.1:28731; location / {{ proxy_pass http://sim; proxy_http_version 1.1;
  proxy_set_header Connection ""; proxy_buffering off; }} }} }}
""".replace("listen 127.0.0.1:0; ", ""))
        nginx = subprocess.Popen(["nginx", "-c", conf, "-p", work], stderr=subprocess.DEVNULL)
        time.sleep(0.5)
        workers = [int(p) for p in subprocess.run(["pgrep", "-P", str(nginx.pid)], capture_output=True, text=True).stdout.split()]

        headers = {k: v for k, v in captured.get("headers", {}).items()
                   if k.lower() in ("content-type", "x-amz-target", "accept", "x-amzn-codewhisperer-optout")}
        headers["Authorization"] = "Bearer " + tokens[-1]
        direct = os.path.join(work, "direct.lua")
        lua(direct, body, headers)
        chat = {"model": "kiro/bench", "messages": [{"role": "user", "content": "Hello bench"}]}
        whole, streamed = os.path.join(work, "whole.lua"), os.path.join(work, "stream.lua")
        lua(whole, json.dumps(chat), {"Content-Type": "application/json"})
        lua(streamed, json.dumps({**chat, "stream": True}), {"Content-Type": "application/json"})

        upstream = captured["path"]
        targets = {
            "simulator direct": (f"http://127.0.0.1:{port}{upstream}", direct, [sim.process.pid]),
            "nginx": (f"http://127.0.0.1:28731{upstream}", direct, workers),
            "omnirouted whole": (gateway.base + "/v1/chat/completions", whole, [gateway.process.pid]),
            "omnirouted stream": (gateway.base + "/v1/chat/completions", streamed, [gateway.process.pid]),
        }
        rows = {name: [] for name in targets}
        for _ in range(args.rounds):
            for name, (url, script, pids) in targets.items():
                before = cpu_seconds(pids)
                row = wrk(url, script, args.seconds, args.connections)
                row["cpu_us"] = (cpu_seconds(pids) - before) / max(row["requests"], 1) * 1e6
                rows[name].append(row)
        one = {name: wrk(url, script, 2, 1) for name, (url, script, _) in targets.items()}

        print(f"\n{args.connections} connections, {args.rounds} rounds of {args.seconds} s, medians")
        print(f"{'target':20} {'rps':>8} {'/nginx':>7} {'cpu us/req':>10} {'rps/core':>9} {'/nginx':>7} {'p50 ms':>7} {'p99 ms':>7} {'c1 p50 ms':>9}  failed")
        med = {n: {k: statistics.median(r[k] for r in rs) for k in ("rps", "cpu_us", "p50", "p99")} for n, rs in rows.items()}
        per_core = {n: 1e6 / m["cpu_us"] for n, m in med.items()}
        for name, m in med.items():
            failed = sum(r["failed"] for r in rows[name])
            print(f"{name:20} {m['rps']:8.0f} {m['rps'] / med['nginx']['rps']:7.2f} {m['cpu_us']:10.1f} {per_core[name]:9.0f} "
                  f"{per_core[name] / per_core['nginx']:7.2f} {m['p50']:7.2f} {m['p99']:7.2f} {one[name]['p50']:9.2f}  {failed}"
                  f" {rows[name][-1]['sockets']}")
        print(f"\nmemory: idle {idle:.1f} MiB, after load {rss_mib(gateway.process.pid):.1f} MiB; start to ready {first * 1000:.0f} ms")
    finally:
        if nginx:
            nginx.terminate()
            nginx.wait()
        gateway.stop()
        sim.stop()
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
