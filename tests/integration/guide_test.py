"""Runs every command of docs/guides/kiro.md, in order, against scripts/sandbox."""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

from harness import BUILD, Client

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Guide(unittest.TestCase):
    guide = "docs/guides/kiro.md"

    def test_every_command_works_as_it_stands(self):
        with open(os.path.join(ROOT, self.guide)) as file:
            blocks = BLOCK.findall(file.read())
        self.assertGreater(len(blocks), 15, "the guide was not understood")
        sandbox = subprocess.Popen([sys.executable, os.path.join(ROOT, "scripts", "sandbox"), "--build", BUILD],
                                   stdout=subprocess.PIPE, text=True)
        self.addCleanup(sandbox.stdout.close)
        self.addCleanup(sandbox.wait, 60)
        self.addCleanup(sandbox.terminate)
        where = json.loads(sandbox.stdout.readline())
        sim = Client(where["simulator"])
        # The person who reads the guide: agrees to every sign-in, and has a token and a key.
        self.assertEqual(sim.post("/__control/policy", {"autoApprove": True}).status, 200)
        token = sim.post("/__control/accounts", {"kind": "social", "email": "me@example.com"}).json["refreshToken"]
        key = sim.post("/__control/accounts", {"kind": "api_key", "email": "key@example.com"}).json["apiKey"]
        work = tempfile.mkdtemp(prefix="omni-guide-")
        self.addCleanup(subprocess.run, ["rm", "-rf", work])
        environment = {**os.environ, "OMNIROUTE": where["gateway"], "REFRESH_TOKEN": token, "KIRO_API_KEY": key, "HOME": work}
        for number, block in enumerate(blocks, 1):
            with self.subTest(block=number, first=block.split("\n")[0]):
                run = subprocess.run(["bash", "-euo", "pipefail", "-c", block], cwd=work, env=environment, timeout=120,
                                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
                self.assertEqual(run.returncode, 0, f"{block}\n{run.stdout}")
                self.assertTrue(run.stdout.strip() or "signin.json" in block, f"says nothing: {block}")
                self.assertNotIn(token[:40], run.stdout)


if __name__ == "__main__":
    unittest.main()
