"""What reaches Kiro and what comes back: tool loops, images, thinking with its signature, second tries. The simulator refuses
whatever Kiro would refuse."""
import json
import unittest

from harness import World, stream_events, streamed_text

PNG = ("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
TOOLS = [{"type": "function", "function": {
    "name": name, "description": f"Does {name}",
    "parameters": {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "additionalProperties": False,
                   "$defs": {"Path": {"type": "string", "description": "a path"}},
                   "properties": {"path": {"$ref": "#/$defs/Path"},
                                  "mode": {"anyOf": [{"const": "r"}, {"const": "w"}, {"type": "null"}]}}}}}
    for name in ("read_file", "write.file", "x" * 80)]


class Inference(World):
    def setUp(self):
        super().setUp()
        self.account = self.sim.account(email="dev@example.com")
        self.gateway.import_account(self.account, "dev")

    def ask(self, messages, model="kiro/dev/claude-sonnet-4.5", **more):
        return self.gateway.post("/v1/chat/completions", {"model": model, "messages": messages, **more})

    def sent(self):
        """The generate requests that the simulator got since the last call, oldest first."""
        out = []
        for request in self.sim.requests():
            body = request.get("body")
            body = json.loads(body) if isinstance(body, str) and body.startswith("{") else body
            if isinstance(body, dict) and "conversationState" in body:
                out.append(body)
        self.sim.call("DELETE", "/__control/requests")
        return out

    def test_a_tool_loop_of_several_turns(self):
        messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Work."}]
        for turn, name in enumerate(("read_file", "write.file", "x" * 80)):
            known = name if turn == 0 else None
            sent_name = known or self.sent_names[name]
            self.sim.turn(text="Now.", toolCalls=[
                {"name": sent_name, "input": {"path": f"a{turn}"}, "fragment": 3},
                {"name": "read_file", "input": {"path": f"b{turn}"}, "objectForm": True}])
            answer = self.ask(messages, tools=TOOLS)
            self.assertEqual(answer.status, 200, answer)
            choice = answer.json["choices"][0]
            self.assertEqual(choice["finish_reason"], "tool_calls")
            calls = choice["message"]["tool_calls"]
            self.assertEqual([c["function"]["name"] for c in calls], [name, "read_file"])
            self.assertEqual([json.loads(c["function"]["arguments"])["path"] for c in calls], [f"a{turn}", f"b{turn}"])
            messages.append(choice["message"])
            # Answered in the other order: the simulator wants every call answered, whatever the order.
            for call in reversed(calls):
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": f"result {call['id']}"})
            body = self.sent()[-1]
            tools = body["conversationState"]["currentMessage"]["userInputMessage"]["userInputMessageContext"]["tools"]
            names = [t["toolSpecification"]["name"] for t in tools]
            self.sent_names = dict(zip((t["function"]["name"] for t in TOOLS), names))
            schema = tools[0]["toolSpecification"]["inputSchema"]["json"]
            self.assertEqual(schema["properties"]["path"], {"type": "string", "description": "a path"})
            self.assertNotIn("additionalProperties", schema)
        answer = self.ask(messages, tools=TOOLS)
        self.assertEqual(answer.status, 200, answer)
        body = self.sent()[-1]["conversationState"]
        self.assertEqual(len(body["history"]), 6)
        first = body["conversationId"], body["agentContinuationId"]
        messages += [answer.json["choices"][0]["message"], {"role": "user", "content": "More."}]
        self.assertEqual(self.ask(messages, tools=TOOLS).status, 200)
        body = self.sent()[-1]["conversationState"]
        self.assertEqual(body["conversationId"], first[0])
        self.assertNotEqual(body["agentContinuationId"], first[1])

    def test_images(self):
        image = {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{PNG}"}}
        answer = self.ask([{"role": "user", "content": [{"type": "text", "text": "Look"}, image]}])
        self.assertEqual(answer.status, 200, answer)
        images = self.sent()[-1]["conversationState"]["currentMessage"]["userInputMessage"]["images"]
        self.assertEqual(images, [{"format": "png", "source": {"bytes": PNG}}])
        refused = self.ask([{"role": "user", "content": [image]}], model="kiro/dev/glm-5")
        self.assertEqual(refused.status, 400, refused)
        self.assertIn("takes no images", refused.json["error"]["message"])
        self.assertEqual(self.sent(), [])

    def test_effort_follows_the_models_own_schema(self):
        for model, effort, fields in (
                ("claude-opus-4.7", "xhigh", {"thinking": {"type": "adaptive", "display": "summarized"},
                                              "output_config": {"effort": "xhigh"}}),
                ("claude-opus-4.6", "xhigh", {"thinking": {"type": "adaptive", "display": "summarized"},
                                              "output_config": {"effort": "high"}}),
                ("claude-haiku-4.5", "high", None)):
            with self.subTest(model):
                answer = self.ask([{"role": "user", "content": "Think"}], model=f"kiro/dev/{model}", reasoning_effort=effort)
                self.assertEqual(answer.status, 200, answer)
                self.assertEqual(self.sent()[-1].get("additionalModelRequestFields"), fields)

    def test_refused_fields_are_sent_once_and_left_out_then(self):
        self.sim.turn(status=400, body={"message": "additionalModelRequestFields is not supported for this model"})
        answer = self.ask([{"role": "user", "content": "Hi"}], model="kiro/dev/claude-opus-4.7", reasoning_effort="high")
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(["additionalModelRequestFields" in b for b in self.sent()], [True, False])

    def thinking_turns(self, spoil):
        self.sim.turn(reasoning='Let me "think"\n\u00e9', text="Yes", toolCalls=[{"name": "look", "input": {}}])
        tools = [{"name": "look", "description": "looks", "input_schema": {"type": "object"}}]
        messages = [{"role": "user", "content": "Hm?"}]
        ask = lambda: self.gateway.post("/v1/messages", {
            "model": "kiro/dev/claude-sonnet-4.5", "max_tokens": 2000, "tools": tools, "messages": messages},
            headers={"anthropic-version": "2023-06-01"})
        answer = ask()
        self.assertEqual(answer.status, 200, answer)
        content = answer.json["content"]
        self.assertEqual(content[0]["type"], "thinking")
        if spoil:
            content[0]["thinking"] += "!"
        use = next(block for block in content if block["type"] == "tool_use")
        messages += [{"role": "assistant", "content": content},
                     {"role": "user", "content": [{"type": "tool_result", "tool_use_id": use["id"], "content": "seen"}]}]
        self.sent()
        answer = ask()
        self.assertEqual(answer.status, 200, answer)
        return self.sent()

    def test_thinking_goes_back_with_its_signature(self):
        sent = self.thinking_turns(spoil=False)
        self.assertEqual(len(sent), 1)
        thought = sent[0]["conversationState"]["history"][1]["assistantResponseMessage"]["reasoningContent"]["reasoningText"]
        self.assertEqual(thought["text"], 'Let me "think"\n\u00e9')

    def test_thinking_that_no_longer_fits_its_signature_is_left_out_on_the_second_try(self):
        sent = self.thinking_turns(spoil=True)
        self.assertEqual(["reasoningContent" in json.dumps(b) for b in sent], [True, False])

    def test_stop_sequences_end_the_answer(self):
        for stream in (False, True):
            self.sim.turn(text="one two STOP three four")
            answer = self.ask([{"role": "user", "content": "Count"}], stop=["STOP"], stream=stream)
            self.assertEqual(answer.status, 200, answer)
            text = streamed_text(answer.body) if stream else answer.json["choices"][0]["message"]["content"]
            self.assertEqual(text, "one two ")
            if stream:
                self.assertEqual(stream_events(answer.body)[-1], "[DONE]")

    def messages(self, **more):
        return self.gateway.post("/v1/messages", {"model": "kiro/dev/claude-sonnet-4.5", "max_tokens": 2000,
                                                  "messages": [{"role": "user", "content": "Hi"}], **more})

    def test_messages_name_the_stop_sequence_that_matched(self):
        for text, reason, sequence in (("one END two", "stop_sequence", "END"), ("one two", "end_turn", None)):
            self.sim.turn(text=text)
            answer = self.messages(stop_sequences=["STOP", "END"]).json
            self.assertEqual((answer["stop_reason"], answer["stop_sequence"]), (reason, sequence))
            self.sim.turn(text=text)
            events = [json.loads(e) for e in stream_events(self.messages(stop_sequences=["STOP", "END"], stream=True).body)]
            delta = next(e["delta"] for e in events if e["type"] == "message_delta")
            self.assertEqual(delta, {"stop_reason": reason, "stop_sequence": sequence})

    def test_thinking_of_messages(self):
        summarized = {"thinking": {"type": "adaptive", "display": "summarized"}}
        for said, fields in (({"thinking": {"type": "adaptive"}}, summarized),
                             ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}},
                              {**summarized, "output_config": {"effort": "low"}}),
                             ({"thinking": {"type": "enabled", "budget_tokens": 32000}},
                              {**summarized, "output_config": {"effort": "high"}}),
                             ({"thinking": {"type": "disabled"}}, {"thinking": {"type": "disabled"}}), ({}, None)):
            with self.subTest(str(said)):
                answer = self.messages(model="kiro/dev/claude-opus-4.7", max_tokens=1000, **said)
                self.assertEqual(answer.status, 200, answer)
                self.assertEqual(self.sent()[-1].get("additionalModelRequestFields"), fields)

    def test_json_mode(self):
        self.sim.turn(text='Sure! Here it is:\n```json\n{"a": 1}\n```\nAnything else?')
        answer = self.ask([{"role": "user", "content": "JSON"}], response_format={"type": "json_object"})
        self.assertEqual(json.loads(answer.json["choices"][0]["message"]["content"]), {"a": 1})
        self.sim.turn(text="I would rather not.")
        self.sim.turn(text='{"b": 2}')
        answer = self.ask([{"role": "user", "content": "JSON"}], response_format={"type": "json_object"})
        self.assertEqual(json.loads(answer.json["choices"][0]["message"]["content"]), {"b": 2})

    def test_tool_choice_and_one_call(self):
        call = {"name": "read_file", "input": {"path": "a"}}
        self.sim.turn(text="No tool today.")
        self.sim.turn(toolCalls=[call])
        answer = self.ask([{"role": "user", "content": "Go"}], tools=TOOLS[:1], tool_choice="required")
        self.assertEqual(answer.json["choices"][0]["finish_reason"], "tool_calls", answer)
        self.sim.turn(toolCalls=[call, call])
        answer = self.ask([{"role": "user", "content": "Go"}], tools=TOOLS[:1], parallel_tool_calls=False)
        self.assertEqual(len(answer.json["choices"][0]["message"]["tool_calls"]), 1)

    def test_a_suspended_users_number_stays_here(self):
        self.sim.turn(status=403, body={"__type": "x#AccessDeniedException", "reason": "TEMPORARILY_SUSPENDED",
                                        "message": "Your User ID (123456789012) temporarily is suspended."})
        answer = self.ask([{"role": "user", "content": "Hi"}])
        self.assertEqual(answer.status, 403, answer)
        self.assertNotIn(b"123456789012", answer.body)
        self.assertNotIn("123456789012", self.gateway.log())


if __name__ == "__main__":
    unittest.main()
