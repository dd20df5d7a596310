import { CborError, decodeSequence, encodeSequence } from "../wire/cbor";

/**
 * One socket to the delivery service that heals by itself. It tries again with growing, jittered waits, at once when
 * the browser says that the network is back, and notices a dead connection by an unanswered ping.
 */

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 15_000;
const PING_EVERY_MS = 20_000;
const PONG_WITHIN_MS = 10_000;
/** What the server may send at once: a Welcome and a few frames beside it. */
const MAX_MESSAGE = 8 * 1024 * 1024;

export type Frame = { readonly t: string } & Readonly<Record<string, unknown>>;

export type SocketEvents = {
  /** A one-use ticket; throws when there is none to be had now. */
  ticket(): Promise<string>;
  opened(): void;
  frames(frames: readonly Frame[]): void;
  closed(): void;
  /** The ticket was refused for a reason that waiting does not mend. */
  failed(error: unknown): boolean;
};

export class HealingSocket {
  #socket: WebSocket | null = null;
  #wait = FIRST_WAIT_MS;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ping: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;
  #dialling = false;
  readonly #events: SocketEvents;

  constructor(events: SocketEvents) {
    this.#events = events;
    self.addEventListener("online", this.#hurry);
    void this.#dial();
  }

  get open(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Send if the socket is open; what must not be lost is kept by the caller until it is acknowledged. */
  send(...frames: readonly Frame[]): void {
    if (this.open && frames.length > 0) this.#socket!.send(encodeSequence(frames) as BufferSource);
  }

  stop(): void {
    this.#stopped = true;
    self.removeEventListener("online", this.#hurry);
    clearTimeout(this.#timer);
    clearTimeout(this.#ping);
    this.#socket?.close(1000);
  }

  /** Begin anew: the stream no longer makes sense, or the server asked for it. */
  restart(): void {
    this.#socket?.close(4000);
  }

  #hurry = (): void => {
    if (this.open || this.#stopped) return;
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
      if (!this.#events.failed(error)) this.#later();
    } finally {
      this.#dialling = false;
    }
  }

  #connect(ticket: string): void {
    const url = new URL("/api/socket", self.location.origin);
    url.protocol = url.protocol.replace("http", "ws");
    url.searchParams.set("ticket", ticket);
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    socket.onopen = () => {
      this.#wait = FIRST_WAIT_MS;
      this.#expectLife();
      this.#events.opened();
    };
    socket.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => {
      this.#expectLife();
      let frames: Frame[];
      try {
        frames = decodeSequence(new Uint8Array(data), MAX_MESSAGE) as Frame[];
      } catch (error) {
        if (!(error instanceof CborError)) throw error;
        socket.close(4002); // not our protocol: begin anew
        return;
      }
      this.#events.frames(frames);
    };
    socket.onclose = () => {
      clearTimeout(this.#ping);
      if (this.#socket !== socket) return;
      this.#socket = null;
      this.#events.closed();
      this.#later();
    };
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
      this.#ping = setTimeout(() => this.#socket?.close(4001), PONG_WITHIN_MS);
    }, PING_EVERY_MS);
  }
}
