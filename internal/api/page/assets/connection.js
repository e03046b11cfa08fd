import { readModel, readReady } from "./api.js";
import { find } from "./dom.js";

const whenReady = 5000;
const whenNot = 1000;

// Connection follows whether the server can answer, and shows it. It asks
// again by itself, often while the server is not ready.
export class Connection {
  ready = false;
  model = null;
  #onChange;
  #timer = 0;
  #asking = false;

  constructor(onChange) {
    this.#onChange = onChange;
    document.addEventListener("visibilitychange", () => document.hidden || this.check());
    addEventListener("online", () => this.check());
    addEventListener("keychange", () => {
      this.ready = false;
      this.check();
    });
    this.check();
  }

  // check asks the server now, and then from time to time while the page can be
  // seen.
  async check() {
    if (this.#asking) {
      return;
    }
    this.#asking = true;
    clearTimeout(this.#timer);
    try {
      // A router that came back may serve another model.
      if (!this.ready) {
        this.model = await readModel(AbortSignal.timeout(10000));
      }
      await readReady(AbortSignal.timeout(10000));
      this.#show(true, this.model.id, "");
    } catch (err) {
      this.#show(false, ...this.#explain(err));
    } finally {
      this.#asking = false;
      if (!document.hidden) {
        this.#timer = setTimeout(() => this.check(), this.ready ? whenReady : whenNot);
      }
    }
  }

  #explain(err) {
    if (err.status === 503) {
      return ["not ready", `The server is not ready: ${err.message}. Messages can be sent as soon as it is.`];
    }
    if (err.status === 401) {
      return ["no API key", "The server asks for an API key. Write it into the settings."];
    }
    const why = err.status ? `The server answered ${err.status}: ${err.message}.` : `No server answers at ${location.origin}.`;
    return ["no connection", `${why} The page connects again by itself. hachi up starts a server.`];
  }

  #show(ready, text, notice) {
    const place = find("connection-text");
    const element = find("notice");
    // Only changes are written: both elements are read aloud.
    if (place.textContent !== text) {
      place.textContent = text;
    }
    if (element.textContent !== notice) {
      element.textContent = notice;
    }
    element.hidden = notice === "";
    find("connection").dataset.ready = String(ready);
    this.ready = ready;
    this.#onChange();
  }
}
