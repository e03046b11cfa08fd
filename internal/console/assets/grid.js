// The grid of experts: one cell is in the order of Tab, arrow keys move between cells,
// and Enter shows where an expert lives.
"use strict";

(() => {
  const grid = document.getElementById("grid");
  const panel = document.getElementById("expert");
  const cells = [...grid.querySelectorAll("td[data-e]")];
  const rows = [...grid.tBodies[0].rows].map((row) => [...row.querySelectorAll("td[data-e]")]);
  let current = cells[0];

  const focus = (cell) => {
    if (!cell) {
      return;
    }
    current.tabIndex = -1;
    current = cell;
    current.tabIndex = 0;
    current.focus();
  };

  const show = (cell) => htmx.ajax("GET", "/console/experts/" + cell.dataset.e, { target: panel, swap: "innerHTML" });

  const close = () => {
    panel.replaceChildren();
    current.focus();
  };

  // beside finds the cell that an arrow key leads to. Dense layers have no cells.
  const beside = (cell, down, right) => {
    let row = rows.findIndex((all) => all.includes(cell));
    const column = rows[row].indexOf(cell);
    if (right !== 0) {
      return rows[row][column + right];
    }
    do {
      row += down;
    } while (rows[row] && rows[row].length === 0);
    return rows[row]?.[Math.min(column, rows[row].length - 1)];
  };

  const keys = {
    ArrowUp: (cell) => focus(beside(cell, -1, 0)),
    ArrowDown: (cell) => focus(beside(cell, 1, 0)),
    ArrowLeft: (cell) => focus(beside(cell, 0, -1)),
    ArrowRight: (cell) => focus(beside(cell, 0, 1)),
    Home: (cell) => focus(cell.parentElement.querySelector("td[data-e]")),
    End: (cell) => focus([...cell.parentElement.querySelectorAll("td[data-e]")].at(-1)),
    Enter: show,
    " ": show,
  };

  grid.addEventListener("keydown", (e) => {
    const cell = e.target.closest("td[data-e]");
    if (cell && keys[e.key] && !e.ctrlKey && !e.metaKey && !e.altKey) {
      e.preventDefault();
      keys[e.key](cell);
    }
  });
  grid.addEventListener("click", (e) => {
    const cell = e.target.closest("td[data-e]");
    if (cell) {
      focus(cell);
      show(cell);
    }
  });
  panel.addEventListener("click", (e) => {
    if (e.target.closest("[data-close]")) {
      close();
    }
  });
  document.addEventListener("keydown", (e) => {
    if (e.key === "Escape" && panel.childElementCount > 0) {
      close();
    }
  });

  // The server sends the cells that have changed: index, class, text, label.
  document.addEventListener("cells", (e) => {
    const began = performance.now();
    for (const [index, look, text, label] of e.detail) {
      const cell = cells[index];
      cell.className = look;
      cell.textContent = text;
      cell.setAttribute("aria-label", label);
    }
    grid.dataset.took = String(performance.now() - began);
  });
})();
