#!/usr/bin/env python3
"""Measures what a coding agent's requests cost: 200 KB with 40 tools and 200 turns, streamed, at 1, 64 and 1,000 at once.

    tests/bench/streams.py [--build release] [--requests 300]

CPU of the service per request (long bodies, short answers) and per streamed event (the difference that long answers make), and memory
per open stream, each beside nginx as it passes the same upstream bytes in the same run. CPU and memory are the processes' own, so that
a busy machine changes them little. Everything is on loopback and stops by itself.
"""
import argparse, asyncio, json, os, resource, shutil, subprocess, sys, tempfile, time, urllib.parse

from run import ROOT, cpu_seconds, rss_mib

EVENTS = 1000
LEVELS = (1, 64, 1000)
NGINX_PORT = 28732


def agent_request(model):
    """40 tools with schemas, 200 turns of calls and results, about 200 KB."""
    tools = [{"type": "function", "function": {
        "name": f"tool_{n}", "description": f"Does thing number {n} for the agent. " * 12,
        "parameters": {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "additionalProperties": False,
                       "properties": {f"argument_{k}": {"type": "string", "description": "what this argument is for " * 3}
                                      for k in range(8)}, "required": ["argument_0"]}}} for n in range(40)]
    messages = [{"role": "system", "content": "You are a careful agent. " * 400}]
    for turn in range(50):
        call = f"call_{turn}"
        messages += [{"role": "user", "content": f"Step {turn}: look at the file and go on. " * 8},
                     {"role": "assistant", "content": "I read it first.", "tool_calls": [
                         {"id": call, "type": "function", "function": {
                             "name": f"tool_{turn % 40}", "arguments": json.dumps({"argument_0": f"src/file_{turn}.cpp"})}}]},
                     {"role": "tool", "tool_call_id": call, "content": "line of \"code\" with\ttabs\n" * 40},
                     {"role": "assistant", "content": "That is what it says; on to the next. " * 4}]
    messages.append({"role": "user", "content": "Sum it up."})
    return {"model": model, "messages": messages, "tools": tools, "stream": True}


class Target:
    def __init__(self, name, url, body, headers, pids):
        parts = urllib.parse.urlsplit(url)
        self.name, self.host, self.port, self.pids = name, parts.hostname, parts.port, pids
        lines = "".join(f"{k}: {v}\r\n" for k, v in headers.items())
        self.request = (f"POST {parts.path} HTTP/1.1\r\nHost: localhost\r\n{lines}Content-Length: {len(body)}\r\n\r\n").encode() + body

    def memory(self):
        return sum(rss_mib(pid) for pid in self.pids)


async def one(target, streams):
    """One request over a kept connection; its length in bytes."""
    reader, writer = streams
    writer.write(target.request)
    tail, total = b"", 0
    while not tail.endswith(b"\r\n0\r\n\r\n"):
        piece = await reader.read(1 << 18)
        if not piece:
            raise RuntimeError(f"{target.name} ended an answer early: {tail!r}")
        if total == 0 and not piece.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"{target.name} answered {piece[:300]!r}")
        total += len(piece)
        tail = (tail + piece)[-16:]
    return total


async def load(target, at_once, requests):
    """CPU seconds of the target per request."""
    left = requests

    async def client():
        nonlocal left
        streams = await asyncio.open_connection(target.host, target.port, limit=1 << 20)
        while left > 0:
            left -= 1
            await one(target, streams)
        streams[1].close()
    before = cpu_seconds(target.pids)
    await asyncio.gather(*(client() for _ in range(min(at_once, requests))))
    return (cpu_seconds(target.pids) - before) / requests


