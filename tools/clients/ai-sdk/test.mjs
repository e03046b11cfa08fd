// What Vercel's AI SDK asks of a server through responses and through chat completions, with the answers checked.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateObject, generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";
import { days, diary, story, survives } from "../killer.mjs";

const server = { baseURL: process.env.HACHI_URL, apiKey: "none" };
// Without store: false the provider for OpenAI sends references to stored items, and a router stores none.
const providerOptions = { openai: { store: false, parallelToolCalls: false } };
const providers = {
  "@ai-sdk/openai": createOpenAI(server),
  "@ai-sdk/openai-compatible": createOpenAICompatible({ ...server, name: "hachi", supportsStructuredOutputs: true }),
};

async function text(ask) {
  const { text, finishReason } = await generateText({ ...ask, prompt: "What is 12 + 30?" });
  assert.ok(text.endsWith("12 + 30 = 42."));
  assert.equal(finishReason, "stop");
  let streamed = "";
  for await (const piece of streamText({ ...ask, prompt: "What is 12 + 30?" }).textStream) streamed += piece;
  assert.equal(streamed, text);
}

async function object(ask) {
  const schema = z.object({ sky: z.enum(["blue", "grey"]), rain: z.boolean() });
  const { object } = await generateObject({ ...ask, schema, prompt: "How is the weather?" });
  schema.parse(object);
  // A record is a schema with propertyNames.
  const record = z.object({ days: z.record(z.enum(["monday", "sunday"]), z.boolean()) });
  record.parse((await generateObject({ ...ask, schema: record, prompt: "When does it rain?" })).object);
}

async function tools(ask) {
  const asked = [];
  const weather = tool({
    description: "Weather of a city",
    inputSchema: z.object({ city: z.enum(["Kyoto", "Osaka"]) }),
    execute: async ({ city }) => { asked.push(city); return "sunny"; },
  });
  const { steps } = await generateText({
    ...ask, tools: { weather }, prompt: "How is the weather in Kyoto?", stopWhen: stepCountIs(2),
    prepareStep: ({ stepNumber }) => ({ toolChoice: stepNumber === 0 ? "required" : "none" }),
  });
  assert.ok(asked.length > 0 && asked.every((city) => ["Kyoto", "Osaka"].includes(city)));
  assert.equal(steps.length, 2);
  assert.equal(steps[0].finishReason, "tool-calls");
  assert.ok(steps[1].text);
}

// The provider for OpenAI sends no seed, so that only its greedy answers are the same twice.
async function deaths(name, ask) {
  const drawn = { ...ask, maxOutputTokens: 1000, ...(name === "@ai-sdk/openai" ? { temperature: 0 } : { temperature: 0.9, seed: 7 }) };
  await survives(() => streamText({ ...drawn, prompt: story }).textStream);
  const inputSchema = z.object({ sky: z.array(z.enum(["sunny", "rainy", "cloudy"])).length(days) });
  const written = await survives(async function* () {
    const asked = streamText({ ...drawn, prompt: diary, tools: { diary: tool({ inputSchema }) }, toolChoice: "required" });
    for await (const part of asked.fullStream) if (part.type === "tool-input-delta") yield part.delta;
  });
  inputSchema.parse(JSON.parse(written));
}

for (const [name, provider] of Object.entries(providers)) {
  const ask = { model: provider("hachi-mini"), maxRetries: 0, temperature: 0, maxOutputTokens: 400, providerOptions };
  await text(ask);
  await object(ask);
  await tools(ask);
  await deaths(name, ask);
  const { version } = JSON.parse(readFileSync(`node_modules/${name}/package.json`, "utf8"));
  console.log(name, version);
}
