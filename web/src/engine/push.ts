import { toBase64Url } from "../bytes/bytes";
import type { Wakes } from "./api";
import { bytesField } from "./http";
import { type Errand, type Records, withErrand } from "./records";
import type { Session } from "./session";

/**
 * Whether this device is woken while nothing of it is open. The browser's push subscription is the page's to make; its
 * endpoint is kept here, and told to the server by an errand that lasts until the server has heard it (THREATS 21, 43).
 */

export type PushErrand = Extract<Errand, { kind: "push" }>;

/** A point of P-256, uncompressed: what a subscription is made with (RFC 8292 §3.2). */
const KEY_BYTES = 65;

/** Where this device is reached from now on; null: nowhere. Said again when nothing changed: the server may have lost it. */
export function withEndpoint(records: Records, endpoint: string | null): Records {
  const known = records.push?.endpoint === endpoint ? records.push : null;
  const push = endpoint === null ? null : (known ?? { endpoint, state: "asking" as const });
  return withErrand({ ...records, push }, { kind: "push", endpoint, notBefore: 0 });
}

/** The server has answered the errand. */
export function endpointTold(records: Records, { endpoint }: PushErrand, taken: boolean): Records {
  if (records.push === null || records.push.endpoint !== endpoint) return records;
  return { ...records, push: { ...records.push, state: taken ? "on" : "refused" } };
}

export function wakesOf({ push }: Records): Wakes {
  return push?.state ?? "off";
}

export function tellEndpoint({ auth }: Session, { endpoint }: PushErrand): Promise<unknown> {
  return endpoint === null ? auth.call("DELETE", "/api/push") : auth.call("PUT", "/api/push", { endpoint });
}

/** The server's key, for the browser (base64url). @throws ServerError */
export async function pushKey({ auth }: Session): Promise<string> {
  return toBase64Url(bytesField(await auth.call("GET", "/api/push"), "key", KEY_BYTES));
}