async def open_streams(target, count, active):
    """KiB per stream that has begun and waits for more."""
    before = target.memory()
    held = []
    for _ in range(count):
        reader, writer = await asyncio.open_connection(target.host, target.port, limit=1 << 16)
        writer.write(target.request)
        await reader.readuntil(b"\r\n\r\n")
        held.append((reader, writer))
    deadline = time.monotonic() + 60
    while active() < count and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
    now = active()
    assert now >= count, f"only {now} of {count} streams are open"
    grown = (target.memory() - before) * 1024 / count
    for _, writer in held:
        writer.close()
    while active() > 0 and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
    return grown


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="release")
    parser.add_argument("--requests", type=int, default=300)
    args = parser.parse_args()
    os.environ["OMNI_BUILD_DIR"] = os.environ.get("OMNI_BUILD_DIR") or os.path.join(ROOT, "build", args.build)
    from harness import Gateway, Simulator

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))
    work = tempfile.mkdtemp(prefix="omni-bench-")
    sim = Simulator()
    gateway = nginx = None
    try:
        conf = os.path.join(work, "nginx.conf")
        with open(conf, "w") as file:
            file.write(f"""{"user root; " if os.geteuid() == 0 else ""}worker_processes 1; daemon off; pid {work}/nginx.pid; error_log {work}/nginx.err;
events {{ worker_connections 8192; }}
http {{ access_log off; client_max_body_size 32m; client_body_buffer_size 1m; client_body_temp_path {work}/b; proxy_temp_path {work}/p;
 fastcgi_temp_path {work}/f; uwsgi_temp_path {work}/u; scgi_temp_path {work}/s; tcp_nodelay on;
 upstream sim {{ server 127.0.0.1:{sim.port}; keepalive 256; }}
 server {{ listen 127.0.0.1:{NGINX_PORT};
  location /kept/ {{ client_body_in_file_only on; proxy_pass http://sim/; }}
  location / {{ proxy_pass http://sim; proxy_http_version 1.1;
  proxy_set_header Connection ""; proxy_buffering off; proxy_read_timeout 300s; }} }} }}
""")
        nginx = subprocess.Popen(["nginx", "-c", conf, "-p", work], stderr=subprocess.DEVNULL)
        time.sleep(0.5)
        workers = [int(p) for p in subprocess.run(["pgrep", "-P", str(nginx.pid)], capture_output=True, text=True).stdout.split()]
        chat = json.dumps(agent_request("kiro/bench/claude-sonnet-4.5")).encode()

        def start(name, *settings):
            data = os.path.join(work, name)
            os.mkdir(data, 0o700)
            started = Gateway(sim, data, ["log.level=warning", "server.maxStreams=1100", *settings])
            try:
                started.import_account(sim.account(email=f"{name}@example.com"), "bench")
                started.get("/v1/models")
                answer = started.call("POST", "/v1/chat/completions", chat, {"Content-Type": "application/json"})
                assert answer.status == 200, answer
            except BaseException:
                started.stop()
                raise
            return started
        # nginx keeps what the service sends to Kiro, to be sent through nginx alone afterwards.
        start("first", f"plugins.kiro.endpoint.runtime=http://127.0.0.1:{NGINX_PORT}/kept/runtime/{{region}}").stop()
        bodies = [os.path.join(folder, name) for folder, _, names in os.walk(os.path.join(work, "b")) for name in names]
        with open(max(bodies, key=os.path.getsize), "rb") as file:
            kiro = file.read()
        gateway = start("second")
        captured = [r for r in sim.requests() if r["path"].startswith("/runtime") or "conversationState" in str(r.get("body"))][-1]
        sim.policy(capture=False)
        tokens = [w for w in json.dumps(sim.get("/__control/state?reveal=1").json).split('"') if w.startswith("aoa")]
        headers = {k: v for k, v in captured["headers"].items()
                   if k.lower() in ("content-type", "x-amz-target", "x-amzn-codewhisperer-optout")}
        headers["Authorization"] = "Bearer " + tokens[-1]

        targets = [Target("nginx", f"http://127.0.0.1:{NGINX_PORT}{captured['path']}", kiro, headers, workers),
                   Target("omnirouted", gateway.base + "/v1/chat/completions", chat, {"Content-Type": "application/json"},
                          [gateway.process.pid])]

        def active():
            return sim.get("/__control/health").json["activeStreams"]

        def turn(**spec):
            sim.call("DELETE", "/__control/turns")
            sim.turn(repeat=-1, **spec)

        print(f"request {len(chat) / 1000:.0f} KB as the client sends it, {len(kiro) / 1000:.0f} KB for Kiro")
        print(f"{'at once':>8} {'target':>11} {'CPU ms/request':>15} {'/nginx':>7} {'CPU us/event':>13} {'/nginx':>7} {'KiB/stream':>11}")
        # First of all, while there is no memory of earlier requests to be used again.
        memory = {}
        turn(text="one two three", stallAfter=2, stallMs=120000)
        for at_once in LEVELS:
            for target in targets:
                memory[at_once, target.name] = asyncio.run(open_streams(target, at_once, active))
        for at_once in LEVELS:
            requests = max(args.requests, at_once)
            rows = {}
            for target in targets:
                turn(text="done")
                asyncio.run(load(target, at_once, max(20, at_once // 2)))  # warm
                short = asyncio.run(load(target, at_once, requests))
                turn(text="word " * EVENTS)
                long = asyncio.run(load(target, at_once, requests))
                rows[target.name] = short * 1e3, (long - short) / (EVENTS - 1) * 1e6
            for name, (request_ms, event_us) in rows.items():
                base = rows["nginx"]
                print(f"{at_once:8} {name:>11} {request_ms:15.3f} {request_ms / base[0]:7.1f} {event_us:13.2f} "
                      f"{event_us / max(base[1], 1e-9):7.1f} {memory[at_once, name]:11.1f}", flush=True)
        print(f"memory of the service at the end: {rss_mib(gateway.process.pid):.0f} MiB")
    finally:
        if nginx:
            nginx.terminate()
            nginx.wait()
        if gateway:
            gateway.stop()
        sim.stop()
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
