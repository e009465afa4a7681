// The OpenAI-compatible provider against a server that somebody else wrote (@dwmkerr/mock-llm answers with what it was asked):
// alone in each API, and in one combo with Kiro, from Kiro to it and back.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import OpenAI from "openai";
import { startGateway, until } from "./gateway.js";

let gateway, server, client;

async function freePort() {
  const probe = createServer();
  await new Promise((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

before(async () => {
  gateway = await startGateway();
  const port = await freePort();
  const program = fileURLToPath(new URL("node_modules/@dwmkerr/mock-llm/dist/main.js", import.meta.url));
  server = spawn(process.execPath, [program], { env: { ...process.env, HOST: "127.0.0.1", PORT: String(port) }, stdio: "ignore" });
  const base = `http://127.0.0.1:${port}`;
  await until(async () => server.exitCode !== null || (await fetch(`${base}/v1/models`).catch(() => null))?.ok, "the model server");
  assert.equal(server.exitCode, null);
  await gateway.call("POST", "/api/oauth/openai/import", { name: "theirs", baseUrl: `${base}/v1` });
  client = new OpenAI({ baseURL: `${gateway.base}/v1`, apiKey: "unused", maxRetries: 0 });
});

after(async () => {
  server?.kill();
  await gateway?.stop();
});

const ask = (model, content, more = {}) =>
  client.chat.completions.create({ model, messages: [{ role: "user", content }], ...more }).withResponse();

test("whole, streamed, and in the words of the other two APIs", async () => {
  const whole = await ask("openai/theirs/gpt-4", "Hello there");
  assert.equal(whole.data.choices[0].message.content, "Hello there");
  const streamed = await ask("openai/theirs/gpt-4", "one two three", { stream: true });
  let text = "", finish;
  for await (const chunk of streamed.data) {
    text += chunk.choices[0]?.delta?.content ?? "";
    finish = chunk.choices[0]?.finish_reason ?? finish;
  }
  assert.equal(text.trim(), "one two three");
  assert.equal(finish, "stop");
  const message = await gateway.call("POST", "/v1/messages",
    { model: "openai/theirs/gpt-4", max_tokens: 50, messages: [{ role: "user", content: "Hello" }] });
  assert.equal(message.content[0].text, "Hello");
  const response = await gateway.call("POST", "/v1/responses", { model: "openai/theirs/gpt-4", input: "Hello" });
  assert.equal(response.output.at(-1).content[0].text, "Hello");
});

test("a combo falls from Kiro to it and goes back", async () => {
  await gateway.call("POST", "/api/combos", { name: "mixed", models: ["kiro/dev", "openai/theirs/gpt-4"] });
  const servedBy = (answer) => answer.response.headers.get("x-omniroute-connection");
  assert.equal(servedBy(await ask("mixed", "first")), "dev");
  await gateway.sim.control("POST", "/faults", { target: "data", mode: "status", status: 503, count: -1, body: { message: "down" } });
  const fallen = await ask("mixed", "second");
  assert.equal(servedBy(fallen), "theirs");
  assert.equal(fallen.data.choices[0].message.content, "second");
  await gateway.sim.control("DELETE", "/faults");
  assert.equal(servedBy(await ask("mixed", "third")), "dev");
  server.kill();
  assert.equal(servedBy(await ask("mixed", "fourth")), "dev", "that the fall-back is gone hurts nobody");
});
