import type { AppView, Call, Engine, ErrorCode, FromEngine, RoomView, ToEngine } from "./api";
import type { CallMessage } from "./callApi";
import { engineScript } from "./workers";

/** The page's end of the line to the engine. The interface sees this and `api.ts`, and nothing else of the engine. */

/** A call was refused; the catalogue has words for `code`. */
export class Refused extends Error {
  constructor(readonly code: ErrorCode) {
    super(code);
    this.name = "Refused";
  }
}

export type Connected = {
  readonly engine: Engine;
  /** Be shown the whole, now and whenever it changes; gives the way to stop. */
  onApp(show: (view: AppView) => void): () => void;
  /** Be shown the rooms that were opened with `openRoom`. */
  onRoom(show: (view: RoomView) => void): () => void;
  /** Be told what concerns the call of this tab. */
  onCall(hear: (message: CallMessage) => void): () => void;
};

type Line = { postMessage(message: ToEngine, transfer: Transferable[]): void };

/** A browser that lets a site store nothing gives it no shared worker either, and says of that only that it failed. */
async function withoutWorker(): Promise<FromEngine> {
  const code = await indexedDB.databases().then(
    () => "unexpected",
    () => "storage_denied",
  );
  return { kind: "app", view: { stage: "failed", code } };
}

function openLine(receive: (message: FromEngine) => void): Line {
  const options = { type: "module", name: "collegium" } as const;
  const url = engineScript();
  if (typeof SharedWorker === "undefined") {
    const worker = new Worker(url, options);
    worker.onmessage = ({ data }: MessageEvent<FromEngine>) => receive(data);
    return worker;
  }
  let heard = false;
  const worker = new SharedWorker(url, options);
  worker.onerror = async () => {
    if (!heard) receive(await withoutWorker());
  };
  worker.port.onmessage = ({ data }: MessageEvent<FromEngine>) => {
    heard = true;
    receive(data);
  };
  return worker.port;
}

/** What is called is passed on by name, so a new call of `Engine` needs nothing here. */
function callsOver(send: (call: string, args: unknown[]) => Promise<unknown>): Engine {
  return new Proxy({} as Engine, {
    // A promise is never what an engine is: `await` would otherwise call its `then`.
    get: (_, name) =>
      typeof name === "string" && name !== "then" ? (...args: unknown[]) => send(name, args) : undefined,
  });
}

/** Ends of lines that are handed over: whoever gives one away keeps nothing of it. */
function portsIn(args: readonly unknown[]): Transferable[] {
  return args.flatMap((arg) =>
    typeof arg === "object" && arg !== null
      ? Object.values(arg).filter((value) => value instanceof MessagePort)
      : [],
  );
}

let connected: Connected | null = null;

/** The line to the engine; every call of this gives the same one. */
export function connect(): Connected {
  connected ??= newLine();
  return connected;
}

function newLine(): Connected {
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Refused): void }>();
  const apps = new Set<(view: AppView) => void>();
  const rooms = new Set<(view: RoomView) => void>();
  const calls = new Set<(message: CallMessage) => void>();
  let last: AppView | null = null;
  let askedToKeep = false;
  let nextId = 1;
  const line = openLine((message) => {
    switch (message.kind) {
      case "app":
        last = message.view;
        // There is something to lose now: ask the browser not to evict it. Only a page can; a refusal changes nothing.
        if (last.stage === "open" && !askedToKeep) {
          askedToKeep = true;
          void navigator.storage?.persist?.().catch(() => false);
        }
        for (const show of apps) show(message.view);
        break;
      case "room":
        for (const show of rooms) show(message.view);
        break;
      case "call":
        for (const hear of calls) hear(message.message);
        break;
      case "result":
        waiting.get(message.id)?.resolve(message.value);
        waiting.delete(message.id);
        break;
      case "error":
        waiting.get(message.id)?.reject(new Refused(message.code as ErrorCode));
        waiting.delete(message.id);
        break;
    }
  });
  line.postMessage({ call: "hello" }, []);
  // A page in the back-forward cache is gone as well; it says hello when it comes back.
  addEventListener("pagehide", () => line.postMessage({ call: "goodbye" }, []));
  addEventListener("pageshow", ({ persisted }) => {
    if (persisted) line.postMessage({ call: "hello" }, []);
  });
  const engine = callsOver(
    (call, args) =>
      new Promise((resolve, reject) => {
        const id = nextId++;
        waiting.set(id, { resolve, reject });
        line.postMessage({ id, call, args } as Call, portsIn(args));
      }),
  );
  return {
    engine,
    onApp(show) {
      apps.add(show);
      if (last) show(last);
      return () => apps.delete(show);
    },
    onRoom(show) {
      rooms.add(show);
      return () => rooms.delete(show);
    },
    onCall(hear) {
      calls.add(hear);
      return () => calls.delete(hear);
    },
  };
}
