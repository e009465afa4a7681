"""Runs every command of docs/guides/kiro.md, in order, against scripts/sandbox."""
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

from harness import BUILD, Client

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Guide(unittest.TestCase):
    guide = "docs/guides/kiro.md"

    def test_every_command_works_as_it_stands(self):
        with open(os.path.join(ROOT, self.guide)) as file:
            blocks = BLOCK.findall(file.read())
        self.assertGreater(len(blocks), 30, "the guide was not understood")
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
        company = sim.post("/__control/accounts", {"kind": "external_idp", "email": "me@company.example"}).json
        ide = sim.post("/__control/accounts", {"kind": "social", "email": "ide@example.com"}).json
        work = tempfile.mkdtemp(prefix="omni-guide-")
        self.addCleanup(subprocess.run, ["rm", "-rf", work])
        ends = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() + 3600))
        cache = os.path.join(work, ".aws/sso/cache")
        os.makedirs(cache)
        with open(os.path.join(cache, "kiro-auth-token.json"), "w") as file:
            json.dump({"accessToken": ide["accessToken"], "refreshToken": ide["refreshToken"], "profileArn": ide["profileArn"],
                       "expiresAt": ends, "authMethod": "social", "provider": "Google"}, file)
        idp = os.path.join(work, "company.json")
        with open(idp, "w") as file:
            json.dump({"accessToken": company["accessToken"], "refreshToken": company["refreshToken"], "expiresAt": ends,
                       "authMethod": "external_idp", "provider": "ExternalIdp", "clientId": "app", "scopes": "a offline_access",
                       "tokenEndpoint": where["simulator"] + "/idp/token"}, file)
        environment = {**os.environ, "OMNIROUTE": where["gateway"], "REFRESH_TOKEN": token, "KIRO_API_KEY": key, "HOME": work,
                       "IDP_TOKEN_FILE": idp, "OMNIROUTE_PLUGINS_DIR": os.path.join(BUILD, "plugins"),
                       "PATH": os.path.join(BUILD, "bin") + os.pathsep + os.environ["PATH"]}
        gateway = Client(where["gateway"])

        def person_of(connection):
            user = gateway.get(f"/api/providers/{connection}").json["providerSpecificData"]["userId"]
            return next(a["accountId"] for a in sim.get("/__control/state").json["accounts"] if a["userId"] == user)

        for number, block in enumerate(blocks, 1):
            # An account is signed in anew by the person that it is of.
            if "NEW_REFRESH_TOKEN" in block:
                environment["NEW_REFRESH_TOKEN"] = sim.post(f"/__control/accounts/{person_of('kiro-pro')}/signin").json["refreshToken"]
            if '"mode":"replace","connectionId":"kiro-dev"' in block:
                sim.post("/__control/policy", {"autoApproveAs": person_of("kiro-dev")})
            if "CALLBACK_URL" in block:  # the person has opened the page, and copies where the browser ended
                with open(os.path.join(work, "signin.json")) as file:
                    page = urllib.parse.urlsplit(json.load(file)["url"])
                environment["CALLBACK_URL"] = sim.get(f"/portal/signin?{page.query}").headers["location"]
            with self.subTest(block=number, first=block.split("\n")[0]):
                run = subprocess.run(["bash", "-euo", "pipefail", "-c", block], cwd=work, env=environment, timeout=120,
                                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
                self.assertEqual(run.returncode, 0, f"{block}\n{run.stdout}")
                self.assertTrue(run.stdout.strip() or "signin.json" in block, f"says nothing: {block}")
                self.assertNotIn(token[:40], run.stdout)


if __name__ == "__main__":
    unittest.main()
