import { copyButton, make, setLanguage } from "./dom.js";
import { Markdown } from "./markdown.js";
import { describe } from "./stats.js";

// QuestionView shows a turn of the user.
export class QuestionView {
  constructor(turn, onEdit) {
    const text = make("p", { class: "question-text", dir: "auto" }, turn.content);
    setLanguage(text, turn.content);
    const values = Object.entries(turn.attributes ?? {}).map(([name, value]) => `${name} ${value}`);
    this.edit = make("button", { type: "button", class: "link", onclick: onEdit }, "Edit");
    this.element = make("article", { class: "question" }, make("h2", { class: "unseen" }, "You"), text,
      make("div", { class: "below" },
        ...values.length > 0 ? [make("p", { class: "stats" }, values.join(" · "))] : [],
        this.edit));
  }

  // offer shows what can be done with the last question only.
  offer(last) {
    this.edit.hidden = !last;
  }
}

// AnswerView shows a turn of the model, while it grows and after.
export class AnswerView {
  #turn;
  #text = make("div", { class: "answer-text", dir: "auto" });
  #markdown = new Markdown(this.#text);
  #reasoning = make("pre", { class: "reasoning", dir: "auto" });
  #thoughts = make("details", { hidden: true }, make("summary", {}, "Reasoning"), this.#reasoning);
  #waiting = make("p", { class: "waiting" });
  #failure = make("div", { class: "failure", role: "alert", hidden: true });
  #stats = make("p", { class: "stats" });
  #nodes = make("ul", { class: "nodes", "aria-label": "Expert nodes that computed this answer" });
  #frame = 0;

  constructor(turn, onRetry) {
    this.#turn = turn;
    this.copy = copyButton("Copy", () => turn.content);
    this.retry = make("button", { type: "button", class: "link", onclick: onRetry }, "Retry");
    this.element = make("article", { class: "answer" }, make("h2", { class: "unseen" }, "Answer"),
      this.#thoughts, this.#text, this.#waiting, this.#failure,
      make("div", { class: "below" }, this.#stats, this.#nodes, this.copy, this.retry));
    this.paint();
  }

  // update shows the turn at the next frame: many tokens may come within one.
  update() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.paint();
    });
  }

  paint() {
    const turn = this.#turn;
    const answering = turn.state === "answering";
    this.element.dataset.state = turn.state;
    this.element.setAttribute("aria-busy", String(answering));
    this.#markdown.show(turn.content);
    setLanguage(this.#text, turn.content);
    this.#thoughts.hidden = !turn.reasoning;
    this.#reasoning.textContent = turn.reasoning ?? "";
    this.#waiting.hidden = !(answering && turn.waiting);
    this.#waiting.textContent = turn.waiting ?? "";
    this.#paintFailure(turn.error);
    this.#stats.textContent = answering ? "" : describe(turn);
    this.#nodes.replaceChildren(...(turn.stats?.nodes ?? []).map((name) => make("li", {}, name)));
    this.#nodes.hidden = !turn.stats?.nodes?.length;
    this.copy.hidden = answering || turn.content === "";
  }

  #paintFailure(error) {
    this.#failure.hidden = !error;
    this.#failure.replaceChildren(...(!error ? [] : [
      make("p", { class: "failure-message" }, error.message),
      make("p", {}, error.remedy),
      error.requestID ? make("p", { class: "stats" }, `request ${error.requestID}`) : "",
    ]));
  }

  // offer shows what can be done with the last answer only.
  offer(last) {
    this.retry.hidden = !last || this.#turn.state === "answering";
  }
}
