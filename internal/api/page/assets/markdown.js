import { copyButton, make } from "./dom.js";
import { inline } from "./inline.js";

// Markdown in blocks: headings, paragraphs, lists, quotations, code, tables and
// rules. The part that chat models write is read; the rest is text.

// maxDepth bounds lists and quotations within each other.
const maxDepth = 6;

// maxColumns bounds a table: more of them is text.
const maxColumns = 20;

const fence = /^ {0,3}(`{3,}|~{3,})\s*([^`]*)$/;
const heading = /^ {0,3}(#{1,6})(?:\s+(.*))?$/;
const rule = /^ {0,3}(?:(?:\*\s*){3,}|(?:-\s*){3,}|(?:_\s*){3,})$/;
const quote = /^ {0,3}> ?(.*)$/;
const item = /^( {0,3})([-*+]|\d{1,9}[.)])(?:\s+(.*))?$/;
const delimiters = /^\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$/;

// blocks splits a text into blocks, each with its source and a function that
// builds its element. While an answer grows, only its last block changes.
export function blocks(text, depth = 0) {
  const lines = text.replaceAll("\0", "\ufffd").split(/\r\n|\r|\n/);
  const all = [];
  const sections = []; // marks of the headings that a block stands below
  for (let at = 0; at < lines.length;) {
    if (lines[at].trim() === "") {
      at++;
      continue;
    }
    const { end, build } = heading.test(lines[at]) ? headingAt(lines, at, sections) : blockAt(lines, at, depth);
    all.push({ source: lines.slice(at, end).join("\n"), build });
    at = end;
  }
  return all;
}

// build returns the elements of a text.
const build = (text, depth) => blocks(text, depth).map((block) => block.build());

// blockAt reads the block that begins with a line: the line after it, and its
// element.
function blockAt(lines, at, depth) {
  const line = lines[at];
  if (fence.test(line)) {
    return codeAt(lines, at);
  }
  if (rule.test(line)) {
    return { end: at + 1, build: () => make("hr") };
  }
  if (quote.test(line) && depth < maxDepth) {
    return quoteAt(lines, at, depth);
  }
  if (item.test(line) && depth < maxDepth) {
    return listAt(lines, at, depth);
  }
  return tableAt(lines, at) ?? paragraphAt(lines, at, depth);
}

