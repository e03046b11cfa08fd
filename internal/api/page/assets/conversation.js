// A conversation is a list of turns, each with a role and content, and what the
// page shows of it:
//
//	user       attributes: those that differ from the model's defaults
//	assistant  state: answering, done, stopped or failed; reasoning; stats; error
//
// A failed answer without any text is shown and is no part of a request.

const key = "hachi.conversation";

export class Conversation {
  turns = [];

  // load reads the conversation of this tab, as it was before a reload. An
  // answer that a reload cut counts as stopped.
  load() {
    try {
      this.turns = JSON.parse(sessionStorage.getItem(key)) ?? [];
    } catch {
      this.turns = [];
    }
    for (const turn of this.turns) {
      if (turn.state === "answering") {
        turn.state = "stopped";
      }
    }
  }

  save() {
    try {
      sessionStorage.setItem(key, JSON.stringify(this.turns));
    } catch {
      // The storage is full or forbidden: the conversation ends with the tab.
    }
  }

  clear() {
    this.turns = [];
    this.save();
  }

  // lastUser is the index of the last turn of the user; -1 is none.
  lastUser() {
    return this.turns.findLastIndex((turn) => turn.role === "user");
  }

  // ask adds a turn of the user after the first n turns, and an empty answer,
  // which it returns. Later turns are dropped.
  ask(n, content, attributes) {
    const answer = { role: "assistant", content: "", reasoning: "", state: "answering" };
    this.turns.splice(n, Infinity, { role: "user", content, attributes }, answer);
    this.save();
    return answer;
  }

  // messages are those of a request. An answer that failed before its first
  // character leaves its question out too: roles must alternate.
  messages(system) {
    const all = [];
    for (let i = 0; i < this.turns.length; i += 2) {
      const [user, answer] = this.turns.slice(i, i + 2);
      const last = i + 2 >= this.turns.length;
      if (!last && answer.content === "") {
        continue;
      }
      all.push({ role: "user", content: user.content, ...user.attributes });
      if (!last) {
        all.push({ role: "assistant", content: answer.content });
      }
    }
    return system.trim() === "" ? all : [{ role: "system", content: system }, ...all];
  }
}
