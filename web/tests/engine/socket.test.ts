import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { systemRng } from "../../src/bytes/bytes";
import type { ServerFrame } from "../../src/engine/frames";
import { HealingSocket } from "../../src/engine/socket";
import type { World } from "../../src/engine/world";
import { decodeSequence, encodeSequence } from "../../src/wire/cbor";
import { MemoryStorage } from "../vault/memoryStorage";

/** A WebSocket that does what the test says, and records what it was told. */
class FakeSocket {
  readyState = 0;
  readonly sent: unknown[] = [];
  closedWith: number | null = null;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: ArrayBuffer }) => void) | null = null;
  onclose: (() => void) | null = null;
  constructor(readonly url: string) {}
  send(bytes: Uint8Array): void {
    this.sent.push(...decodeSequence(bytes, 1 << 20));
  }
  close(code: number): void {
    this.closedWith = code;
    this.readyState = 2;
  }
  opens(): void {
    this.readyState = 1;
    this.onopen?.();
  }
  says(...frames: unknown[]): void {
    this.onmessage?.({ data: encodeSequence(frames).slice().buffer as ArrayBuffer });
  }
  ends(): void {
    this.readyState = 3;
    this.onclose?.();
  }
}

describe("a socket that heals", () => {
  const made: FakeSocket[] = [];
  let hurry: (() => void) | null = null;
  let ticket: () => Promise<string>;
  let frames: ServerFrame[] = [];
  let closed = 0;
  let giveUp = false;

  const world = (): World => ({
    origin: "https://group.example",
    rng: systemRng,
    now: Date.now,
    fetch: async () => new Response("{}"),
    socket: (url) => {
      const socket = new FakeSocket(url);
      made.push(socket);
      return socket as unknown as WebSocket;
    },
    storage: new MemoryStorage().open,
    onOnline: (call) => {
      hurry = call;
      return () => {
        hurry = null;
      };
    },
    onlyEngine: async () => undefined,
  });
  const dial = async (): Promise<{ socket: HealingSocket; last: () => FakeSocket }> => {
    const socket = new HealingSocket(world(), {
      ticket: () => ticket(),
      opened: () => undefined,
      frames: (some) => frames.push(...some),
      closed: () => {
        closed += 1;
      },
      failed: () => giveUp,
    });
    await vi.advanceTimersByTimeAsync(0);
    return { socket, last: () => made.at(-1)! };
  };

  beforeEach(() => {
    vi.useFakeTimers();
    made.length = 0;
    frames = [];
    closed = 0;
    giveUp = false;
    ticket = async () => "a-ticket";
  });
  afterEach(() => vi.useRealTimers());

  test("dials with a ticket, over TLS where the page is", async () => {
    const { socket, last } = await dial();
    expect(last().url).toBe("wss://group.example/api/socket?ticket=a-ticket");
    socket.send({ t: "ping" }); // not open yet: nothing goes
    last().opens();
    socket.send({ t: "ping" });
    expect(last().sent).toEqual([{ t: "ping" }]);
  });

  test("waits longer each time, never longer than a quarter of a minute, and anew after a good connection", async () => {
    const { last } = await dial();
    const waits: number[] = [];
    for (let i = 0; i < 12; i++) {
      const count = made.length;
      last().ends();
      let waited = 0;
      while (made.length === count) {
        await vi.advanceTimersByTimeAsync(50);
        waited += 50;
      }
      waits.push(waited);
    }
    expect(waits[0]).toBeLessThanOrEqual(300);
    expect(Math.max(...waits)).toBeGreaterThan(7_000);
    expect(Math.max(...waits)).toBeLessThanOrEqual(15_050);
    last().opens();
    last().says({ t: "bye", code: "restart" }); // to be sent away is no good connection
    const count = made.length;
    last().ends();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(made).toHaveLength(count);
    await vi.advanceTimersByTimeAsync(15_000);
    last().opens();
    last().says({ t: "pong" });
    last().ends();
    await vi.advanceTimersByTimeAsync(300);
    expect(made).toHaveLength(count + 2);
  });

  test("tries at once when the network is back, and never twice at a time", async () => {
    const { last } = await dial();
    hurry?.();
    await vi.advanceTimersByTimeAsync(0);
    expect(made).toHaveLength(1); // that one is still being opened
    last().ends();
    hurry?.();
    hurry?.();
    await vi.advanceTimersByTimeAsync(0);
    expect(made).toHaveLength(2);
  });

  test("a dead connection is noticed by an unanswered ping, and left at once", async () => {
    const { last } = await dial();
    last().opens();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(last().sent).toEqual([{ t: "ping" }]);
    last().says({ t: "pong" });
    await vi.advanceTimersByTimeAsync(20_000 + 9_999);
    expect(closed).toBe(0);
    const dead = last();
    await vi.advanceTimersByTimeAsync(1);
    expect(dead.closedWith).toBe(4001);
    expect(closed).toBe(1);
    await vi.advanceTimersByTimeAsync(300);
    expect(made).toHaveLength(2);
    frames = [];
    dead.says({ t: "pong" }); // what comes late from the old one is nobody's
    dead.ends();
    expect(frames).toEqual([]);
    expect(closed).toBe(1);
  });

  test("what is no frame of ours ends the connection, and nothing of that message is believed", async () => {
    for (const nonsense of [{ t: "ack" }, { t: "pong", more: 1 }, 7]) {
      const { socket, last } = await dial();
      last().opens();
      last().says({ t: "pong" }, nonsense);
      expect(frames).toEqual([]);
      expect(last().closedWith).toBe(4002);
      socket.stop();
    }
  });

  test("without a ticket it tries again; when told to, it ends", async () => {
    ticket = async () => {
      throw new Error("no ticket");
    };
    const { socket } = await dial();
    expect(made).toHaveLength(0);
    ticket = async () => "later";
    await vi.advanceTimersByTimeAsync(300);
    expect(made).toHaveLength(1);
    socket.stop();
    giveUp = true;
    ticket = async () => {
      throw new Error("never");
    };
    await dial();
    ticket = async () => "too late";
    await vi.advanceTimersByTimeAsync(60_000);
    expect(made).toHaveLength(1);
    expect(hurry).toBeNull();
  });
});
