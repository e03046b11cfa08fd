import { answer } from "./answering.js";
import { Connection } from "./connection.js";
import { Conversation } from "./conversation.js";
import { find, languageOf } from "./dom.js";
import { showExamples } from "./examples.js";
import { Settings } from "./settings.js";
import { followTheme } from "./themebutton.js";
import { AnswerView, QuestionView } from "./turn.js";

const conversation = new Conversation();
const settings = new Settings();
const message = find("message");
const views = []; // one for each turn

let running = null; // the AbortController of the answer that is being written
let editing = false; // the next message replaces the last one

// show makes the list of turns new, from a turn on.
function show(from = 0) {
  for (const view of views.splice(from)) {
    view.element.remove();
  }
  for (const turn of conversation.turns.slice(from)) {
    const view = turn.role === "user" ? new QuestionView(turn, edit) : new AnswerView(turn, retry);
    views.push(view);
    find("turns").append(view.element);
  }
  offer();
}

// offer shows the controls that fit the state.
function offer() {
  views.forEach((view, i) => view.offer(i >= views.length - 2 && !running));
  find("welcome").hidden = views.length > 0;
  find("stop").hidden = !running;
  find("send").hidden = Boolean(running);
  find("send").disabled = !connection.ready || message.value.trim() === "";
  for (const example of find("examples").querySelectorAll("button")) {
    example.disabled = !connection.ready;
  }
  find("new").disabled = views.length === 0;
  find("editing").hidden = !editing;
}

// atEnd reports whether the end of the conversation can be seen: only then does
// it follow the answer.
function atEnd() {
  const { scrollHeight, clientHeight, scrollTop } = document.documentElement;
  return scrollHeight - clientHeight - scrollTop < 80;
}

const scrollToEnd = () => window.scrollTo(0, document.documentElement.scrollHeight);

// speak has a screen reader read a text when it is idle.
function speak(text) {
  find("spoken").lang = languageOf(text) ?? "en";
  find("spoken").textContent = text;
}

// ask puts a message after the first n turns, and waits for the answer.
async function ask(n, content) {
  const sampling = settings.sampling();
  if (running || !connection.ready || !sampling) {
    return false;
  }
  const turn = conversation.ask(n, content, settings.attributes());
  running = new AbortController();
  show(n);
  scrollToEnd();
  speak("The answer begins.");
  const body = { model: connection.model.id, messages: conversation.messages(settings.system), ...sampling };
  const view = views.at(-1);
  answer(turn, body, running.signal, () => {
    const follow = atEnd();
    view.update();
    if (follow) {
      requestAnimationFrame(scrollToEnd);
    }
  }).finally(() => {
    running = null;
    conversation.save();
    offer();
    if (conversation.turns.includes(turn)) { // and no new chat has begun
      speak(turn.state === "failed" ? "" : turn.content || "The answer is empty.");
    }
    if (turn.state === "failed") {
      connection.check();
    }
    if (document.activeElement === document.body) { // the Stop button had the focus and is hidden now
      message.focus();
    }
  });
  return true;
}

async function send() {
  const content = message.value;
  if (content.trim() === "") {
    return;
  }
  const last = conversation.lastUser();
  if (await ask(editing && last >= 0 ? last : conversation.turns.length, content)) {
    editing = false;
    message.value = "";
    fit();
    offer();
  }
}

function retry() {
  const last = conversation.lastUser();
  ask(last, conversation.turns[last].content);
  message.focus();
}

function edit() {
  editing = true;
  const turn = conversation.turns[conversation.lastUser()];
  message.value = turn.content;
  settings.setAttributes(turn.attributes ?? {});
  fit();
  offer();
  message.focus();
}

function endEditing() {
  editing = false;
  message.value = "";
  fit();
  offer();
  message.focus();
}

function stop() {
  running?.abort();
}

// fit makes the field as high as its text.
function fit() {
  message.style.height = "auto";
  message.style.height = `${message.scrollHeight}px`;
}

find("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});

message.addEventListener("input", () => {
  fit();
  offer();
});

message.addEventListener("keydown", (event) => {
  // The Enter that ends a composition belongs to the input method. Safari ends
  // the composition first; its key code then still is 229.
  if (event.isComposing || event.keyCode === 229) {
    return;
  }
  if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    send();
  } else if (event.key === "ArrowUp" && message.value === "" && !running && conversation.lastUser() >= 0) {
    event.preventDefault();
    edit();
  }
});

addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.isComposing || event.keyCode === 229 || find("settings").matches(":modal")) {
    return;
  }
  if (running) {
    stop();
  } else if (editing) {
    endEditing();
  }
});

find("stop").addEventListener("click", stop);
find("editing-end").addEventListener("click", endEditing);
find("new").addEventListener("click", () => {
  stop();
  conversation.clear();
  editing = false;
  show();
  message.focus();
});
addEventListener("beforeunload", stop); // before the browser cuts the answer off as a failure
addEventListener("pagehide", () => {
  stop();
  conversation.save();
});

let model = null;
const connection = new Connection(() => {
  if (connection.model && connection.model.id !== model?.id) {
    model = connection.model;
    settings.allow(model.attributes ?? []);
    showExamples(model, (example) => {
      settings.setAttributes(example.attributes ?? {});
      ask(conversation.turns.length, example.text);
    });
  }
  offer();
});

followTheme();
conversation.load();
show();
message.focus();
