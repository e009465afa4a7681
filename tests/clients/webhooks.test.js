// What receivers do with a webhook of the service: the reference library of Standard Webhooks verifies it.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { Webhook } from "standardwebhooks";
import { startGateway, until } from "./gateway.js";

let gateway, receiver, secret;
const got = [];

before(async () => {
  gateway = await startGateway();
  receiver = createServer(async (request, response) => {
    let body = "";
    for await (const piece of request) body += piece;
    got.push({ headers: request.headers, body });
    response.writeHead(204).end();
  }).listen(0, "127.0.0.1");
  await once(receiver, "listening");
  const made = await gateway.call("POST", "/api/webhooks", { name: "theirs", url: `http://127.0.0.1:${receiver.address().port}/` });
  secret = made.secret;
});

after(async () => {
  receiver?.close();
  receiver?.closeAllConnections();
  await gateway?.stop();
});

test("the reference library verifies an event and refuses a forged one", async () => {
  const { connections } = await gateway.call("GET", "/api/providers");
  await gateway.call("PATCH", `/api/providers/${connections[0].id}`, { isActive: false });
  await until(() => got.length > 0, "the event");
  const [event] = got;
  const read = new Webhook(secret).verify(event.body, event.headers);
  assert.equal(read.type, "account.disabled");
  assert.equal(read.data.account.name, "dev");
  assert.deepEqual([read.data.from, read.data.to], ["active", "disabled"]);
  assert.throws(() => new Webhook(secret).verify(event.body.replace("dev", "pro"), event.headers));
  const another = (await gateway.call("PATCH", "/api/webhooks/theirs", { rotateSecret: true })).secret;
  assert.throws(() => new Webhook(another).verify(event.body, event.headers));
});
