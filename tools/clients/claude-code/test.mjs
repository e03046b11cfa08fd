// What Claude Code asks of a server, through messages: a question and its answer, a request with a tool, and a call of a tool.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

const home = join(process.cwd(), "home");
rmSync(home, { recursive: true, force: true });
mkdirSync(home);

// The package has a program per platform, which a script of the package links when scripts may run at the installation.
const scope = "node_modules/@anthropic-ai";
const platform = readdirSync(scope).find((name) => name.startsWith("claude-code-"));
assert.ok(platform, "@anthropic-ai/claude-code has no program for this platform");

// ask returns the result of one conversation. The own instructions of Claude Code and its tools exceed the context of hachi-mini, so --bare
// and --tools leave them out. CLAUDE_CODE_EXTRA_BODY adds parameters to every request.
function ask(prompt, body, ...options) {
  const env = {
    PATH: process.env.PATH, HOME: home, ANTHROPIC_BASE_URL: process.env.HACHI_URL.replace(/\/v1$/, ""), ANTHROPIC_API_KEY: "none",
    ANTHROPIC_MODEL: "hachi-mini", ANTHROPIC_SMALL_FAST_MODEL: "hachi-mini", CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    CLAUDE_CODE_MAX_OUTPUT_TOKENS: "300", MAX_THINKING_TOKENS: "0", CLAUDE_CODE_EXTRA_BODY: JSON.stringify({ temperature: 0, ...body }),
  };
  const said = execFileSync(join(process.cwd(), scope, platform, "claude"), [
    "--print", prompt, "--bare", "--system-prompt", "Be brief.", "--output-format", "json", ...options,
  ], { cwd: home, env, stdio: ["ignore", "pipe", "pipe"], timeout: 60_000 });
  const result = JSON.parse(said);
  assert.equal(result.subtype, "success", said);
  assert.equal(result.is_error, false, said);
  return result;
}

assert.ok(ask("What is 12 + 30?", {}, "--tools", "").result.endsWith("12 + 30 = 42."));
// The schema of the shell is sent; tool_choice leaves a model that writes nonsense no command to run.
assert.ok(ask("What is 12 + 30?", { tool_choice: { type: "none" } }, "--tools", "Bash").result);

// Claude Code offers a tool for the structured answer, and the conversation goes on until the model has called the tool.
const schema = {
  type: "object", properties: { city: { type: "string", enum: ["Kyoto", "Osaka"] }, rain: { type: "boolean" } },
  required: ["city", "rain"], additionalProperties: false,
};
const call = { tool_choice: { type: "any", disable_parallel_tool_use: true } };
const weather = ask("How is the weather in Kyoto?", call, "--tools", "", "--json-schema", JSON.stringify(schema)).structured_output;
assert.ok(["Kyoto", "Osaka"].includes(weather.city) && typeof weather.rain === "boolean", weather);

const { version } = JSON.parse(readFileSync(join(scope, "claude-code", "package.json"), "utf8"));
console.log("@anthropic-ai/claude-code", version);
