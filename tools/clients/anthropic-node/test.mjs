// What Anthropic's client for Node asks of a server, with the answers checked.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import Anthropic, { NotFoundError } from "@anthropic-ai/sdk";
import { days, diary, sky, story, survives } from "../killer.mjs";

// The client appends /v1/messages itself.
const baseURL = process.env.HACHI_URL.replace(/\/v1$/, "");
const client = new Anthropic({ baseURL, apiKey: "none", maxRetries: 0, timeout: 60_000 });
const sum = { model: "hachi-mini", max_tokens: 200, temperature: 0, messages: [{ role: "user", content: "What is 12 + 30?" }] };

async function text() {
  const answer = await client.messages.create(sum);
  assert.equal(answer.stop_reason, "end_turn");
  assert.ok(answer.content[0].text.endsWith("12 + 30 = 42."));
  const streamed = await client.messages.stream(sum).finalMessage();
  assert.equal(streamed.content[0].text, answer.content[0].text);
}

async function tools() {
  const input_schema = { type: "object", properties: { city: { enum: ["Kyoto", "Osaka"] } }, required: ["city"], additionalProperties: false };
  const ask = { ...sum, tools: [{ name: "weather", input_schema }], tool_choice: { type: "tool", name: "weather", disable_parallel_tool_use: true } };
  const answer = await client.messages.create(ask);
  const use = answer.content.at(-1);
  assert.equal(answer.stop_reason, "tool_use");
  assert.equal(use.name, "weather");
  assert.ok(["Kyoto", "Osaka"].includes(use.input.city));
  assert.deepEqual((await client.messages.stream(ask).finalMessage()).content.at(-1).input, use.input);
  const result = { type: "tool_result", tool_use_id: use.id, content: "sunny" };
  const turns = [...ask.messages, { role: "assistant", content: answer.content }, { role: "user", content: [result] }];
  const after = await client.messages.create({ ...ask, messages: turns, tool_choice: { type: "none" } });
  assert.ok(after.content[0].text);
}

async function count() {
  const { input_tokens } = await client.messages.countTokens({ model: sum.model, messages: sum.messages });
  const { usage } = await client.messages.create(sum);
  assert.equal(input_tokens, usage.input_tokens + (usage.cache_read_input_tokens ?? 0));
}

async function errors() {
  await assert.rejects(client.messages.create({ ...sum, model: "other" }), NotFoundError);
}

async function deaths() {
  const ask = (content, options) => client.messages.stream({
    model: "hachi-mini", max_tokens: 1000, temperature: 0.9, seed: 7, messages: [{ role: "user", content }], ...options,
  });
  await survives(async function* () {
    for await (const e of ask(story)) if (e.type === "content_block_delta") yield e.delta.text;
  });
  const written = await survives(async function* () {
    const tool = { tools: [{ name: "diary", input_schema: sky }], tool_choice: { type: "tool", name: "diary", disable_parallel_tool_use: true } };
    for await (const e of ask(diary, tool)) if (e.type === "content_block_delta") yield e.delta.partial_json;
  });
  assert.equal(JSON.parse(written).sky.length, days);
}

await text();
await tools();
await count();
await errors();
await deaths();
const { version } = JSON.parse(readFileSync("node_modules/@anthropic-ai/sdk/package.json", "utf8"));
console.log("@anthropic-ai/sdk", version);
