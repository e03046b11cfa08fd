// A conversation with the model, and the nodes that computed each token of it. The
// same nodes have the same number behind their tokens; the table says which they are.
"use strict";

(() => {
  const form = document.getElementById("ask");
  const log = document.getElementById("log");
  const input = document.getElementById("message");
  const send = document.getElementById("send");
  const stop = document.getElementById("stop");
  const state = document.getElementById("chat-state");
  const table = document.getElementById("nodes").tBodies[0];
  const messages = [];
  let sets = new Map(); // numbers of sets of nodes
  let abort = null;

  const turn = (of, text) => {
    const place = document.createElement("p");
    place.className = "turn";
    place.dataset.of = of;
    place.textContent = text;
    log.append(place);
    return place;
  };

  const numberOf = (nodes) => {
    const key = nodes.join(", ");
    if (!sets.has(key)) {
      const row = table.insertRow();
      sets.set(key, { number: sets.size + 1, row, tokens: 0 });
      for (const text of [String(sets.size), key, "0"]) {
        row.insertCell().textContent = text;
      }
    }
    const set = sets.get(key);
    set.row.cells[2].textContent = String(++set.tokens);
    return set.number;
  };

  const say = (place, token) => {
    const text = document.createElement("span");
    text.textContent = token.text;
    place.append(text);
    if (token.nodes?.length > 0) {
      const number = document.createElement("sup");
      number.textContent = String(numberOf(token.nodes));
      text.title = token.nodes.join(", ");
      place.append(number);
    }
  };

  const attributes = () => {
    const chosen = {};
    for (const slider of form.querySelectorAll("[data-attribute]")) {
      if (slider.value !== "-1") {
        chosen[slider.dataset.attribute] = Number(slider.value);
      }
    }
    return chosen;
  };

  // lines reads the lines of an answer as they come.
  const lines = async (body, use) => {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
      const all = (rest + value).split("\n");
      rest = all.pop();
      all.filter((line) => line !== "").forEach((line) => use(JSON.parse(line)));
    }
  };

  const answer = async () => {
    const place = turn("model", "");
    let text = "";
    let end = "The answer was cut.";
    abort = new AbortController();
    const reply = await fetch("/console/chat", {
      method: "POST", signal: abort.signal, headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ messages, attributes: attributes(), max_tokens: Number(form.elements.max.value), temperature: Number(form.elements.temperature.value) }),
    });
    await lines(reply.body, (m) => {
      if (m.error) {
        end = "It failed: " + m.error;
      } else if (m.finish) {
        end = "The answer is complete: " + m.finish + ".";
      } else {
        text += m.text;
        say(place, m);
      }
    });
    messages.push({ role: "assistant", content: text });
    return end;
  };

  const busy = (on) => {
    send.disabled = on;
    stop.disabled = !on;
  };

  form.addEventListener("submit", async (e) => {
    e.preventDefault();
    const text = input.value.trim();
    if (text === "" || send.disabled) {
      return;
    }
    messages.push({ role: "user", content: text });
    turn("you", text);
    input.value = "";
    sets = new Map();
    table.replaceChildren();
    busy(true);
    state.textContent = "The model answers.";
    try {
      state.textContent = await answer();
    } catch (fault) {
      state.textContent = fault.name === "AbortError" ? "Stopped." : "It failed: " + fault.message;
    }
    busy(false);
  });
  stop.addEventListener("click", () => abort?.abort());
  for (const slider of form.querySelectorAll("[data-attribute]")) {
    const shown = form.querySelector(`output[for="${slider.id}"]`);
    slider.addEventListener("input", () => {
      shown.textContent = slider.value === "-1" ? "default" : slider.value;
      slider.setAttribute("aria-valuetext", shown.textContent);
    });
  }
})();
