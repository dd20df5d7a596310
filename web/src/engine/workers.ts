import mediaUrl from "../sframe/worker.ts?worker&url";
import engineUrl from "./worker.ts?worker&url";

/** Trusted Types (server/door.py requires them): no script but these two of our own may become a worker. */
const OURS: readonly string[] = [engineUrl, mediaUrl];

type Policy = { createScriptURL(url: string): unknown };
type Factory = { createPolicy(name: string, rules: { createScriptURL(url: string): string }): Policy };

/** A policy's name can be taken once in the life of a page. */
let policy: Policy | null = null;

function trusted(url: string): string {
  const factory = (globalThis as { trustedTypes?: Factory }).trustedTypes;
  if (!factory) return url;
  policy ??= factory.createPolicy("collegium", {
    createScriptURL(asked) {
      if (!OURS.includes(asked)) throw new TypeError("only the engine and the media of calls run as workers");
      return asked;
    },
  });
  return policy.createScriptURL(url) as string;
}

/** For the engine, which all tabs share where the browser lets them. */
export const engineScript = (): string => trusted(engineUrl);

/** The worker that every frame of a call passes through: one for each time that a tab enters a call. */
export const startMediaWorker = (): Worker =>
  new Worker(trusted(mediaUrl), { type: "module", name: "media" });
