import { toHex } from "../bytes/bytes";
import type { AppView, Call, FromEngine, RoomView, ToEngine } from "./api";
import type { CallMessage } from "./callApi";
import { errorCode } from "./errors";
import { idOf } from "./ids";

/**
 * The tabs. Each is shown the whole (AppView) and the rooms that it has opened (RoomView), whenever they changed: many
 * changes in a short time are one view, and a view that would say nothing new is not sent.
 */

/** One picture of a screen. */
const FRAME_MS = 16;
/** Items shown at first, and more with each loadOlder. */
export const PAGE = 150;

export type Sources = {
  app(port: Port): AppView;
  room(port: Port, hex: string, items: number): RoomView | null;
  /** It went: it closed, or its page was left. */
  gone(port: Port): void;
  call(port: Port, call: Call): Promise<unknown>;
};

/** One tab. */
export class Port {
  readonly post: (message: FromEngine) => void;
  /** The rooms that it shows, and how many items of each. */
  readonly rooms = new Map<string, number>();
  /** What it was shown last, as text, to know whether there is something new. */
  readonly shown = new Map<string, string>();

  constructor(post: (message: FromEngine) => void) {
    this.post = post;
  }

  /** Something about the call that this tab is in. */
  call(message: CallMessage): void {
    this.post({ kind: "call", message });
  }

  open(roomId: string): void {
    const hex = toHex(idOf(roomId));
    if (!this.rooms.has(hex)) this.rooms.set(hex, PAGE);
    this.shown.delete(hex); // also when it was open already: whoever asks is answered
  }

  close(roomId: string): void {
    const hex = toHex(idOf(roomId));
    this.rooms.delete(hex);
    this.shown.delete(hex);
  }

  older(roomId: string): void {
    const hex = toHex(idOf(roomId));
    const items = this.rooms.get(hex);
    if (items !== undefined) this.rooms.set(hex, items + PAGE);
  }
}

export class PortSet {
  readonly #ports = new Set<Port>();
  readonly #sources: Sources;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(sources: Sources) {
    this.#sources = sources;
  }

  /** A new tab: how it is spoken to, and what it says. */
  attach(post: (message: FromEngine) => void): (message: ToEngine) => void {
    const port = new Port(post);
    return (message) => this.#receive(port, message);
  }

  #receive(port: Port, message: ToEngine): void {
    if (message.call === "hello") {
      this.#ports.add(port);
      port.shown.clear();
      this.flush();
    } else if (message.call === "goodbye") {
      this.#ports.delete(port);
      this.#sources.gone(port);
    } else void this.#answer(port, message);
  }

  async #answer(port: Port, call: Call): Promise<void> {
    const { id } = call;
    try {
      const value = await this.#sources.call(port, call);
      this.flush(); // whoever gets an answer has been shown what it led to
      port.post({ kind: "result", id, value });
    } catch (error) {
      const code = errorCode(error);
      if (code === "unexpected") console.error("a call failed", call.call, error);
      this.flush();
      port.post({ kind: "error", id, code });
    }
  }

  /** There may be something new to see. */
  changed(): void {
    this.#timer ??= setTimeout(() => this.flush(), FRAME_MS);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#ports.size === 0) return;
    for (const port of this.#ports) {
      const app = this.#sources.app(port);
      if (isNew(port, "", JSON.stringify(app))) port.post({ kind: "app", view: app });
      for (const [hex, items] of port.rooms) {
        const view = this.#sources.room(port, hex, items);
        if (view !== null && isNew(port, hex, JSON.stringify(view))) port.post({ kind: "room", view });
      }
    }
  }

  /** Locked: what was shown must not lie about in memory. The rooms that tabs have open come again with the key. */
  forget(): void {
    for (const port of this.#ports) port.shown.clear();
  }
}

function isNew(port: Port, key: string, text: string): boolean {
  if (port.shown.get(key) === text) return false;
  port.shown.set(key, text);
  return true;
}
