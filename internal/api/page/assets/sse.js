// A reader of server-sent events over fetch, as WHATWG's HTML standard defines
// them: EventSource cannot send a POST.

// Lines splits a stream of bytes into lines that end in LF, CR or CR LF. A
// character, and a CR LF, may come in two chunks.
class Lines {
  #decoder = new TextDecoder();
  #rest = "";
  #afterCR = false;

  // add returns the lines that bytes complete.
  add(bytes) {
    let text = this.#decoder.decode(bytes, { stream: true });
    if (this.#afterCR && text !== "") {
      this.#afterCR = false;
      if (text[0] === "\n") {
        text = text.slice(1);
      }
    }
    if (text === "") {
      return [];
    }
    this.#afterCR = text.endsWith("\r");
    const lines = (this.#rest + text).split(/\r\n|\r|\n/);
    this.#rest = lines.pop();
    return lines;
  }
}

// parser returns a function that takes chunks of bytes and returns the items
// that they complete: {data, event} for an event, {comment} for a comment line,
// as a heartbeat is. An event that the end of a stream cuts is dropped.
export function parser() {
  const lines = new Lines();
  let data = [];
  let event = "";
  return (bytes) => {
    const items = [];
    for (const line of lines.add(bytes)) {
      if (line === "") {
        if (data.length > 0) {
          items.push({ data: data.join("\n"), event });
        }
        data = [];
        event = "";
        continue;
      }
      const colon = line.indexOf(":");
      if (colon === 0) {
        items.push({ comment: line.slice(1).trim() });
        continue;
      }
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (field === "data") {
        data.push(value);
      } else if (field === "event") {
        event = value;
      }
    }
    return items;
  };
}

// events yields the items of a response's body until its end.
export async function* events(body) {
  const parse = parser();
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        return;
      }
      yield* parse(value);
    }
  } finally {
    reader.cancel().catch(() => {}); // a consumer that left early ends the request
  }
}
