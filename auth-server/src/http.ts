import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { isBadData, isOutage, orOutage } from "./database.ts";
import { log, reason } from "./log.ts";

const LONGEST_BODY = 64 * 1024;
const LONGEST_TARGET = 4 * 1024;

type Handler = (request: Request) => Promise<Response>;

/** Answers in the error shape of Better Auth's own. */
class Refusal extends Error {
  readonly response: Response;

  constructor(status: number, code: string, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.response = Response.json({ code, message }, { status, headers });
  }
}

export function createHandler(handle: Handler, origin: string): RequestListener {
  return async (incoming, outgoing) => {
    let answer: Response;
    try {
      const request = await toRequest(incoming, origin);
      answer = await orOutage(() => handle(request));
    } catch (error) {
      // The caller went away in the middle of its request.
      if (incoming.errored) return;
      answer = (error instanceof Refusal ? error : refusalFor(error)).response;
      if (answer.status >= 500) log("error", `answered ${answer.status}: ${reason(error)}`);
    }
    await send(answer, outgoing).catch(() => outgoing.destroy());
  };
}

async function toRequest(incoming: IncomingMessage, origin: string): Promise<Request> {
  const { method = "", url = "" } = incoming;
  if (method !== "GET" && method !== "POST") {
    throw new Refusal(405, "METHOD_NOT_ALLOWED", "Method not allowed", { allow: "GET, POST" });
  }
  if (!url.startsWith("/")) throw new Refusal(400, "INVALID_TARGET", "The request target must be a path");
  if (url.length > LONGEST_TARGET) throw new Refusal(414, "URI_TOO_LONG", "The request target is too long");

  const headers = new Headers();
  for (const [name, values] of Object.entries(incoming.headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value);
  }
  const body = await readBody(incoming);
  return new Request(origin + url, { method, headers, ...(method === "POST" && body.length > 0 && { body }) });
}

async function readBody(incoming: IncomingMessage): Promise<Buffer<ArrayBuffer>> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of incoming.iterator({ destroyOnReturn: false })) {
    length += chunk.length;
    if (length > LONGEST_BODY) {
      throw new Refusal(413, "PAYLOAD_TOO_LARGE", "The request body may have at most 64 KiB", { connection: "close" });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function refusalFor(error: unknown): Refusal {
  if (isBadData(error)) return new Refusal(400, "INVALID_INPUT", "The request holds a value that cannot be stored");
  if (isOutage(error)) {
    return new Refusal(503, "DATABASE_UNAVAILABLE", "The database is not available, try again", { "retry-after": "1" });
  }
  return new Refusal(500, "INTERNAL_SERVER_ERROR", "Internal server error");
}

async function send(answer: Response, outgoing: ServerResponse): Promise<void> {
  const body = Buffer.from(await answer.arrayBuffer());
  for (const [name, value] of answer.headers) {
    if (name !== "set-cookie") outgoing.setHeader(name, value);
  }
  const cookies = answer.headers.getSetCookie();
  if (cookies.length > 0) outgoing.setHeader("set-cookie", cookies);
  const retryAfter = answer.headers.get("x-retry-after");
  if (retryAfter) outgoing.setHeader("retry-after", retryAfter);
  outgoing.setHeader("content-length", body.length);
  outgoing.writeHead(answer.status).end(body);
}
