import { make } from "./dom.js";

// Markdown within a line: code, emphasis, strikethrough, links. HTML is text,
// and so is everything that is not well formed. An image becomes a link: the
// page loads nothing from elsewhere.

// maxDepth bounds emphasis within emphasis, and with it the recursion.
const maxDepth = 6;

// maxLink and maxSpan bound how far the end of a link and of an emphasis is
// looked for, so that a text of opening marks only takes linear time.
const maxLink = 2000;
const maxSpan = 4000;

// safeURL returns the address of a link, or null: http and https, absolute.
export function safeURL(text) {
  if (!/^https?:\/\//i.test(text)) {
    return null;
  }
  try {
    const url = new URL(text);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}

// link makes a link that gives its target no handle on this page.
function link(url, children) {
  return make("a", { href: url, rel: "noopener noreferrer nofollow", target: "_blank" }, ...children);
}

// inline returns the nodes of a text.
export function inline(text, depth = 0) {
  const nodes = [];
  let plain = "";
  const add = (node) => {
    if (plain !== "") {
      nodes.push(plain);
      plain = "";
    }
    nodes.push(node);
  };
  let at = 0;
  const absent = new Set(); // closing marks that do not follow any more
  while (at < text.length) {
    const span = depth < maxDepth ? spanAt(text, at, depth, absent) : null;
    if (span) {
      if (typeof span.node === "string") {
        plain += span.node;
      } else {
        add(span.node);
      }
      at = span.end;
    } else {
      plain += text[at++];
    }
  }
  if (plain !== "") {
    nodes.push(plain);
  }
  return nodes;
}

// spanAt reads the span that begins at a position: its node and its end, or
// null where the character is text.
function spanAt(text, at, depth, absent) {
  switch (text[at]) {
    case "\\":
      return /[!-/:-@[-`{-~]/.test(text[at + 1] ?? "") ? { node: text[at + 1], end: at + 2 } : null;
    case "`":
      return codeAt(text, at, absent);
    case "*":
    case "_":
    case "~":
      return emphasisAt(text, at, depth, absent);
    case "!":
      return text[at + 1] === "[" ? linkAt(text, at + 1, depth) : null;
    case "[":
      return linkAt(text, at, depth);
    case "<":
    case "h":
      return autolinkAt(text, at);
    case "\n":
      return { node: make("br"), end: at + 1 };
  }
  return null;
}

// find is indexOf that remembers what is not there: without it a text of
// opening marks only would take quadratic time.
function find(text, mark, from, absent) {
  if (absent.has(mark)) {
    return -1;
  }
  const at = text.indexOf(mark, from);
  if (at < 0) {
    absent.add(mark);
  }
  return at;
}

function codeAt(text, at, absent) {
  const mark = /^`+/.exec(text.slice(at, at + 10))[0];
  const end = find(text, mark, at + mark.length, absent);
  if (end < 0) {
    return { node: mark, end: at + mark.length };
  }
  const code = text.slice(at + mark.length, end).replaceAll("\n", " ");
  const trimmed = /^ .*[^ ].* $/.test(code) ? code.slice(1, -1) : code;
  return { node: make("code", {}, trimmed), end: end + mark.length };
}

const emphases = [["***", "strong"], ["**", "strong"], ["__", "strong"], ["~~", "del"], ["*", "em"], ["_", "em"]];

function emphasisAt(text, at, depth, absent) {
  const found = emphases.find(([mark]) => text.startsWith(mark, at));
  if (!found) {
    return null;
  }
  const [mark, tag] = found;
  const from = at + mark.length;
  // An underscore within a word is a character of it, as in snake_case.
  const opens = from < text.length && !/\s/.test(text[from]) && !(mark[0] === "_" && /[\p{L}\p{N}]/u.test(text[at - 1] ?? ""));
  const end = opens ? closing(text, mark, from, absent) : -1;
  if (end < 0) {
    return { node: mark, end: from };
  }
  const children = inline(text.slice(from, end), depth + 1);
  const node = mark === "***" ? make("strong", {}, make("em", {}, ...children)) : make(tag, {}, ...children);
  return { node, end: end + mark.length };
}

// closing finds the mark that ends an emphasis: it follows a character, and is
// not part of a longer mark.
function closing(text, mark, from, absent) {
  const limit = from + maxSpan;
  for (let end = find(text, mark, from, absent); end >= 0 && end < limit; end = find(text, mark, end + 1, absent)) {
    if (end === from || /\s/.test(text[end - 1])) {
      continue;
    }
    if (mark.length === 1 && (text[end + 1] === mark || text[end - 1] === mark)) {
      continue;
    }
    if (mark[0] === "_" && /[\p{L}\p{N}]/u.test(text[end + mark.length] ?? "")) {
      continue;
    }
    return end;
  }
  return -1;
}

// linkAt reads [text](address).
function linkAt(text, at, depth) {
  const part = text.slice(at, at + maxLink);
  const match = /^\[((?:[^[\]\\]|\\.)*)\]\(\s*<?([^\s<>()]*(?:\([^\s<>()]*\)[^\s<>()]*)?)>?(?:\s+"[^"]*")?\s*\)/.exec(part);
  const url = match && safeURL(match[2]);
  if (!url) {
    return null;
  }
  const children = inline(match[1], depth + 1).filter((node) => typeof node === "string" || node.tagName !== "A");
  return { node: link(url, children.length > 0 ? children : [match[2]]), end: at + match[0].length };
}

// autolinkAt reads <https://…> and https://….
function autolinkAt(text, at) {
  if (/[\p{L}\p{N}]/u.test(text[at - 1] ?? "")) {
    return null;
  }
  const part = text.slice(at, at + maxLink);
  const match = /^<(https?:\/\/[^\s<>]+)>/i.exec(part) ?? /^(https?:\/\/[^\s<>"'`\u3000-\u303f\uff00-\uffef]+)/i.exec(part);
  if (!match) {
    return null;
  }
  let shown = match[1];
  if (text[at] !== "<") { // a sentence's end is no part of an address
    shown = shown.replace(/[.,:;!?*_~]+$/, "");
    if (shown.endsWith(")") && !shown.includes("(")) {
      shown = shown.slice(0, -1);
    }
  }
  const url = safeURL(shown);
  return url && { node: link(url, [shown]), end: at + (text[at] === "<" ? match[0].length : shown.length) };
}
