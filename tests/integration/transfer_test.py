"""Accounts out of one service into another, and out of other programs."""
import json
import os
import sqlite3
import subprocess
import tempfile
import unittest

from harness import Gateway, World

PASSPHRASE = "a passphrase for the tests"
STORAGE_KEY = "the-storage-key-of-omniroute"
# As OmniRoute encrypts its fields, by the same library.
ENCRYPT = """
const crypto = require('crypto');
const key = crypto.scryptSync(process.argv[1], 'omniroute-field-encryption-v1', 32);
const out = JSON.parse(process.argv[2]).map((text) => {
  const iv = crypto.randomBytes(16);
  const cipher = crypto.createCipheriv('aes-256-gcm', key, iv);
  const data = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return 'enc:v1:' + iv.toString('hex') + ':' + data.toString('hex') + ':' + cipher.getAuthTag().toString('hex');
});
console.log(JSON.stringify(out));
"""


def encrypted(*texts):
    done = subprocess.run(["node", "-e", ENCRYPT, STORAGE_KEY, json.dumps(texts)], check=True, capture_output=True)
    return json.loads(done.stdout)


class Transfer(World):
    def database(self, statements):
        path = os.path.join(self.work, "made.sqlite")
        if os.path.exists(path):
            os.unlink(path)
        connection = sqlite3.connect(path)
        for statement, *values in statements:
            connection.execute(statement, values)
        connection.commit()
        connection.close()
        with open(path, "rb") as file:
            return file.read()

    def send(self, kind, data, query="", **headers):
        return self.gateway.call("POST", f"/api/import/{kind}{query}", data,
                                 {"Content-Type": "application/octet-stream", **headers})

    def works(self, name):
        answer = self.gateway.chat(f"kiro/{name}")
        self.assertEqual(answer.status, 200, answer)

    def test_a_bundle_of_all_holds_the_combos_too(self):
        self.two_accounts()
        self.combo("outer-first", models=["kiro/kiro-pro"])
        self.combo()
        nested = self.gateway.post("/api/combos", {"name": "a-nested", "models": ["my-kiro", "kiro/kiro-pro"]})
        self.assertEqual(nested.status, 201, nested)
        exported = self.gateway.post("/api/export", {"passphrase": PASSPHRASE})
        self.assertEqual(exported.status, 200, exported)
        with tempfile.TemporaryDirectory(prefix="omni-it-") as work:
            data = os.path.join(work, "data")
            os.mkdir(data, 0o700)
            other = Gateway(self.sim, data)
            try:
                done = other.post("/api/import/bundle", {"passphrase": PASSPHRASE, "bundle": exported.json})
                self.assertEqual((done.status, done.json["imported"]), (200, 2), done)
                self.assertEqual({c["name"]: c["result"] for c in done.json["combos"]},
                                 {"outer-first": "imported", "my-kiro": "imported", "a-nested": "imported"})
                for combo in other.get("/api/combos").json["combos"]:
                    self.assertEqual(combo["missing"], [])
                answer = other.chat("a-nested")
                self.assertEqual(answer.status, 200, answer)
                self.assertIn("kiro-dev", answer.headers["x-omniroute-connection"])
                again = other.post("/api/import/bundle", {"passphrase": PASSPHRASE, "bundle": exported.json}).json
                self.assertEqual({c["result"] for c in again["combos"]}, {"skipped"})
                self.assertEqual(other.get("/api/combos").json["total"], 3)
            finally:
                other.stop()

    def test_a_bundle_moves_an_account_whole(self):
        self.two_accounts()
        exported = self.gateway.post("/api/export", {"passphrase": PASSPHRASE, "connections": ["kiro-dev"]})
        self.assertEqual(exported.status, 200, exported)
        for secret in (self.dev["refreshToken"], self.dev["accessToken"], PASSPHRASE):
            self.assertNotIn(secret.encode(), exported.body)
        before = self.gateway.record(self.dev_id)
        with tempfile.TemporaryDirectory(prefix="omni-it-") as work:
            data = os.path.join(work, "data")
            os.mkdir(data, 0o700)
            other = Gateway(self.sim, data)
            try:
                wrong = other.post("/api/import/bundle", {"passphrase": PASSPHRASE + "x", "bundle": exported.json})
                self.assertEqual(wrong.status, 400, wrong)
                self.assertEqual(other.get("/api/providers").json["total"], 0)
                done = other.post("/api/import/bundle", {"passphrase": PASSPHRASE, "bundle": exported.json})
                self.assertEqual((done.status, done.json["imported"]), (200, 1), done)
                after = other.record(self.dev_id)
                self.assertEqual(after["name"], "kiro-dev")
                self.assertEqual(after["providerSpecificData"]["clientId"], before["providerSpecificData"]["clientId"])
                self.assertEqual(other.refresh(self.dev_id).status, 200)
                self.assertEqual(other.chat("kiro/kiro-dev").status, 200)
                again = other.post("/api/import/bundle", {"passphrase": PASSPHRASE, "bundle": exported.json}).json
                self.assertEqual((again["skipped"], again["results"][0]["connectionId"]), (1, self.dev_id))
            finally:
                other.stop()

    def test_omniroutes_database_with_encrypted_fields(self):
        dev, pro = self.sim.account(email="dev@example.com"), self.sim.account(email="pro@example.com")
        refresh, access = encrypted(dev["refreshToken"], dev["accessToken"])
        specific = json.dumps({"authMethod": "imported", "provider": "Imported", "region": "us-east-1"})
        data = self.database([
            ("CREATE TABLE provider_connections(id TEXT PRIMARY KEY, provider TEXT, auth_type TEXT, name TEXT, email TEXT,"
             " is_active INTEGER, access_token TEXT, refresh_token TEXT, api_key TEXT, expires_at TEXT,"
             " provider_specific_data TEXT)",),
            ("INSERT INTO provider_connections VALUES('1','kiro','oauth','old-dev',?,1,?,?,NULL,'2000-01-01T00:00:00Z',?)",
             "dev@example.com", access, refresh, specific),
            ("INSERT INTO provider_connections VALUES('2','kiro','oauth','old-pro',?,0,NULL,?,NULL,NULL,?)",
             "pro@example.com", pro["refreshToken"], specific),
            ("INSERT INTO provider_connections VALUES('3','openai','apikey','o',NULL,1,NULL,NULL,'sk-x',NULL,NULL)",)])
        missing = self.send("omniroute", data, "?rotate=true")
        self.assertEqual(missing.status, 400, missing)
        self.assertEqual(self.gateway.get("/api/providers").json["total"], 0)
        # Without permission to rotate nothing is refreshed at all, and each item says why.
        self.sim.call("DELETE", "/__control/requests")
        report = self.send("omniroute", data, **{"X-OmniRoute-Storage-Key": STORAGE_KEY}).json
        self.assertEqual((report["imported"], report["refused"]), (0, 3), report)
        self.assertEqual([r for r in self.sim.requests() if "token" in r["path"].lower()], [])
        report = self.send("omniroute", data, "?rotate=true", **{"X-OmniRoute-Storage-Key": STORAGE_KEY}).json
        self.assertEqual((report["imported"], report["refused"]), (2, 1), report)
        self.assertNotIn(dev["refreshToken"], json.dumps(report))
        self.works("old-dev")
        self.assertEqual(self.gateway.record(report["results"][1]["connectionId"])["state"]["name"], "disabled")
        self.assertIn("openai", report["results"][2]["reason"])
        again = self.send("omniroute", data, **{"X-OmniRoute-Storage-Key": "wrong"})
        self.assertEqual(again.json["imported"], 0, again)
        self.assertNotIn(STORAGE_KEY, self.gateway.log())

    def test_9routers_database(self):
        dev = self.sim.account(email="dev@example.com")
        data = self.database([
            ("CREATE TABLE providerConnections(id TEXT PRIMARY KEY, provider TEXT NOT NULL, authType TEXT NOT NULL,"
             " name TEXT, email TEXT, priority INTEGER, isActive INTEGER, data TEXT NOT NULL)",),
            ("INSERT INTO providerConnections VALUES('1','kiro','oauth','nine',NULL,1,1,?)",
             json.dumps({"refreshToken": dev["refreshToken"], "providerSpecificData": {"authMethod": "imported"}}))])
        report = self.send("9router", data, "?rotate=true")
        self.assertEqual(report.json["imported"], 1, report)
        self.works("nine")

    def test_an_account_managers_list_is_shared_unless_it_may_rotate(self):
        idc = self.sim.account(kind="idc", email="a@example.com")
        entry = {"nickname": "work", "email": "a@example.com", "idp": "Enterprise", "credentials": {
            "accessToken": idc["accessToken"], "refreshToken": idc["refreshToken"], "clientId": idc["clientId"],
            "clientSecret": idc["clientSecret"], "region": "us-east-1", "authMethod": "IdC",
            "expiresAt": 4102444800000}}
        self.sim.call("DELETE", "/__control/requests")
        report = self.gateway.post("/api/import/accounts", {"accounts": [entry, {"nickname": "empty"}]})
        self.assertEqual(report.status, 200, report)
        first, second = report.json["results"]
        self.assertEqual((first["result"], first["isolation"], second["result"]), ("imported", "shared", "refused"))
        self.assertIn("shares", first["note"])
        self.assertEqual([r for r in self.sim.requests() if r["path"].endswith("/token")], [])
        self.works("work")
        again = self.gateway.post("/api/import/accounts", {"accounts": [entry]}).json["results"][0]
        self.assertEqual((again["result"], again["connectionId"]), ("skipped", first["connectionId"]), again)

    def test_what_is_no_database_is_refused(self):
        for data in (b"", b"nonsense", b"SQLite format 3\0" + b"x" * 4096):
            self.assertEqual(self.send("omniroute", data).status, 400)
        self.assertEqual(self.gateway.post("/api/import/accounts", {}).status, 400)


if __name__ == "__main__":
    unittest.main()
