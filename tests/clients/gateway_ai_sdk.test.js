// The AI SDK, by which opencode and others speak, through both of its ways to the gateway.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { APICallError, generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";
import { MODEL, PNG, startGateway, until } from "./gateway.js";

let gateway;
let sim;
const models = {};

before(async () => {
  gateway = await startGateway();
  sim = gateway.sim;
  models.compatible = createOpenAICompatible({ name: "omniroute", baseURL: `${gateway.base}/v1`, includeUsage: true })(MODEL);
  models.anthropic = createAnthropic({ baseURL: `${gateway.base}/v1`, apiKey: "unused" })(MODEL);
});
after(async () => assert.equal(await gateway.stop(), 0));
beforeEach(async () => {
  await sim.control("DELETE", "/turns");
  await sim.control("DELETE", "/requests");
});

for (const name of ["compatible", "anthropic"]) {
  test(`${name}: a whole answer`, async () => {
    const { text, usage, finishReason } = await generateText({ model: models[name], prompt: "hello", maxRetries: 0 });
    assert.equal(text, "You said: hello");
    assert.equal(finishReason, "stop");
    assert.ok(usage.outputTokens > 0);
  });

  test(`${name}: a streamed loop of tools with reasoning`, async () => {
    await sim.turn({ reasoning: "think", signature: "c2lnbmF0dXJl", text: "Let me see.", toolCalls: [
      { name: "weather", toolUseId: "t1", input: { city: "Oslo" }, fragment: 3 },
      { name: "weather", toolUseId: "t2", input: { city: "Bodø" } }] });
    await sim.turn({ toolCalls: [{ name: "weather", toolUseId: "t3", input: { city: "Tromsø" } }] });
    await sim.turn({ text: "Rain." });
    const asked = [];
    const result = streamText({
      model: models[name], prompt: "weather?", maxRetries: 0, stopWhen: stepCountIs(5),
      tools: {
        weather: tool({
          description: "The weather of a city",
          inputSchema: z.object({ city: z.string() }),
          execute: async ({ city }) => {
            asked.push(city);
            return { city, weather: "rain" };
          },
        }),
      },
    });
    let reasoning = "";
    for await (const part of result.fullStream) {
      if (part.type === "error") throw part.error;
      if (part.type === "reasoning-delta") reasoning += part.text;
    }
    assert.deepEqual(asked.sort(), ["Bodø", "Oslo", "Tromsø"]);
    assert.equal(await result.text, "Rain.");
    assert.equal((await result.steps).length, 3);
    assert.equal(reasoning, "think");
  });

  test(`${name}: a picture`, async () => {
    await generateText({ model: models[name], maxRetries: 0, messages: [{ role: "user", content: [
      { type: "text", text: "what is this?" },
      { type: "image", image: Buffer.from(PNG, "base64"), mediaType: "image/png" }] }] });
    const [chat] = await gateway.chats();
    assert.ok(JSON.stringify(chat).includes(PNG));
  });

  test(`${name}: errors`, async () => {
    const broken = name === "compatible"
      ? createOpenAICompatible({ name: "omniroute", baseURL: `${gateway.base}/v1` })("kiro/nobody")
      : createAnthropic({ baseURL: `${gateway.base}/v1`, apiKey: "unused" })("kiro/nobody");
    await assert.rejects(generateText({ model: broken, prompt: "x", maxRetries: 0 }), (error) => {
      assert.ok(APICallError.isInstance(error), error);
      assert.equal(error.statusCode, 404);
      assert.match(error.message, /nobody/);
      return true;
    });
  });

  test(`${name}: an abort reaches the provider`, async () => {
    await sim.turn({ text: "a ".repeat(2000), delayMs: 20 });
    const abort = new AbortController();
    const result = streamText({ model: models[name], prompt: "x", maxRetries: 0, abortSignal: abort.signal });
    for await (const part of result.fullStream) {
      if (part.type === "text-delta") abort.abort();
    }
    await until(async () => (await sim.control("GET", "/health")).activeStreams === 0, "the provider's stream to end");
  });
}
