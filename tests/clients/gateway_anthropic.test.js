// Anthropic's own client against the gateway.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { MODEL, PNG, startGateway, until } from "./gateway.js";

let gateway;
let sim;
let client;

before(async () => {
  gateway = await startGateway();
  sim = gateway.sim;
  client = new Anthropic({ baseURL: gateway.base, apiKey: "unused", maxRetries: 0 });
});
after(async () => assert.equal(await gateway.stop(), 0));
beforeEach(async () => {
  await sim.control("DELETE", "/turns");
  await sim.control("DELETE", "/faults");
  await sim.control("DELETE", "/requests");
});

const messages = [{ role: "user", content: "hello there" }];
const base = { model: MODEL, max_tokens: 4096 };
const tools = [{
  name: "get_weather",
  description: "The weather of a city",
  input_schema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
}];

test("models, with pages", async () => {
  const ids = [];
  for await (const model of client.models.list({ limit: 1 })) {
    assert.equal(model.type, "model");
    ids.push(model.id);
  }
  assert.ok(ids.length > 1, ids.join());
  assert.equal((await client.models.retrieve(ids[0])).id, ids[0]);
});

test("a whole message", async () => {
  const { data, response } = await client.messages.create({ ...base, messages, system: "be brief" }).withResponse();
  // The simulator repeats what reached it as the user's text: Kiro has no place of its own for a system text.
  assert.deepEqual(data.content, [{ type: "text", text: "You said: be brief\n\nhello there" }]);
  assert.equal(data.stop_reason, "end_turn");
  assert.ok(data.usage.output_tokens > 0);
  assert.equal(data._request_id, response.headers.get("request-id"));
  assert.ok(data._request_id);
});

test("tokens are counted", async () => {
  const { input_tokens } = await client.messages.countTokens({ model: MODEL, messages, tools });
  assert.ok(input_tokens > 10);
});

test("a stream through the helper, with thinking that is replayed byte for byte", async () => {
  await sim.turn({ reasoning: "let me think", text: "Let me see.",
    toolCalls: [{ name: "get_weather", toolUseId: "t1", input: { city: "Oslo" }, fragment: 3 }] });
  await sim.turn({ text: "Rain." });
  const thinking = { type: "enabled", budget_tokens: 2048 };
  const stream = client.messages.stream({ ...base, messages, tools, thinking });
  let text = "";
  let thought = "";
  stream.on("text", (delta) => (text += delta)).on("thinking", (delta) => (thought += delta));
  const first = await stream.finalMessage();
  assert.equal(thought, "let me think");
  assert.equal(text, "Let me see.");
  assert.equal(first.stop_reason, "tool_use");
  assert.deepEqual(first.content.map((block) => block.type), ["thinking", "text", "tool_use"]);
  // The simulator signs the text itself and refuses a signature that does not belong to it.
  const { signature } = first.content[0];
  assert.ok(signature.length > 16, signature);
  assert.deepEqual(first.content[2].input, { city: "Oslo" });
  const second = await client.messages.create({ ...base, tools, thinking, messages: [
    ...messages,
    { role: "assistant", content: first.content },
    { role: "user", content: [{ type: "tool_result", tool_use_id: "t1", content: "rain" }] },
  ] });
  assert.deepEqual(second.content, [{ type: "text", text: "Rain." }]);
  const chats = await gateway.chats();
  assert.equal(chats.length, 2, "taken at the first try");
  assert.ok(JSON.stringify(chats.at(-1)).includes(signature), "the signature went back upstream");
});

test("a loop of several turns with parallel tools", async () => {
  await sim.turn({ toolCalls: [
    { name: "get_weather", toolUseId: "t1", input: { city: "Oslo" } },
    { name: "get_weather", toolUseId: "t2", input: { city: "Tromsø" } }] });
  await sim.turn({ toolCalls: [{ name: "get_weather", toolUseId: "t3", input: { city: "Bodø" } }] });
  await sim.turn({ text: "Rain everywhere." });
  const talk = [...messages];
  const asked = [];
  for (let turn = 0; turn < 5; ++turn) {
    const message = await client.messages.stream({ ...base, tools, messages: talk }).finalMessage();
    talk.push({ role: "assistant", content: message.content });
    if (message.stop_reason !== "tool_use") break;
    talk.push({ role: "user", content: message.content.filter((b) => b.type === "tool_use").map((b) => {
      asked.push(b.input.city);
      return { type: "tool_result", tool_use_id: b.id, content: [{ type: "text", text: `rain in ${b.input.city}` }] };
    }) });
  }
  assert.deepEqual(asked, ["Oslo", "Tromsø", "Bodø"]);
  assert.deepEqual(talk.at(-1).content, [{ type: "text", text: "Rain everywhere." }]);
});

test("pictures, also from a tool", async () => {
  const image = { type: "image", source: { type: "base64", media_type: "image/png", data: PNG } };
  await client.messages.create({ ...base, tools, messages: [
    { role: "user", content: [image, { type: "text", text: "what is this?" }] },
    { role: "assistant", content: [{ type: "tool_use", id: "t1", name: "get_weather", input: { city: "Oslo" } }] },
    { role: "user", content: [{ type: "tool_result", tool_use_id: "t1", content: [image] }] },
  ] });
  const [chat] = await gateway.chats();
  assert.equal(JSON.stringify(chat).split(PNG).length - 1, 2);
});

test("errors have their classes and Anthropic's types", async () => {
  const refused = async (request, type, name) => {
    await assert.rejects(client.messages.create(request), (error) => {
      assert.ok(error instanceof type, `${error.constructor.name}: ${error.message}`);
      assert.equal(error.error.type, "error");
      assert.equal(error.error.error.type, name);
      assert.ok(error.requestID);
      return true;
    });
  };
  await refused({ ...base, messages: [] }, Anthropic.BadRequestError, "invalid_request_error");
  await refused({ ...base, messages, tools: [{ type: "web_search_20250305", name: "web_search" }] },
    Anthropic.BadRequestError, "invalid_request_error");
  await refused({ ...base, model: "kiro-nobody", messages }, Anthropic.NotFoundError, "not_found_error");
  assert.equal((await gateway.chats()).length, 0, "none of these reached the provider");
  // Of a provider's own names the provider is asked: Kiro's list is not complete, old ids still work.
  await refused({ ...base, model: "kiro/nobody", messages }, Anthropic.NotFoundError, "not_found_error");
});

test("a stream that breaks raises", async () => {
  await sim.turn({ text: "one two three four", exception: { at: 3, type: "error", message: "broken" } });
  await assert.rejects(client.messages.stream({ ...base, messages }).finalMessage(), Anthropic.APIError);
});

test("an abort reaches the provider", async () => {
  await sim.turn({ text: "a ".repeat(2000), delayMs: 20 });
  const stream = client.messages.stream({ ...base, messages });
  await new Promise((resolve) => stream.once("text", resolve));
  stream.abort();
  await assert.rejects(stream.done(), Anthropic.APIUserAbortError);
  await until(async () => (await sim.control("GET", "/health")).activeStreams === 0, "the provider's stream to end");
});
