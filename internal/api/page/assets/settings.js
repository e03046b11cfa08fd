import { find, make } from "./dom.js";
import { keepKey, readKey } from "./key.js";

const key = "hachi.settings";

// names are the SteerLM attributes, in the order of their prompt.
const names = ["helpfulness", "correctness", "coherence", "complexity", "verbosity", "quality", "toxicity", "humor", "creativity"];

// unset is the place of a slider that leaves the model's default.
const unset = -1;

// wide is where the settings stand beside the conversation; elsewhere they
// cover it.
const wide = matchMedia("(min-width: 68rem)");

// Settings are the panel of what a request asks for besides its messages. They
// are kept in this browser.
export class Settings {
  #panel = find("settings");
  #toggle = find("settings-toggle");
  #sliders = new Map();
  #inputs = { system: find("system"), temperature: find("temperature"), maxTokens: find("max-tokens"), seed: find("seed") };

  constructor() {
    for (const name of names) {
      find("sliders").append(this.#makeSlider(name));
    }
    this.#restore();
    for (const input of Object.values(this.#inputs)) {
      input.addEventListener("input", () => this.#save());
    }
    find("attributes-reset").addEventListener("click", () => {
      this.setAttributes({});
      this.#sliders.get(names[0]).input.focus();
    });
    this.#toggle.addEventListener("click", () => (this.#panel.open ? this.close() : this.open()));
    find("settings-close").addEventListener("click", () => this.close());
    this.#panel.addEventListener("close", () => this.#toggle.setAttribute("aria-expanded", "false"));
    wide.addEventListener("change", () => {
      if (this.#panel.open) {
        this.#panel.close();
        this.open();
      }
    });
    this.#followKey();
    this.allow([]); // until the model is known
  }

  // followKey shows the field of the API key once the server asks for one.
  #followKey() {
    const input = find("api-key");
    const setting = find("api-key-setting");
    input.value = readKey();
    setting.hidden = input.value === "";
    input.addEventListener("change", () => {
      input.value = input.value.trim();
      if (input.reportValidity()) {
        keepKey(input.value);
      }
    });
    addEventListener("keyneeded", () => {
      if (setting.hidden) {
        setting.hidden = false;
        this.open();
        input.focus();
      }
    });
  }

  #makeSlider(name) {
    const id = `attribute-${name}`;
    const value = make("output", { for: id });
    const input = make("input", { id, type: "range", min: String(unset), max: "4", step: "1", value: String(unset) });
    const label = make("label", { for: id }, name);
    this.#sliders.set(name, { input, value });
    input.addEventListener("input", () => {
      this.#showSlider(name);
      this.#save();
    });
    this.#showSlider(name);
    return make("div", { class: "slider" }, label, input, value);
  }

  #showSlider(name) {
    const { input, value } = this.#sliders.get(name);
    const set = Number(input.value) !== unset;
    value.textContent = set ? input.value : "default";
    input.classList.toggle("set", set);
    input.setAttribute("aria-valuetext", set ? input.value : "model default");
  }

  // allow enables the attributes that the model's template reads.
  allow(read) {
    for (const [name, { input }] of this.#sliders) {
      input.disabled = !read.includes(name);
      input.closest(".slider").classList.toggle("off", input.disabled);
    }
    find("attributes-reset").disabled = read.length === 0;
    find("attributes-hint").textContent = read.length === 0
      ? "The template of this model reads no attributes."
      : "The values of your next message, from 0 to 4.";
  }

  // attributes are those that are set and that the model reads.
  attributes() {
    const set = {};
    for (const [name, { input }] of this.#sliders) {
      if (!input.disabled && Number(input.value) !== unset) {
        set[name] = Number(input.value);
      }
    }
    return set;
  }

  setAttributes(values) {
    for (const [name, { input }] of this.#sliders) {
      input.value = String(values[name] ?? unset);
      this.#showSlider(name);
    }
    this.#save();
  }

  get system() {
    return this.#inputs.system.value;
  }

  // sampling are the parameters of a request. An input that the browser refuses
  // is reported where it is, and sampling is null.
  sampling() {
    const out = {};
    for (const [input, parameter] of [["temperature", "temperature"], ["maxTokens", "max_tokens"], ["seed", "seed"]]) {
      const element = this.#inputs[input];
      if (!element.checkValidity()) {
        this.open();
        element.reportValidity();
        return null;
      }
      if (element.value !== "") {
        out[parameter] = element.valueAsNumber;
      }
    }
    return out;
  }

  open() {
    if (!this.#panel.open) {
      wide.matches ? this.#panel.show() : this.#panel.showModal();
    }
    this.#toggle.setAttribute("aria-expanded", "true");
  }

  close() {
    this.#panel.close();
    this.#toggle.focus();
  }

  #save() {
    const values = Object.fromEntries(Object.entries(this.#inputs).map(([name, input]) => [name, input.value]));
    const attributes = Object.fromEntries([...this.#sliders].map(([name, { input }]) => [name, Number(input.value)]));
    localStorage.setItem(key, JSON.stringify({ ...values, attributes }));
  }

  #restore() {
    let kept = {};
    try {
      kept = JSON.parse(localStorage.getItem(key)) ?? {};
    } catch {
      return; // what an older page kept
    }
    for (const [name, input] of Object.entries(this.#inputs)) {
      input.value = kept[name] ?? "";
    }
    for (const [name, { input }] of this.#sliders) {
      input.value = String(kept.attributes?.[name] ?? unset);
      this.#showSlider(name);
    }
  }
}
