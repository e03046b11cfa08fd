// Reads a stream while processes of the cluster die, and compares it with one that nothing disturbs.
import assert from "node:assert/strict";

const after = 3; // pieces, before a process dies

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

// Asserts that no death changes the text that stream() yields, and returns the text.
export async function survives(stream) {
  const expected = await read(stream);
  for (const victim of ["node", "router"]) {
    await post("/whole");
    assert.equal(await read(stream, (count) => count === after ? post("/kill/" + victim) : undefined), expected, victim);
  }
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
