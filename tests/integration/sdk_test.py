"""What an author outside the tree does: install the SDK, build the template, check it, drop it in, restart, ask it."""
import http.server
import os
import shutil
import subprocess
import threading
import unittest

from harness import BUILD, PLUGINS, World


class Upstream(http.server.BaseHTTPRequestHandler):
    seen = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        Upstream.seen.append((self.headers["Authorization"], body.decode()))
        answer = b"You said: " + body
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


class OutOfTree(World):
    def run_tool(self, *command):
        done = subprocess.run(command, capture_output=True, text=True, timeout=500)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_the_template_is_built_checked_dropped_in_and_serves(self):
        prefix, built = os.path.join(self.work, "prefix"), os.path.join(self.work, "build")
        self.run_tool("cmake", "--install", BUILD, "--component", "sdk", "--prefix", prefix)
        source = os.path.join(self.work, "my-plugin")
        shutil.copytree(os.path.join(prefix, "share", "omniroute-sdk", "template"), source)
        self.run_tool("cmake", "-S", source, "-B", built, f"-DCMAKE_PREFIX_PATH={prefix}")
        self.run_tool("cmake", "--build", built)
        self.run_tool(os.path.join(prefix, "bin", "omniroute-plugin-check"),
                      os.path.join(built, "plugins", "template.plugin.json"), "--secret", "apiKey=example")

        folder = os.path.join(self.work, "plugins")
        os.mkdir(folder, 0o755)
        for place in (PLUGINS, os.path.join(built, "plugins")):
            for name in os.listdir(place):
                if name.endswith((".so", ".plugin.json")):
                    shutil.copy(os.path.join(place, name), folder)
                    os.chmod(os.path.join(folder, name), 0o644)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.shutdown)
        self.gateway.plugins = folder
        self.gateway.settings.append(f"plugins.template.endpoint=http://127.0.0.1:{server.server_port}/chat")
        self.gateway.restart()
        listed = {p["id"]: p for p in self.gateway.get("/api/plugins").json["plugins"]}
        self.assertEqual(listed["template"]["status"], "loaded", listed["template"])
        added = self.gateway.post("/api/oauth/template/import", {"apiKey": "key-one", "name": "one"})
        self.assertEqual(added.status, 200, added)
        self.assertEqual(self.gateway.post("/api/oauth/template/import", {"apiKey": "key-two", "name": "two"}).status, 200)
        for name in ("one", "two"):
            answer = self.gateway.post("/v1/chat/completions", {
                "model": f"template/{name}", "messages": [{"role": "user", "content": f"Hello {name}"}]})
            self.assertEqual(answer.status, 200, answer)
            self.assertEqual(answer.json["choices"][0]["message"]["content"], f"You said: Hello {name}")
        # Each call was made with its own account's secret.
        self.assertEqual(Upstream.seen, [("Bearer key-one", "Hello one"), ("Bearer key-two", "Hello two")])


if __name__ == "__main__":
    unittest.main()
