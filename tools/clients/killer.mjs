// Reads a stream while an expert node dies, and compares it with one that nothing disturbs.
import assert from "node:assert/strict";

const after = 3; // pieces, before a node dies

async function post(path) {
  const answer = await fetch(process.env.HACHI_KILLER + path, { method: "POST" });
  assert.ok(answer.ok, await answer.text());
}

async function read(stream, each = async () => {}) {
  let text = "", count = 0;
  for await (const piece of stream()) {
    text += piece;
    await each(++count);
  }
  assert.ok(count > after, `${count} pieces are too few`);
  return text;
}

// Asserts that the death of a node changes nothing of the text that stream() yields, and returns the text.
export async function survives(stream) {
  const expected = await read(stream);
  await post("/whole");
  const got = await read(stream, (count) => count === after ? post("/kill") : undefined);
  assert.equal(got, expected);
  return expected;
}

// What clients ask for: a text with a seed, and a tool whose arguments are long.
export const story = "Tell me a story about a dragon.";
export const diary = "Write down the weather of every day.";
export const days = 40;
export const sky = {
  type: "object", required: ["sky"], additionalProperties: false,
  properties: { sky: { type: "array", items: { enum: ["sunny", "rainy", "cloudy"] }, minItems: days, maxItems: days } },
};
