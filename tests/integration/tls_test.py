"""The TLS listener: chats and log-ins over it, a certificate renewed while serving, settings that cannot serve."""
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess

from harness import OMNIROUTED, World, wait_for


def certificate(folder, name, days=90):
    """A self-signed certificate for this machine; the paths of chain and key."""
    chain, key = os.path.join(folder, f"{name}.crt"), os.path.join(folder, f"{name}.key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", str(days),
                    "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", key, "-out", chain],
                   check=True, capture_output=True)
    os.chmod(key, 0o600)
    return chain, key


class Tls(World):
    def setUp(self):
        super().setUp()
        self.chain, self.key = certificate(self.work, "first")
        self.gateway.settings += [f"server.tls.certificate={self.chain}", f"server.tls.key={self.key}", "server.tls.port=0"]
        self.gateway.restart()
        with open(os.path.join(self.data, "..", "ready.json")) as file:
            self.tls_port = json.load(file)["tlsPort"]

    def trust(self, chain):
        context = ssl.create_default_context(cafile=chain)
        context.check_hostname = True
        return context

    def ask(self, method, path, body=None, headers=None, chain=None):
        connection = http.client.HTTPSConnection("127.0.0.1", self.tls_port, timeout=30, context=self.trust(chain or self.chain))
        try:
            connection.request(method, path, None if body is None else json.dumps(body),
                               {"Content-Type": "application/json", **(headers or {})})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            connection.close()

    def test_a_chat_streams_over_tls_and_the_plain_port_goes_on(self):
        self.two_accounts()
        self.sim.turn(text="over a safe line")
        status, headers, body = self.ask("POST", "/v1/chat/completions", {
            "model": "kiro/kiro-dev", "stream": True, "messages": [{"role": "user", "content": "Hi"}]})
        self.assertEqual(status, 200, body)
        said = "".join(choice["delta"].get("content") or "" for line in body.splitlines()
                       if line.startswith("data: {") for choice in json.loads(line[6:])["choices"])
        self.assertEqual(said, "over a safe line")
        self.assertTrue(body.rstrip().endswith("data: [DONE]"))
        self.assertEqual(self.gateway.get("/api/health").status, 200)

    def test_the_session_cookie_is_for_tls_only(self):
        self.assertEqual(self.gateway.call("PUT", "/api/settings/password", {"password": "long enough"}).status, 200)
        status, headers, _ = self.ask("POST", "/api/auth/login", {"password": "long enough"})
        self.assertEqual(status, 200)
        cookie = headers["Set-Cookie"]
        self.assertTrue(cookie.startswith("__Host-omniroute_session="), cookie.split("=")[0])
        self.assertIn("; Secure", cookie)
        self.assertEqual(self.ask("GET", "/api/providers", headers={"Cookie": cookie.split(";")[0]})[0], 200)
        self.assertEqual(self.ask("GET", "/api/providers")[0], 401)

    def test_a_renewed_certificate_is_shown_after_sighup_and_a_bad_one_is_not(self):
        second, second_key = certificate(self.work, "second", days=10)
        self.assertNotIn("runs out soon", self.gateway.log())
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.ask("GET", "/api/health", chain=second)
        os.replace(second_key, self.key)
        with open(second) as fresh, open(self.chain, "w") as place:
            place.write(fresh.read())
        self.gateway.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "configuration reloaded" in self.gateway.log(), 10, "the reload")
        self.assertEqual(self.ask("GET", "/api/health", chain=second)[0], 200)
        self.assertIn("runs out soon", self.gateway.log())
        with open(self.chain, "w") as place:
            place.write("broken")
        self.gateway.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "certificate of before stays in use" in self.gateway.log(), 10, "the refusal in the log")
        self.assertEqual(self.ask("GET", "/api/health", chain=second)[0], 200)

    def test_plain_http_on_the_tls_port_is_told_so(self):
        with socket.create_connection(("127.0.0.1", self.tls_port), timeout=10) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.assertIn(b"https://", plain.recv(4096))

    def test_the_command_line_speaks_to_it(self):
        command = [os.path.join(os.path.dirname(OMNIROUTED), "omniroute"), "--url", f"https://127.0.0.1:{self.tls_port}", "status", "--json"]
        shown = subprocess.run(command, env=dict(os.environ, SSL_CERT_FILE=self.chain), capture_output=True, text=True, timeout=60)
        self.assertEqual(shown.returncode, 0, shown.stderr)
        stranger = subprocess.run(command, capture_output=True, text=True, timeout=60)
        self.assertNotEqual(stranger.returncode, 0, "a certificate of nobody was trusted")
        self.assertIn("SSL_CERT_FILE", stranger.stderr)

    def test_what_cannot_serve_refuses_the_start(self):
        for number, (settings, expected) in enumerate(((["server.tls.certificate=" + self.chain], "go together"),
                                   (["server.tls.certificate=/nowhere.pem", "server.tls.key=" + self.key], "/nowhere.pem"),
                                   (["server.tls.certificate=" + self.chain, "server.tls.key=" + self.chain], "private key"),
                                   (["server.tls.certificate=" + self.chain, "server.tls.key=" + self.key,
                                     "server.tls.address=0.0.0.0"], "server.tls.address = 0.0.0.0 can be reached"))):
            with self.subTest(expected):
                other = os.path.join(self.work, f"other{number}")
                os.mkdir(other, 0o700)
                command = [OMNIROUTED, "--set", "server.port=0", "--set", f"data.dir={other}", "--set", f"plugins.dir={self.gateway.plugins}"]
                for setting in settings:
                    command += ["--set", setting]
                ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
                self.assertEqual(ended.returncode, 78, ended)
                self.assertIn(expected, ended.stderr)
