// make returns an element. Children that are strings become text nodes, so no
// text is ever read as HTML. Attributes that are false or null are left out.
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "onclick") {
      element.addEventListener("click", value);
    } else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children);
  return element;
}

// find returns the element of index.html with an id.
export const find = (id) => document.getElementById(id);

// languageOf is the value of lang for a text: Japanese has kana, and its
// characters then get Japanese glyphs and a Japanese voice.
export function languageOf(text) {
  return /[\u3040-\u30ff]/.test(text) ? "ja" : null;
}

// setLanguage marks an element with the language of its text.
export function setLanguage(element, text) {
  const language = languageOf(text);
  if (language) {
    element.lang = language;
  } else {
    element.removeAttribute("lang");
  }
}

// copy puts a text into the clipboard. Browsers offer navigator.clipboard on
// https and localhost only; a router on a local network has neither.
export async function copy(text) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const area = make("textarea", { class: "unseen", "aria-hidden": "true", tabindex: "-1" });
  area.value = text;
  const focused = document.activeElement;
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  focused?.focus();
  if (!copied) {
    throw new Error("the browser refused to copy");
  }
}

// copyButton copies what read returns, and says so for a moment.
export function copyButton(label, read) {
  const button = make("button", { type: "button", class: "link" }, label);
  button.addEventListener("click", async () => {
    try {
      await copy(read());
      button.textContent = "Copied";
    } catch {
      button.textContent = "Not copied";
    }
    setTimeout(() => { button.textContent = label; }, 1500);
  });
  return button;
}
