// Draws the lines of the overview. The table below them has the same numbers.
"use strict";

(() => {
  const every = 10000; // the server makes a sample that often
  const names = {
    tokens: "tokens/s", first50: "p50", first99: "p99", next50: "p50", next99: "p99", running: "running", waiting: "waiting",
  };
  const root = document.querySelector("[data-history]");
  const drawings = [];

  const color = (name) => {
    const probe = document.createElement("span");
    probe.className = "hidden";
    probe.style.color = `var(${name})`;
    document.body.append(probe);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  };

  const draw = (place, data) => {
    const series = place.dataset.series.split(" ");
    const ink = color("--ink");
    const axis = { stroke: ink, grid: { stroke: color("--line"), width: 1 }, ticks: { stroke: color("--line") } };
    const plot = new uPlot({
      width: place.clientWidth, height: 220, tzDate: (ts) => uPlot.tzDate(new Date(ts * 1000), "UTC"), cursor: { drag: { x: false, y: false } },
      scales: { y: { range: (_, low, high) => [0, Math.max(high ?? 0, 0.001) * 1.1] } },
      axes: [axis, { ...axis, size: 60 }],
      // The second line is dashed: the color does not tell them apart by itself.
      series: [{}, ...series.map((name, i) => ({ label: names[name], stroke: color(`--line${i + 1}`), width: 2, dash: i === 1 ? [6, 4] : undefined }))],
    }, columns(series, data), place);
    drawings.push({ place, plot, series });
  };

  const columns = (series, data) => [data.time, ...series.map((name) => data[name] ?? [])];

  const load = async () => {
    const answer = await fetch(root.dataset.history, { headers: { Accept: "application/json" } });
    return answer.ok ? answer.json() : null;
  };

  const begin = async () => {
    const data = await load();
    if (!data) {
      return;
    }
    for (const place of root.querySelectorAll(".chart")) {
      draw(place, data);
    }
    root.dataset.drawn = String(data.time.length);
  };

  const again = async () => {
    if (document.documentElement.dataset.live !== "on") {
      return;
    }
    const data = await load();
    for (const d of data ? drawings : []) {
      d.plot.setData(columns(d.series, data));
    }
  };

  const redraw = async () => {
    for (const d of drawings.splice(0)) {
      d.plot.destroy();
    }
    await begin();
  };

  addEventListener("resize", () => {
    for (const d of drawings) {
      d.plot.setSize({ width: d.place.clientWidth, height: 220 });
    }
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  setInterval(again, every);
  begin();
})();