// headingAt reads a heading. Its level counts the headings above it: models begin
// with any number of marks, and a screen reader expects no level to be left out.
// The page itself has the first two levels.
function headingAt(lines, at, sections) {
  const [, marks, text = ""] = heading.exec(lines[at]);
  while (sections.at(-1) >= marks.length) {
    sections.pop();
  }
  sections.push(marks.length);
  const level = Math.min(6, 2 + sections.length);
  return { end: at + 1, build: () => make(`h${level}`, {}, ...inline(text.replace(/\s+#+\s*$/, ""))) };
}

// codeAt reads fenced code, to its fence or, while it is still being written, to
// the end.
function codeAt(lines, at) {
  const [, mark, info] = fence.exec(lines[at]);
  let end = at + 1;
  while (end < lines.length && !(lines[end].trim().startsWith(mark) && lines[end].trim().replaceAll(mark[0], "") === "")) {
    end++;
  }
  const code = lines.slice(at + 1, end).join("\n");
  const language = info.trim().split(/\s+/)[0].slice(0, 20);
  return {
    end: Math.min(end + 1, lines.length),
    build: () => make("figure", { class: "code" },
      make("figcaption", {}, make("span", {}, language || "code"), copyButton("Copy code", () => code)),
      // What scrolls must be reachable by keyboard. Landmarks would need names of their own.
      make("pre", { tabindex: "0", role: "group", "aria-label": `Code${language ? `: ${language}` : ""}` }, make("code", {}, code))),
  };
}

function quoteAt(lines, at, depth) {
  let end = at;
  while (end < lines.length && quote.test(lines[end])) {
    end++;
  }
  const text = lines.slice(at, end).map((line) => quote.exec(line)[1]).join("\n");
  return { end, build: () => make("blockquote", {}, ...build(text, depth + 1)) };
}

// listAt reads items with the same kind of mark. Lines that are indented belong
// to the item above, and so do lines that continue its paragraph.
function listAt(lines, at, depth) {
  const ordered = (mark) => /\d/.test(mark);
  const first = item.exec(lines[at]);
  const items = [];
  let end = at;
  while (end < lines.length) {
    const found = item.exec(lines[end]);
    const line = lines[end];
    const sibling = found && ordered(found[2]) === ordered(first[2]) && found[1].length < first[1].length + 2;
    if (sibling && !rule.test(line)) {
      items.push([found[3] ?? ""]);
    } else if (/^(?: {2,}|\t)/.test(line)) {
      items.at(-1).push(line.replace(/^(?: {2,3}|\t)/, ""));
    } else if (line.trim() === "") {
      if (!/^(?: {2,}|\t)/.test(lines[end + 1] ?? "") && !item.test(lines[end + 1] ?? "")) {
        break;
      }
      items.at(-1).push("");
    } else if (found || lines[end - 1].trim() === "" || startsBlock(line)) {
      break;
    } else {
      items.at(-1).push(line);
    }
    end++;
  }
  return { end, build: () => buildList(items, ordered(first[2]) ? Number.parseInt(first[2], 10) : null, depth) };
}

// buildList makes a list that counts from start, or has points where start is
// null. A paragraph that is the whole of an item has no element of its own.
function buildList(items, start, depth) {
  const list = start === null ? make("ul") : make("ol", { start: start === 1 ? null : start });
  for (const lines of items) {
    const children = build(lines.join("\n"), depth + 1);
    if (children[0]?.tagName === "P") {
      children.splice(0, 1, ...children[0].childNodes);
    }
    list.append(make("li", {}, ...children));
  }
  return list;
}

// cells splits a row of a table; \| is a character of a cell.
function cells(line) {
  const row = line.trim().replace(/^\|/, "").replace(/\|$/, "");
  return row.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

function tableAt(lines, at) {
  if (!lines[at].includes("|") || !delimiters.test(lines[at + 1] ?? "")) {
    return null;
  }
  const head = cells(lines[at]);
  const columns = cells(lines[at + 1]);
  if (head.length !== columns.length || head.length > maxColumns) {
    return null;
  }
  let end = at + 2;
  while (end < lines.length && lines[end].includes("|")) {
    end++;
  }
  const rows = lines.slice(at + 2, end).map(cells);
  const classes = columns.map((c) => (/^:.*:$/.test(c) ? "center" : c.endsWith(":") ? "right" : null));
  const row = (tag, texts) => make("tr", {}, ...classes.map((name, i) => make(tag, { class: name, scope: tag === "th" ? "col" : null }, ...inline(texts[i] ?? ""))));
  return {
    end,
    build: () => make("div", { class: "table", tabindex: "0", role: "group", "aria-label": "Table" },
      make("table", {}, make("thead", {}, row("th", head)), make("tbody", {}, ...rows.map((texts) => row("td", texts))))),
  };
}

// startsBlock reports whether a line ends the paragraph before it.
const startsBlock = (line) => fence.test(line) || heading.test(line) || rule.test(line) || quote.test(line);

function paragraphAt(lines, at, depth) {
  let end = at + 1;
  while (end < lines.length && lines[end].trim() !== "" && !(depth < maxDepth && (startsBlock(lines[end]) || item.test(lines[end]))) && !tableAt(lines, end)) {
    end++;
  }
  const text = lines.slice(at, end).map((line) => line.trim()).join("\n");
  return { end, build: () => make("p", {}, ...inline(text)) };
}

// Markdown shows a text that grows. Blocks that did not change keep their
// elements, so a selection and the focus stay where they are.
export class Markdown {
  #element;
  #shown = [];

  constructor(element) {
    this.#element = element;
  }

  show(text) {
    const all = blocks(text);
    let same = 0;
    while (same < all.length && same < this.#shown.length && all[same].source === this.#shown[same]) {
      same++;
    }
    for (let i = this.#shown.length; i > same; i--) {
      this.#element.lastChild.remove();
    }
    this.#element.append(...all.slice(same).map((block) => block.build()));
    this.#shown = all.map((block) => block.source);
  }
}
