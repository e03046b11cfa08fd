import { askForKey, authorization } from "./key.js";
import { events } from "./sse.js";

// APIError is a failure that the server described, or that kept its answer from
// arriving. remedy says what the reader of the message can do.
export class APIError extends Error {
  constructor(message, { status = 0, code = null, requestID = null, retryAfter = null } = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.requestID = requestID;
    this.retryAfter = retryAfter;
  }

  get remedy() {
    if (this.code === "context_length_exceeded") {
      return "Start a new chat, or shorten the message.";
    }
    switch (this.status) {
      case 0:
        return "The page connects again by itself. Then try again.";
      case 401:
        return "Write the API key of this server into the settings, then try again.";
      case 403:
        return "The API key does not allow this. Ask the operator of the server.";
      case 429:
        return this.code === "insufficient_quota"
          ? "The budget of the API key is used up. Ask the operator of the server."
          : `The server takes no more requests now. Try again in ${this.retryAfter ?? "a few"} s.`;
      case 503:
        return "The header says when the server is ready. Then try again.";
      case 504:
        return "The answer took longer than the server allows. Ask for fewer tokens, or try again.";
    }
    return this.status >= 500
      ? "This is a fault of the server; its log has the request. Try again."
      : "Change the message or the settings, then try again.";
  }
}

// fromBody makes an APIError of an error object as the API writes it.
function fromBody(error, details = {}) {
  return new APIError(error?.message ?? "the server did not say why", {
    ...details, code: error?.code ?? null, requestID: error?.request_id ?? null,
  });
}

// fromResponse reads the error of a response that is not ok.
async function fromResponse(response) {
  const details = { status: response.status, retryAfter: response.headers.get("Retry-After") };
  try {
    return fromBody((await response.json()).error, details);
  } catch {
    return new APIError(`the server answered ${response.status} ${response.statusText}`.trim(), details);
  }
}

// request is fetch with failures as APIError. An abort stays an AbortError.
async function request(path, options) {
  let response;
  try {
    response = await fetch(path, { ...options, headers: { ...options.headers, ...authorization() } });
  } catch (err) {
    if (err.name === "AbortError") {
      throw err;
    }
    throw new APIError(`no server answers at ${location.origin}`);
  }
  if (response.status === 401) {
    askForKey();
  }
  if (!response.ok) {
    throw await fromResponse(response);
  }
  return response;
}

// readModel returns the model card of the one model.
export async function readModel(signal) {
  const list = await (await request("/v1/models", { signal })).json();
  return list.data[0];
}

// readReady returns when the server is ready, and throws an APIError otherwise.
export async function readReady(signal) {
  await (await request("/readyz", { signal, cache: "no-store" })).text();
}

// statusOf is the HTTP status that an error within a stream would have had.
function statusOf(error) {
  return { invalid_request_error: 400, rate_limit_error: 429, timeout_error: 504 }[error.type] ?? 500;
}

// streamChat sends a request for a chat completion and yields what arrives, in
// order: {content}, {reasoning}, {finish}, {usage}, {nodes}, and {waiting} for a
// heartbeat. It throws an APIError when the answer ends without its end.
export async function* streamChat(body, signal) {
  const response = await request("/v1/chat/completions", {
    method: "POST", signal,
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ ...body, stream: true, stream_options: { include_usage: true, include_nodes: true } }),
  });
  try {
    for await (const item of events(response.body)) {
      if (item.comment !== undefined) {
        yield { waiting: true };
      } else if (item.data === "[DONE]") {
        return;
      } else {
        yield* parts(JSON.parse(item.data));
      }
    }
  } catch (err) {
    if (err instanceof APIError || err.name === "AbortError") {
      throw err;
    }
    throw new APIError("the connection ended in the middle of the answer");
  }
  throw new APIError("the connection ended in the middle of the answer");
}

// parts are what one chunk says.
function* parts(chunk) {
  if (chunk.error) {
    throw fromBody(chunk.error, { status: statusOf(chunk.error) });
  }
  for (const { delta, finish_reason: finish } of chunk.choices ?? []) {
    if (delta?.reasoning_content) {
      yield { reasoning: delta.reasoning_content };
    }
    if (delta?.content) {
      yield { content: delta.content };
    }
    if (finish) {
      yield { finish };
    }
  }
  if (chunk.usage) {
    yield { usage: chunk.usage };
  }
  if (chunk.hachi?.nodes) {
    yield { nodes: chunk.hachi.nodes };
  }
}
