// Stopwatch takes the times of one answer, in milliseconds.
export class Stopwatch {
  #sent = performance.now();
  #first = null;
  #last = this.#sent;

  // mark notes that a part of the answer arrived.
  mark() {
    this.#last = performance.now();
    this.#first ??= this.#last;
  }

  // sinceLast is the time without a part of the answer.
  sinceLast() {
    return performance.now() - this.#last;
  }

  // begun reports whether a part of the answer has arrived.
  get begun() {
    return this.#first !== null;
  }

  // times are those of the answer so far. The rate leaves the first token out,
  // because the prompt is computed before it.
  times(tokens) {
    const during = this.begun ? this.#last - this.#first : 0;
    return {
      first: this.begun ? this.#first - this.#sent : null,
      total: performance.now() - this.#sent,
      rate: tokens > 1 && during > 0 ? (tokens - 1) / during * 1000 : null,
    };
  }
}

// duration writes milliseconds as people read them.
export function duration(ms) {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

const reasons = { length: "cut at the token limit", stopped: "stopped", failed: "failed" };

// describe is the line below an answer.
export function describe({ state, finish, stats }) {
  const parts = [];
  if (stats?.rate) {
    parts.push(`${stats.rate < 10 ? stats.rate.toFixed(1) : Math.round(stats.rate)} tokens/s`);
  }
  if (stats?.first) {
    parts.push(`first token ${duration(stats.first)}`);
  }
  if (stats?.usage) {
    parts.push(`${stats.usage.completion_tokens} tokens after ${stats.usage.prompt_tokens}`);
  }
  const reason = reasons[state] ?? reasons[finish];
  if (reason) {
    parts.push(reason);
  }
  return parts.join(" · ");
}
