// Keeps a page up to date by server-sent events, until a person pauses it. A part of
// the page is morphed in place, so that focus and open details stay.
"use strict";

(() => {
  const announcer = document.getElementById("announce");
  const pause = document.getElementById("pause");
  const path = announcer.dataset.live;
  if (!path) {
    return;
  }
  const key = "hachi.console.paused";
  let source = null;

  const events = {
    part: (html) => htmx.swap({ target: document.getElementById("live"), text: html, swap: "innerMorph", sourceElement: document.body }),
    announce: (text) => {
      announcer.textContent = text;
    },
    reload: () => location.reload(),
  };

  const start = () => {
    source = new EventSource(path);
    for (const [name, act] of Object.entries(events)) {
      source.addEventListener(name, (e) => act(JSON.parse(e.data)));
    }
    source.addEventListener("cells", (e) => document.dispatchEvent(new CustomEvent("cells", { detail: JSON.parse(e.data) })));
    source.addEventListener("open", () => {
      document.documentElement.dataset.live = "on";
    });
    source.addEventListener("error", () => {
      document.documentElement.dataset.live = "lost";
      if (source.readyState === EventSource.CLOSED) { // signed out, or the process ends
        announcer.textContent = "Updates have stopped: load the page again.";
      }
    });
  };

  const stop = () => {
    source?.close();
    source = null;
    document.documentElement.dataset.live = "off";
  };

  const show = (paused) => {
    pause.setAttribute("aria-pressed", String(paused));
    sessionStorage.setItem(key, paused ? "1" : "");
    if (paused) {
      stop();
    } else {
      start();
    }
  };

  pause.addEventListener("click", () => show(pause.getAttribute("aria-pressed") !== "true"));
  addEventListener("pagehide", stop);
  show(sessionStorage.getItem(key) === "1");
})();
