// What Continue's command asks of a server, through chat completions: one question and its answer.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";

// The instructions of Continue cannot be left out, and after them hachi-mini writes nonsense. So the test keeps the request on its way, asks
// the same without a stream, and compares the answers.
let asked;
const way = createServer(async (request, response) => {
  let body = "";
  for await (const piece of request.setEncoding("utf8")) body += piece;
  const { "content-type": type } = request.headers;
  asked = { url: process.env.HACHI_URL + request.url, body: JSON.parse(body) };
  const answer = await fetch(asked.url, { method: "POST", headers: { "content-type": type }, body });
  response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") });
  for await (const piece of answer.body) response.write(piece);
  response.end();
});
way.listen(0, "127.0.0.1");
await once(way, "listening");

const home = join(process.cwd(), "home");
rmSync(home, { recursive: true, force: true });
mkdirSync(home);
writeFileSync(join(home, "config.yaml"), `
name: hachi
version: 1.0.0
schema: v1
models:
  - name: hachi-mini
    provider: openai
    model: hachi-mini
    apiBase: http://127.0.0.1:${way.address().port}
    apiKey: none
    roles: [chat, edit]
    defaultCompletionOptions: { temperature: 0, maxTokens: 100 }
`);
// Of the tools only one stays, because all of them exceed the context of hachi-mini.
const excluded = ["Bash", "CheckBackgroundJob", "Checklist", "Edit", "Fetch", "List", "MultiEdit", "Read", "Search", "Write"];
const cn = spawn(join(process.cwd(), "node_modules/.bin/cn"), [
  "--print", "--config", join(home, "config.yaml"), ...excluded.flatMap((tool) => ["--exclude", tool]), "What is 12 + 30?",
], {
  cwd: home, stdio: ["ignore", "pipe", "inherit"], timeout: 60_000,
  env: { PATH: process.env.PATH, HOME: home, CONTINUE_GLOBAL_DIR: home, CONTINUE_CLI_ENABLE_TELEMETRY: "0", CONTINUE_METRICS_ENABLED: "0" },
});
let said = "";
cn.stdout.setEncoding("utf8").on("data", (piece) => { said += piece; });
const [status] = await once(cn, "close");
way.close();
assert.equal(status, 0, said);
assert.ok(asked.body.stream && asked.body.tools.length > 0, asked);

const { stream, stream_options, ...body } = asked.body;
const again = await fetch(asked.url, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
const { choices: [{ message, finish_reason }] } = await again.json();
assert.equal(finish_reason, "stop");
assert.ok(message.content.trim());
assert.equal(said.trim(), message.content.trim());

const { version } = JSON.parse(readFileSync("node_modules/@continuedev/cli/package.json", "utf8"));
console.log("@continuedev/cli", version);
