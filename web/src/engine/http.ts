import { fromBase64Url, toBase64Url } from "../bytes/bytes";

/** The HTTP calls of the engine: JSON with bytes as base64url, one error type, bounded answers. */

const TIMEOUT_MS = 20_000;
const MAX_ANSWER = 4 * 1024 * 1024;

/** The server refused, or could not be reached (`code` "offline"). */
export class ServerError extends Error {
  constructor(
    readonly code: string,
    readonly status: number,
    readonly retryAfter: number | null = null,
  ) {
    super(code);
  }
}

type Json = Record<string, unknown>;

function outgoing(value: unknown): unknown {
  if (value instanceof Uint8Array) return toBase64Url(value);
  if (Array.isArray(value)) return value.map(outgoing);
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, outgoing(one)]));
  }
  return value;
}

export async function call(
  method: "GET" | "POST" | "PUT" | "DELETE",
  path: string,
  body?: Json,
): Promise<Json> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      credentials: "same-origin",
      cache: "no-store",
      redirect: "error",
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(body
        ? { body: JSON.stringify(outgoing(body)), headers: { "content-type": "application/json" } }
        : {}),
    });
  } catch (cause) {
    throw Object.assign(new ServerError("offline", 0), { cause });
  }
  const text = await response.text();
  if (text.length > MAX_ANSWER) throw new ServerError("server_answer", response.status);
  let answer: Json = {};
  try {
    if (text) answer = JSON.parse(text) as Json;
  } catch (cause) {
    throw Object.assign(new ServerError("server_answer", response.status), { cause });
  }
  if (response.ok) return answer;
  const code = typeof answer.code === "string" ? answer.code : "server_answer";
  throw new ServerError(
    code,
    response.status,
    typeof answer.retry_after === "number" ? answer.retry_after : null,
  );
}

/** A byte string of a JSON answer, of the length expected. @throws ServerError */
export function bytesField(answer: Json, name: string, length?: number): Uint8Array {
  const text = answer[name];
  if (typeof text === "string") {
    try {
      const bytes = fromBase64Url(text);
      if (length === undefined || bytes.length === length) return bytes;
    } catch (cause) {
      throw Object.assign(new ServerError("server_answer", 200), { cause });
    }
  }
  throw new ServerError("server_answer", 200);
}
