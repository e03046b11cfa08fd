import { APIError, streamChat } from "./api.js";
import { Stopwatch } from "./stats.js";

// quietFor is how long nothing arrives before the page says that it waits.
const quietFor = 2000;

// answer fills a turn with the answer to a request, and calls onChange whenever
// the turn changes. It ends by itself, at the abort of signal, or with a
// failure, and never throws: the turn says how it ended.
export async function answer(turn, body, signal, onChange) {
  const watch = new Stopwatch();
  turn.stats = {};
  const quiet = setInterval(() => {
    const waiting = watch.sinceLast() < quietFor ? "" : watch.begun
      ? "The answer pauses. It goes on when the experts answer again."
      : "The server has the message. It waits for its turn, or for the experts.";
    if (waiting !== (turn.waiting ?? "")) {
      turn.waiting = waiting;
      onChange();
    }
  }, 250);
  try {
    for await (const part of streamChat(body, signal)) {
      apply(turn, part, watch);
      onChange();
    }
    turn.state = "done";
  } catch (err) {
    // Of an abort only the user is the cause: fetch has no other.
    const stopped = signal.aborted;
    turn.state = stopped ? "stopped" : "failed";
    if (!stopped) {
      const known = err instanceof APIError ? err : new APIError(`the page could not read the answer: ${err.message}`);
      turn.error = { message: known.message, remedy: known.remedy, requestID: known.requestID };
    }
  } finally {
    clearInterval(quiet);
    turn.waiting = "";
    Object.assign(turn.stats, watch.times(turn.stats.usage?.completion_tokens ?? 0));
    onChange();
  }
}

// apply adds what arrived to a turn.
function apply(turn, part, watch) {
  if (part.content !== undefined || part.reasoning !== undefined) {
    watch.mark();
    turn.waiting = "";
    turn.content += part.content ?? "";
    turn.reasoning += part.reasoning ?? "";
  }
  if (part.finish) {
    turn.finish = part.finish;
  }
  if (part.usage) {
    turn.stats.usage = part.usage;
  }
  if (part.nodes) {
    turn.stats.nodes = part.nodes;
  }
}
