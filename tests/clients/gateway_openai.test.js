// OpenAI's own client against the gateway: chat completions and responses.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import OpenAI from "openai";
import { zodResponseFormat, zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";
import { MODEL, PNG, startGateway, until } from "./gateway.js";

let gateway;
let sim;
let client;

before(async () => {
  gateway = await startGateway();
  sim = gateway.sim;
  client = new OpenAI({ baseURL: `${gateway.base}/v1`, apiKey: "unused", maxRetries: 0 });
});
after(async () => assert.equal(await gateway.stop(), 0));
beforeEach(async () => {
  await sim.control("DELETE", "/turns");
  await sim.control("DELETE", "/faults");
  await sim.control("DELETE", "/requests");
});

const messages = [{ role: "user", content: "hello there" }];
const weather = {
  type: "function",
  function: {
    name: "get_weather",
    description: "The weather of a city",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};

test("models, and one model", async () => {
  const ids = [];
  for await (const model of client.models.list()) ids.push(model.id);
  assert.ok(ids.some((id) => id.startsWith("kiro/")), ids.join());
  assert.equal((await client.models.retrieve(ids[0])).id, ids[0]);
  await assert.rejects(client.models.retrieve("nobody/none"), OpenAI.NotFoundError);
});

test("a whole chat answer with usage", async () => {
  const { data, response } = await client.chat.completions.create({ model: MODEL, messages }).withResponse();
  assert.equal(data.choices[0].message.content, "You said: hello there");
  assert.equal(data.choices[0].finish_reason, "stop");
  assert.equal(data.usage.total_tokens, data.usage.prompt_tokens + data.usage.completion_tokens);
  assert.ok(response.headers.get("x-request-id"));
  assert.equal(response.headers.get("x-omniroute-connection"), "dev");
});

test("a streamed chat answer through the helper", async () => {
  await sim.turn({ text: "one two three" });
  const stream = client.chat.completions.stream({ model: MODEL, messages, stream_options: { include_usage: true } });
  let text = "";
  stream.on("content", (delta) => (text += delta));
  const final = await stream.finalChatCompletion();
  assert.equal(text, "one two three");
  assert.equal(final.choices[0].message.content, text);
  assert.ok((await stream.totalUsage()).total_tokens > 0);
});

test("reasoning comes as reasoning_content", async () => {
  await sim.turn({ reasoning: "let me think", signature: "c2lnbmF0dXJl", text: "done" });
  let reasoning = "";
  const stream = await client.chat.completions.create({ model: MODEL, messages, stream: true, reasoning_effort: "high" });
  for await (const chunk of stream) reasoning += chunk.choices[0]?.delta.reasoning_content ?? "";
  assert.equal(reasoning, "let me think");
});

test("the tool runner over several turns, with parallel calls", async () => {
  await sim.turn({
    text: "Let me see.",
    toolCalls: [
      { name: "get_weather", toolUseId: "t1", input: { city: "Oslo" } },
      { name: "get_weather", toolUseId: "t2", input: { city: "Tromsø" } },
    ],
  });
  await sim.turn({ toolCalls: [{ name: "get_weather", toolUseId: "t3", input: { city: "Bodø" }, fragment: 3 }] });
  await sim.turn({ text: "Rain everywhere." });
  const asked = [];
  const runner = client.chat.completions.runTools({
    model: MODEL,
    stream: true,
    messages,
    tools: [{
      type: "function",
      function: {
        ...weather.function,
        parse: JSON.parse,
        function: ({ city }) => {
          asked.push(city);
          return `rain in ${city}`;
        },
      },
    }],
  });
  assert.equal(await runner.finalContent(), "Rain everywhere.");
  assert.deepEqual(asked.sort(), ["Bodø", "Oslo", "Tromsø"]);
  const chats = await gateway.chats();
  assert.equal(chats.length, 3);
  const results = chats[1].conversationState.currentMessage.userInputMessage.userInputMessageContext.toolResults;
  assert.deepEqual(results.map((r) => r.toolUseId), ["t1", "t2"]);
});

test("structured output", async () => {
  await sim.turn({ text: '{"city":"Oslo","degrees":4}' });
  const Weather = z.object({ city: z.string(), degrees: z.number() });
  const answer = await client.chat.completions.parse({
    model: MODEL, messages, response_format: zodResponseFormat(Weather, "weather"),
  });
  assert.deepEqual(answer.choices[0].message.parsed, { city: "Oslo", degrees: 4 });
});

test("a picture", async () => {
  await client.chat.completions.create({
    model: MODEL,
    messages: [{
      role: "user",
      content: [
        { type: "text", text: "what is this?" },
        { type: "image_url", image_url: { url: `data:image/png;base64,${PNG}` } },
      ],
    }],
  });
  const [chat] = await gateway.chats();
  const { images } = chat.conversationState.currentMessage.userInputMessage;
  assert.deepEqual(images, [{ format: "png", source: { bytes: PNG } }]);
});

test("errors have their classes", async () => {
  await assert.rejects(client.chat.completions.create({ model: MODEL, messages: [] }), (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.equal(error.param, "messages");
    return true;
  });
  await assert.rejects(client.chat.completions.create({ model: MODEL, messages, n: 2 }), (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.equal(error.param, "n");
    return true;
  });
  await assert.rejects(client.chat.completions.create({ model: "kiro-nobody", messages }), OpenAI.NotFoundError);
  assert.equal((await gateway.chats()).length, 0, "none of these reached the provider");
  // Of a provider's own names the provider is asked: Kiro's list is not complete, old ids still work.
  await assert.rejects(client.chat.completions.create({ model: "kiro/nobody", messages }), OpenAI.NotFoundError);
});

test("a stream that breaks raises instead of ending", async () => {
  await sim.turn({ text: "one two three four", exception: { at: 3, type: "error", message: "broken" } });
  const stream = await client.chat.completions.create({ model: MODEL, messages, stream: true });
  await assert.rejects(async () => {
    for await (const chunk of stream) assert.ok(chunk);
  }, OpenAI.APIError);
});

test("an abort reaches the provider", async () => {
  await sim.turn({ text: "a ".repeat(2000), delayMs: 20 });
  const stream = await client.chat.completions.create({ model: MODEL, messages, stream: true });
  for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break;
  stream.controller.abort();
  await until(async () => (await sim.control("GET", "/health")).activeStreams === 0, "the provider's stream to end");
});

test("responses: whole, with instructions and history", async () => {
  const answer = await client.responses.create({
    model: MODEL,
    instructions: "be brief",
    input: [
      { role: "user", content: "hi" },
      { role: "assistant", content: "hello" },
      { role: "user", content: [{ type: "input_text", text: "and now" }] },
    ],
  });
  assert.equal(answer.status, "completed");
  assert.equal(answer.output_text, "You said: and now");
  assert.ok(answer.usage.total_tokens > 0);
});

test("responses: the stream helper and a function loop with reasoning", async () => {
  await sim.turn({
    reasoning: "think", signature: "c2lnbmF0dXJl", text: "Let me see.",
    toolCalls: [{ name: "get_weather", toolUseId: "t1", input: { city: "Oslo" }, fragment: 4 }],
  });
  await sim.turn({ text: "Rain in Oslo." });
  const tools = [{ type: "function", strict: false, ...weather.function }];
  const input = [{ role: "user", content: "weather?" }];
  const common = { model: MODEL, tools, include: ["reasoning.encrypted_content"], reasoning: { effort: "high" } };
  const stream = client.responses.stream({ ...common, input });
  const types = [];
  for await (const event of stream) types.push(event.type);
  const first = await stream.finalResponse();
  assert.equal(types[0], "response.created");
  assert.equal(types.at(-1), "response.completed");
  assert.deepEqual(first.output.map((item) => item.type), ["reasoning", "message", "function_call"]);
  assert.equal(first.output[0].encrypted_content, "c2lnbmF0dXJl");
  const call = first.output[2];
  assert.deepEqual(JSON.parse(call.arguments), { city: "Oslo" });
  input.push(...first.output, { type: "function_call_output", call_id: call.call_id, output: "rain" });
  const second = await client.responses.stream({ ...common, input }).finalResponse();
  assert.equal(second.output_text, "Rain in Oslo.");
});

test("responses: structured output, errors and what is not stored", async () => {
  await sim.turn({ text: '{"city":"Oslo"}' });
  const parsed = await client.responses.parse({
    model: MODEL, input: "where?", text: { format: zodTextFormat(z.object({ city: z.string() }), "place") },
  });
  assert.deepEqual(parsed.output_parsed, { city: "Oslo" });
  await assert.rejects(
    client.responses.create({ model: MODEL, input: "x", previous_response_id: parsed.id }),
    (error) => error instanceof OpenAI.BadRequestError && error.param === "previous_response_id");
});

test("responses: a stream that breaks ends as failed", async () => {
  await sim.turn({ text: "one two three four", exception: { at: 3, type: "error", message: "broken" } });
  const types = [];
  for await (const event of await client.responses.create({ model: MODEL, input: "x", stream: true }))
    types.push(event.type);
  assert.deepEqual(types.slice(-2), ["error", "response.failed"]);
});
