// The data plane, judged by the vendor's own streaming client: its parser checks framing and checksums.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { CodeWhispererStreaming } from "@aws/codewhisperer-streaming-client";
import { startSimulator } from "./simulator.js";

let sim;
let account;

const clientFor = (accessToken, path = "legacy/us-east-1") =>
  new CodeWhispererStreaming({
    region: "us-east-1",
    endpoint: `${sim.base}/${path}`,
    token: { token: accessToken },
    maxAttempts: 1,
  });

const tool = {
  toolSpecification: { name: "get_weather", description: "Weather", inputSchema: { json: { type: "object", properties: {} } } },
};
const question = (content, context, history = []) => ({
  profileArn: account.profileArn,
  conversationState: {
    chatTriggerType: "MANUAL",
    conversationId: "6b1f8b6e-32b9-4f2c-a7a5-1f9f4a3d1c11",
    history,
    currentMessage: {
      userInputMessage: { content, modelId: "claude-sonnet-4.5", origin: "CLI", userInputMessageContext: context },
    },
  },
});

async function ask(input, token = account.accessToken, path) {
  const answer = await clientFor(token, path).generateAssistantResponse(input);
  const events = [];
  for await (const event of answer.generateAssistantResponseResponse) events.push(event);
  return events;
}
const textOf = (events) => events.map((event) => event.assistantResponseEvent?.content ?? "").join("");

async function rejects(promise, name, status, reason) {
  await assert.rejects(promise, (problem) => {
    assert.equal(problem.name, name);
    if (status) assert.equal(problem.$metadata.httpStatusCode, status);
    if (reason) assert.equal(problem.reason, reason);
    return true;
  });
}

before(async () => {
  sim = await startSimulator();
  account = await sim.account({ kind: "social" });
});
after(async () => assert.equal(await sim.stop(), 0));

for (const path of ["legacy/us-east-1", "runtime/us-east-1"]) {
  test(`an echo from ${path}`, async () => {
    const events = await ask(question("good morning"), undefined, path);
    assert.equal(textOf(events), "You said: good morning");
  });
}

test("tool calls in both directions", async () => {
  await sim.turn({ text: "Let me see.", toolCalls: [{ name: "get_weather", toolUseId: "t1", input: { city: "Tromsø" } }] });
  const events = await ask(question("weather?", { tools: [tool] }));
  assert.equal(textOf(events), "Let me see.");
  const uses = events.map((event) => event.toolUseEvent).filter(Boolean);
  assert.deepEqual(JSON.parse(uses.map((use) => use.input ?? "").join("")), { city: "Tromsø" });
  assert.equal(uses.at(-1).stop, true);
  const history = [
    { userInputMessage: { content: "weather?" } },
    { assistantResponseMessage: { content: "", toolUses: [{ toolUseId: "t1", name: "get_weather", input: {} }] } },
  ];
  const results = [{ toolUseId: "t1", content: [{ text: "rain" }], status: "success" }];
  assert.equal(textOf(await ask(question("", { tools: [tool], toolResults: results }, history))), "You said: rain");
  await rejects(ask(question("", { tools: [tool] }, history)), "ValidationException", 400, "TOOL_USE_RESULT_MISMATCH");
});

test("any way of cutting the bytes gives the same events", async () => {
  for (const cut of [{ chunkSize: 1 }, { chunkSize: 7 }, { splits: [2, 9, 37, 91] }]) {
    await sim.turn({ text: "one two three", ...cut });
    assert.equal(textOf(await ask(question("x"))), "one two three");
  }
});

test("modelled refusals", async () => {
  await rejects(ask(question("x"), "aoaAAAAAGunknown"), "AccessDeniedException", 403);
  const input = question("x");
  input.conversationState.currentMessage.userInputMessage.modelId = "gpt-4";
  await rejects(ask(input), "ValidationException", 400, "INVALID_MODEL_ID");
  await sim.fault({
    target: "data", status: 429,
    body: { __type: "x#ThrottlingException", message: "Too many", reason: "USER_REQUEST_RATE_EXCEEDED" },
  });
  await rejects(ask(question("x")), "ThrottlingException", 429);
});

test("broken streams are noticed", async () => {
  await sim.turn({ text: "a b c", corruptCrc: 1 });
  await assert.rejects(ask(question("x")));
  await sim.turn({ text: "a b c", truncation: "mid_frame" });
  await assert.rejects(ask(question("x")));
  await sim.turn({ text: "a b c", exception: { at: 2, type: "error", message: "broken" } });
  await assert.rejects(ask(question("x")), /broken/);
});
