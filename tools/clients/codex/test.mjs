// What Codex asks of a server, through responses: one question and its answer.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

// Codex reads its settings from a directory, here a fresh one. The own instructions of Codex and its tools exceed the context of hachi-mini;
// without the shell, a model that writes nonsense cannot run anything either.
const home = join(process.cwd(), "home");
rmSync(home, { recursive: true, force: true });
mkdirSync(join(home, "work"), { recursive: true });
writeFileSync(join(home, "instructions.md"), "Be brief.");
writeFileSync(join(home, "config.toml"), `
model = "hachi-mini"
model_provider = "hachi"
model_context_window = 2048
model_instructions_file = ${JSON.stringify(join(home, "instructions.md"))}
include_permissions_instructions = false
include_environment_context = false
web_search = "disabled"

[skills]
include_instructions = false

[features]
apps = false
goals = false
image_generation = false
plugins = false
shell_tool = false
unified_exec = false
view_image = false

[agents]
enabled = false

[model_providers.hachi]
name = "hachi"
base_url = ${JSON.stringify(process.env.HACHI_URL)}
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0
`);

// Codex has no setting for the temperature, so the server's default draws the answer, which is right in almost every draw.
function ask() {
  const said = join(home, "said.txt");
  execFileSync("node_modules/.bin/codex", [
    "exec", "--strict-config", "--skip-git-repo-check", "--sandbox", "read-only", "--cd", join(home, "work"), "--output-last-message", said,
    "What is 12 + 30?",
  ], { env: { PATH: process.env.PATH, HOME: home, CODEX_HOME: home }, stdio: ["ignore", "pipe", "pipe"], timeout: 60_000 });
  return readFileSync(said, "utf8");
}

const answers = [];
while (answers.length < 3 && !answers.at(-1)?.includes("42")) answers.push(ask());
assert.ok(answers.at(-1).includes("12 + 30 = 42"), answers.join("\n"));
const { version } = JSON.parse(readFileSync("node_modules/@openai/codex/package.json", "utf8"));
console.log("@openai/codex", version);
