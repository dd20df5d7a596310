import { CborError, decodeSequence, encodeSequence } from "../wire/cbor";
import type {
  CallAnswer,
  CallJoin,
  CallLayers,
  CallLeave,
  CallRestart,
  Cursor,
  Ephemeral,
  Fetch,
  Hello,
  Ping,
  Send,
  Wake,
} from "../wire/generated";
import { FrameError, readFrame, type ServerFrame } from "./frames";
import type { World } from "./world";

/**
 * One socket to the delivery service that heals by itself. It tries again with growing, jittered waits, at once when
 * the browser says that the network is back, and notices a dead connection by an unanswered ping.
 */

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 15_000;
const PING_EVERY_MS = 20_000;
const PONG_WITHIN_MS = 10_000;
/** WebSocket.OPEN */
const OPEN = 1;
/** What the server may send at once: a Welcome and a few frames beside it. */
const MAX_MESSAGE = 8 * 1024 * 1024;

export type ClientFrame =
  | Hello
  | Send
  | Cursor
  | Fetch
  | Ephemeral
  | Ping
  | CallJoin
  | CallAnswer
  | CallLayers
  | CallRestart
  | CallLeave
  | Wake;

export type SocketEvents = {
  /** A one-use ticket; throws when there is none to be had now. */
  ticket(): Promise<string>;
  opened(): void;
  frames(frames: readonly ServerFrame[]): void;
  closed(): void;
  /** There was no ticket. True: for a reason that waiting does not mend, so this socket ends. */
  failed(error: unknown): boolean;
};

export class HealingSocket {
  #socket: WebSocket | null = null;
  #wait = FIRST_WAIT_MS;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ping: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;
  #dialling = false;
  readonly #world: World;
  readonly #events: SocketEvents;
  readonly #notOnline: () => void;

  constructor(world: World, events: SocketEvents) {
    this.#world = world;
    this.#events = events;
    this.#notOnline = world.onOnline(this.hurry);
    void this.#dial();
  }

  get open(): boolean {
    return this.#socket?.readyState === OPEN;
  }

  /** Send if the socket is open; what must not be lost is kept by the caller until it is acknowledged. */
  send(...frames: readonly ClientFrame[]): void {
    if (this.open && frames.length > 0) this.#socket!.send(encodeSequence(frames) as BufferSource);
  }

  stop(): void {
    this.#stopped = true;
    this.#notOnline();
    clearTimeout(this.#timer);
    clearTimeout(this.#ping);
    const socket = this.#socket;
    this.#socket = null; // what still comes from it is nobody's
    socket?.close(1000);
  }

  /** Begin anew: the stream no longer makes sense, or the server asked for it. */
  restart(): void {
    this.#drop(4000);
  }

  /** Close, and go on at once as if it were closed: on a dead network the closing itself would take long. */
  #drop(code: number): void {
    const socket = this.#socket;
    if (!socket) return;
    socket.close(code);
    this.#gone(socket);
  }

  #gone(socket: WebSocket): void {
    if (this.#socket !== socket) return;
    this.#socket = null;
    clearTimeout(this.#ping);
    this.#events.closed();
    this.#later();
  }

  /** The network is back, or somebody is here: try at once. */
  hurry = (): void => {
    if (this.#socket || this.#stopped) return;
    this.#wait = FIRST_WAIT_MS;
    clearTimeout(this.#timer);
    void this.#dial();
  };

  async #dial(): Promise<void> {
    if (this.#dialling || this.#stopped) return;
    this.#dialling = true;
    try {
      const ticket = await this.#events.ticket();
      if (!this.#stopped) this.#connect(ticket);
    } catch (error) {
      if (this.#stopped) return;
      if (this.#events.failed(error)) this.stop();
      else this.#later();
    } finally {
      this.#dialling = false;
    }
  }

  #connect(ticket: string): void {
    const url = new URL("/api/socket", this.#world.origin);
    url.protocol = url.protocol.replace("http", "ws");
    url.searchParams.set("ticket", ticket);
    const socket = this.#world.socket(url.href);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    socket.onopen = () => {
      if (this.#socket !== socket) return;
      this.#expectLife();
      this.#events.opened();
    };
    socket.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => {
      if (this.#socket !== socket) return;
      this.#expectLife();
      let frames: ServerFrame[];
      try {
        frames = decodeSequence(new Uint8Array(data), MAX_MESSAGE).map(readFrame);
      } catch (error) {
        if (!(error instanceof CborError || error instanceof FrameError)) throw error;
        this.#drop(4002); // not our protocol: begin anew
        return;
      }
      // Only now: a server that accepts and then sends us away must not be asked four times a second.
      if (frames.some(({ t }) => t !== "bye")) this.#wait = FIRST_WAIT_MS;
      this.#events.frames(frames);
    };
    socket.onclose = () => this.#gone(socket);
  }

  #later(): void {
    if (this.#stopped) return;
    clearTimeout(this.#timer);
    // Jitter, so that a restarted server is not met by everyone in the same instant.
    this.#timer = setTimeout(() => void this.#dial(), this.#wait * (0.5 + Math.random() / 2));
    this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT_MS);
  }

  #expectLife(): void {
    clearTimeout(this.#ping);
    this.#ping = setTimeout(() => {
      this.send({ t: "ping" });
      this.#ping = setTimeout(() => this.#drop(4001), PONG_WITHIN_MS);
    }, PING_EVERY_MS);
  }
}
