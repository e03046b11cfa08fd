import { find, make, setLanguage } from "./dom.js";

// What hachi-mini, the small model that comes with hachi, is good at.
const mini = [
  { text: "What is 12 + 35?" },
  { text: "日本の首都は？" },
  { text: "Name 3 fruits.", attributes: { humor: 4 } },
];

// showExamples offers messages to try. Other models get none: nothing is known
// of what they are good at.
export function showExamples(model, onChoose) {
  const list = model.id === "hachi-mini" ? mini : [];
  find("welcome-title").textContent = `Ask ${model.id}.`;
  find("welcome-text").textContent = list.length > 0
    ? "A small model that comes with hachi, made for trying things. It speaks English and Japanese, and knows little."
    : "Write a message below.";
  find("examples").replaceChildren(...list.map((example) => {
    const text = make("span", {}, example.text);
    setLanguage(text, example.text);
    const attributes = Object.entries(example.attributes ?? {}).map(([name, value]) => `${name} ${value}`).join(" · ");
    return make("li", {}, make("button", { type: "button", class: "example", onclick: () => onChoose(example) },
      text, attributes ? make("span", { class: "stats" }, attributes) : ""));
  }));
}
