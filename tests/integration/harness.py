"""Starts kiro-sim and omnirouted for a test and speaks to both. Nothing here sleeps to wait for a state: it polls with a deadline."""
import http.client
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
import urllib.parse

BUILD = os.environ["OMNI_BUILD_DIR"]
SIM = os.path.join(BUILD, "bin", "kiro-sim")
OMNIROUTED = os.path.join(BUILD, "bin", "omnirouted")
PLUGINS = os.path.join(BUILD, "plugins")


def wait_for(condition, seconds=20, what="condition"):
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.01)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.body[:400]!r}>"


class Client:
    def __init__(self, base):
        self.base = base
        parts = urllib.parse.urlsplit(base)
        self.host, self.port = parts.hostname, parts.port

    def call(self, method, path, body=None, headers=None, timeout=60):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        send = dict(headers or {})
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
            send.setdefault("Content-Type", "application/json")
        if isinstance(body, str):
            body = body.encode()
        try:
            connection.request(method, path, body, send)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def get(self, path, **kw):
        return self.call("GET", path, **kw)

    def post(self, path, body=None, **kw):
        return self.call("POST", path, {} if body is None else body, **kw)


class Simulator(Client):
    def __init__(self, *options):
        self.process = subprocess.Popen([SIM, "--port=0", "--fast", *options], stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError("kiro-sim did not start")
        started = json.loads(line)
        self.https, self.ca = started.get("https"), started.get("ca")
        super().__init__(started["http"])

    def account(self, **spec):
        spec.setdefault("kind", "social")
        answer = self.post("/__control/accounts", spec)
        assert answer.status in (200, 201), answer
        return answer.json

    def fault(self, **spec):
        answer = self.post("/__control/faults", spec)
        assert answer.status in (200, 201), answer
        return answer.json

    def clear_faults(self):
        assert self.call("DELETE", "/__control/faults").status in (200, 204)

    def turn(self, **spec):
        answer = self.post("/__control/turns", spec)
        assert answer.status in (200, 201), answer

    def policy(self, **spec):
        assert self.post("/__control/policy", spec).status == 200

    def requests(self):
        return self.get("/__control/requests").json["requests"]

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()


class Gateway(Client):
    def __init__(self, simulator, data_dir, settings=(), plugins=PLUGINS):
        self.data_dir = data_dir
        self.log_path = os.path.join(data_dir, "..", "omnirouted.log")
        self.simulator = simulator
        self.settings = list(settings)
        self.plugins = plugins
        self.start()

    def command(self, ready):
        settings = ["server.port=0", f"data.dir={self.data_dir}", f"plugins.dir={self.plugins}",
                    f"log.file={self.log_path}", "log.level=debug", "plugins.kiro.refresh.forcedPauseMs=0"]
        for name, path in (("oidc", "oidc/{region}"), ("social", "auth-desktop"), ("runtime", "runtime/{region}"),
                           ("management", "management/{region}"), ("legacy", "legacy/{region}"), ("portal", "portal")):
            settings.append(f"plugins.kiro.endpoint.{name}={self.simulator.base}/{path}")
        command = [OMNIROUTED, f"--ready-file={ready}"]
        for setting in settings + self.settings:
            command += ["--set", setting]
        return command

    def start(self):
        ready = os.path.join(self.data_dir, "..", "ready.json")
        if os.path.exists(ready):
            os.unlink(ready)
        started = time.monotonic()
        self.process = subprocess.Popen(self.command(ready), stderr=subprocess.PIPE, text=True)
        wait_for(lambda: os.path.exists(ready) or self.process.poll() is not None, 60, "omnirouted to be ready")
        self.start_seconds = time.monotonic() - started
        if self.process.poll() is not None:
            raise AssertionError("omnirouted ended at start: " + self.process.stderr.read())
        with open(ready) as file:
            super().__init__(f"http://127.0.0.1:{json.load(file)['port']}")

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if not self.process.stderr.closed:
            self.errors = self.process.stderr.read()
            self.process.stderr.close()
        return self.process.returncode

    def restart(self):
        self.stop()
        self.start()

    def log(self):
        with open(self.log_path) as file:
            return file.read()

    def import_account(self, account, name=None, **more):
        body = {"refreshToken": account["refreshToken"], **more}
        answer = self.post("/api/oauth/kiro/import", body)
        assert answer.status == 200, answer
        connection = answer.json["connection"]["id"]
        if name:
            renamed = self.call("PATCH", f"/api/providers/{connection}", {"name": name})
            assert renamed.status == 200, renamed
        return connection

    def record(self, connection):
        answer = self.get(f"/api/providers/{connection}")
        assert answer.status == 200, answer
        return answer.json

    def person_of(self, connection):
        """The simulator's account of who is signed in here: nobody else may sign it in anew."""
        user = self.record(connection)["providerSpecificData"]["userId"]
        return next(a["accountId"] for a in self.simulator.get("/__control/state").json["accounts"] if a["userId"] == user)

    def refresh(self, connection):
        return self.post(f"/api/providers/{connection}/refresh")

    def chat(self, model, text="Hello", **more):
        return self.post("/v1/chat/completions",
                         {"model": model, "messages": [{"role": "user", "content": text}], **more})


class World(unittest.TestCase):
    """A simulator and a service for each test; `sim_options` and `settings` may be overridden by the class."""
    sim_options = ()
    settings = ()

    def setUp(self):
        self.work = tempfile.mkdtemp(prefix="omni-it-")
        self.addCleanup(shutil.rmtree, self.work, True)
        self.data = os.path.join(self.work, "data")
        os.mkdir(self.data, 0o700)
        self.sim = Simulator(*self.sim_options)
        self.addCleanup(self.sim.stop)
        self.gateway = Gateway(self.sim, self.data, self.settings)
        self.addCleanup(self.gateway.stop)

    def two_accounts(self):
        self.dev, self.pro = self.sim.account(email="dev@example.com"), self.sim.account(email="pro@example.com")
        self.dev_id = self.gateway.import_account(self.dev, "kiro-dev", region="eu-west-1")
        self.pro_id = self.gateway.import_account(self.pro, "kiro-pro")

    def combo(self, name="my-kiro", strategy="priority", models=("kiro/kiro-dev", "kiro/kiro-pro")):
        answer = self.gateway.post("/api/combos", {"name": name, "strategy": strategy, "models": list(models)})
        self.assertEqual(answer.status, 201, answer)
        return answer.json


def stream_events(body):
    """The data of each SSE event."""
    return [line[6:] for line in body.decode().split("\n") if line.startswith("data: ")]


def streamed_text(body):
    text = ""
    for data in stream_events(body):
        if data != "[DONE]":
            choices = json.loads(data).get("choices") or [{}]
            text += (choices[0].get("delta") or {}).get("content") or ""
    return text
