import { createContext } from "svelte";
import type { AppView, Engine, RoomView } from "../engine/api";
import type { CallMessage } from "../engine/callApi";

/** What the interface is connected to: the engine, and the views it sends. */
export type Connected = {
  readonly engine: Engine;
  onApp(callback: (view: AppView) => void): void;
  onRoom(callback: (view: RoomView) => void): void;
  /** What concerns the call of this tab; gives the way to stop. */
  onCall(callback: (message: CallMessage) => void): () => void;
};

const ACTIVE_EVERY_MS = 15_000;

/** The engine's views as reactive state. What was read is dropped as soon as the engine is not open any more. */
export class Session {
  readonly engine: Engine;
  readonly onCall: Connected["onCall"];
  app = $state.raw<AppView>({ stage: "starting" });
  rooms = $state.raw<Readonly<Record<string, RoomView>>>({});
  #lastActive = 0;

  constructor(connected: Connected) {
    this.engine = connected.engine;
    this.onCall = connected.onCall.bind(connected);
    connected.onApp((view) => {
      this.app = view;
      if (view.stage !== "open") this.rooms = {};
    });
    connected.onRoom((view) => {
      if (this.app.stage === "open") this.rooms = { ...this.rooms, [view.roomId]: view };
    });
  }

  /** The open view, for the pages that exist only in it. */
  get open(): Extract<AppView, { stage: "open" }> | null {
    return this.app.stage === "open" ? this.app : null;
  }

  /** Something was pressed or moved: the idle clock of the engine begins again. */
  active(now: number): void {
    if (this.app.stage !== "open" || now - this.#lastActive < ACTIVE_EVERY_MS) return;
    this.#lastActive = now;
    // A call that fails here says only that the engine is locking or gone, which its view says better.
    this.engine.active().catch(() => {});
  }

  forget(roomId: string): void {
    const { [roomId]: _gone, ...rest } = this.rooms;
    this.rooms = rest;
  }
}

export const [useSession, provideSession] = createContext<Session>();

/** The code that a call was refused with. */
export function codeOf(error: unknown): string {
  if (typeof error === "object" && error !== null && "code" in error && typeof error.code === "string") {
    return error.code;
  }
  return "unexpected";
}
