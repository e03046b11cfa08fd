// What OpenAI's client for Node asks of a server, with the answers checked.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import OpenAI, { BadRequestError, NotFoundError } from "openai";
import { days, diary, sky, story, survives } from "../killer.mjs";

const client = new OpenAI({ baseURL: process.env.HACHI_URL, apiKey: "none", maxRetries: 0, timeout: 60_000 });
const ask = {
  model: "hachi-mini", max_completion_tokens: 12, seed: 7, temperature: 2,
  messages: [{ role: "developer", content: "Be brief." }, { role: "user", content: [{ type: "text", text: "Tell me a story about a dragon." }] }],
};

async function models() {
  const ids = [];
  for await (const model of client.models.list()) ids.push(model.id);
  assert.deepEqual(ids, ["hachi-mini"]);
  assert.equal((await client.models.retrieve("hachi-mini")).owned_by, "hachi");
}

async function chat() {
  const answer = await client.chat.completions.create({ ...ask, user: "u", store: false });
  const [choice] = answer.choices;
  assert.equal(answer.object, "chat.completion");
  assert.equal(choice.message.role, "assistant");
  assert.ok(choice.message.content);
  assert.equal(choice.finish_reason, "length");
  assert.equal(answer.usage.completion_tokens, 12);
  return choice.message.content;
}

async function streaming(expected) {
  let text = "", usage, finish;
  for await (const chunk of await client.chat.completions.create({ ...ask, stream: true, stream_options: { include_usage: true } })) {
    for (const choice of chunk.choices) {
      text += choice.delta.content ?? "";
      finish = choice.finish_reason ?? finish;
    }
    usage = chunk.usage ?? usage;
  }
  assert.equal(text, expected);
  assert.equal(finish, "length");
  assert.equal(usage.completion_tokens, 12);
  // The client's own accumulator checks the shape of every chunk.
  const whole = await client.chat.completions.stream({ ...ask, logprobs: true }).finalChatCompletion();
  assert.equal(whole.choices[0].message.content, expected);
  assert.equal(whole.choices[0].logprobs.content.length, 12);
}

// A client that breaks off in the middle leaves nothing behind that others would notice.
async function breaksOff() {
  const stream = await client.chat.completions.create({ ...ask, max_completion_tokens: 1000, stream: true });
  for await (const _ of stream) break;
}

async function completions() {
  const answer = await client.completions.create({ model: "hachi-mini", prompt: "one two", max_tokens: 3, logprobs: 2, echo: true, temperature: 0 });
  const { text, logprobs } = answer.choices[0];
  assert.ok(text.startsWith("one two"));
  assert.equal(logprobs.tokens.length, 6);
  assert.equal(logprobs.token_logprobs[0], null);
  assert.ok(logprobs.token_logprobs.slice(1).every((v) => v <= 0));
  let streamed = "one two";
  for await (const chunk of await client.completions.create({ model: "hachi-mini", prompt: "one two", max_tokens: 3, temperature: 0, stream: true })) {
    streamed += chunk.choices[0].text;
  }
  assert.equal(streamed, text);
}

async function structured() {
  const schema = { type: "object", properties: { sky: { enum: ["blue", "grey"] } }, required: ["sky"], additionalProperties: false };
  const answer = await client.chat.completions.create({
    ...ask, max_completion_tokens: 100, response_format: { type: "json_schema", json_schema: { name: "weather", strict: true, schema } },
  });
  assert.ok(["blue", "grey"].includes(JSON.parse(answer.choices[0].message.content).sky));
}

async function tools() {
  const parameters = { type: "object", properties: { city: { enum: ["Paris", "Tokyo"] } }, required: ["city"], additionalProperties: false };
  const answer = await client.chat.completions.create({
    ...ask, max_completion_tokens: 200, parallel_tool_calls: false, tool_choice: "required",
    tools: [{ type: "function", function: { name: "weather", parameters, strict: true } }],
  });
  const [choice] = answer.choices;
  assert.equal(choice.finish_reason, "tool_calls");
  assert.equal(choice.message.tool_calls.length, 1);
  const { id, function: called } = choice.message.tool_calls[0];
  assert.ok(id.startsWith("call_"));
  assert.equal(called.name, "weather");
  assert.ok(["Paris", "Tokyo"].includes(JSON.parse(called.arguments).city));
}

async function errors() {
  await assert.rejects(client.chat.completions.create({ ...ask, temperature: 3 }), (e) => {
    assert.ok(e instanceof BadRequestError);
    assert.equal(e.param, "temperature");
    assert.equal(e.type, "invalid_request_error");
    return true;
  });
  await assert.rejects(client.models.retrieve("other"), NotFoundError);
}

// The text through responses, whole and streamed, is that of chat completions.
async function responses() {
  const sum = { model: "hachi-mini", input: "What is 12 + 30?", temperature: 0 };
  const answer = await client.responses.create(sum);
  assert.equal(answer.status, "completed");
  assert.ok(answer.output_text.endsWith("12 + 30 = 42."));
  let text = "";
  for await (const e of await client.responses.create({ ...sum, stream: true })) if (e.type === "response.output_text.delta") text += e.delta;
  assert.equal(text, answer.output_text);
}

async function deaths() {
  const drawn = (content) => ({ model: "hachi-mini", temperature: 0.9, seed: 7, stream: true, messages: [{ role: "user", content }] });
  await survives(async function* () {
    for await (const chunk of await client.chat.completions.create(drawn(story))) yield chunk.choices[0].delta.content ?? "";
  });
  const written = await survives(async function* () {
    const tools = [{ type: "function", function: { name: "diary", parameters: sky, strict: true } }];
    const asked = { ...drawn(diary), tools, tool_choice: "required", parallel_tool_calls: false };
    for await (const chunk of await client.chat.completions.create(asked)) {
      for (const call of chunk.choices[0].delta.tool_calls ?? []) yield call.function.arguments ?? "";
    }
  });
  assert.equal(JSON.parse(written).sky.length, days);
  await survives(async function* () {
    const asked = { model: "hachi-mini", input: story, temperature: 0.9, seed: 7, stream: true };
    for await (const e of await client.responses.create(asked)) if (e.type === "response.output_text.delta") yield e.delta;
  });
}

await models();
await streaming(await chat());
await breaksOff();
await completions();
await structured();
await tools();
await responses();
await errors();
await deaths();
const { version } = JSON.parse(readFileSync("node_modules/openai/package.json", "utf8"));
console.log("openai", version, "for Node");
