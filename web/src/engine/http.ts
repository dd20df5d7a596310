import { fromBase64Url, toBase64Url } from "../bytes/bytes";
import type { World } from "./world";

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

export type Json = Record<string, unknown>;

function outgoing(value: unknown): unknown {
  if (value instanceof Uint8Array) return toBase64Url(value);
  if (Array.isArray(value)) return value.map(outgoing);
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, outgoing(one)]));
  }
  return value;
}

export type Http = {
  call(method: "GET" | "POST" | "PUT" | "DELETE", path: string, body?: Json): Promise<Json>;
};

/** The server's HTTP calls. `path` begins with `/api/`. @throws ServerError */
export function http(world: Pick<World, "origin" | "fetch">): Http {
  return {
    async call(method, path, body) {
      let response: Response;
      let text: string;
      try {
        response = await world.fetch(world.origin + path, {
          method,
          credentials: "same-origin",
          cache: "no-store",
          redirect: "error",
          signal: AbortSignal.timeout(TIMEOUT_MS),
          ...(body
            ? { body: JSON.stringify(outgoing(body)), headers: { "content-type": "application/json" } }
            : {}),
        });
        text = await response.text();
      } catch (cause) {
        throw Object.assign(new ServerError("offline", 0), { cause });
      }
      if (text.length > MAX_ANSWER) throw new ServerError("server_answer", response.status);
      let answer: unknown = {};
      try {
        if (text) answer = JSON.parse(text);
      } catch {
        // A proxy's page in place of our server's answer: it is not there for us now.
        throw new ServerError(response.status >= 500 ? "offline" : "server_answer", response.status);
      }
      if (answer === null || typeof answer !== "object" || Array.isArray(answer)) {
        throw new ServerError("server_answer", response.status);
      }
      const fields = answer as Json;
      if (response.ok) return fields;
      throw new ServerError(
        typeof fields.code === "string" ? fields.code : "server_answer",
        response.status,
        typeof fields.retry_after === "number" ? fields.retry_after : null,
      );
    },
  };
}

/** Whether asking the same again later may well succeed. */
export function mayPass(error: unknown): boolean {
  if (!(error instanceof ServerError)) return false;
  return error.status === 0 || error.status >= 500 || ["offline", "too_many", "storage"].includes(error.code);
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

/** A whole number of a JSON answer. @throws ServerError */
export function numberField(answer: Json, name: string): number {
  const value = answer[name];
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new ServerError("server_answer", 200);
}
