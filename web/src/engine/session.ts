import { equal, toHex, wipe } from "../bytes/bytes";
import { ahead } from "../mls/ahead";
import {
  CORE_ROW,
  type Env,
  joinRoom,
  loadRoom,
  type RoomSight,
  type RoomState,
  roomCursor,
  roomView,
  rowNames,
  WelcomeError,
} from "../room/core";
import { StorageRefused } from "../vault/storage";
import type { Vault } from "../vault/vault";
import { DamagedRow } from "../vault/wraps";
import type { Bye, CallReport, Ready, Welcome } from "../wire/generated";
import type { Connection } from "./api";
import { Auth } from "./auth";
import { CallLine } from "./callLine";
import { Chores } from "./chores";
import { Draft, envOf, type Open, roomPrefix } from "./draft";
import { EngineError } from "./errors";
import type { RoomFrame, ServerFrame } from "./frames";
import { type Http, http, ServerError } from "./http";
import { privateKeys } from "./keyPackages";
import type { Queue } from "./queue";
import { RECORD_ROWS, type Records, readRecords, type WaitingRow } from "./records";
import { RingDesk } from "./rings";
import { type ClientFrame, HealingSocket } from "./socket";
import type { World } from "./world";

/**
 * An open vault at work: the rooms' cores, the socket, and what happens between them. Whatever changes anything is a
 * draft in the queue: it is stored in one transaction, and only then does anything leave this device.
 */

/** Frames handled in one draft: the interface's calls come in between. */
const BATCH = 256;
const CLOCK_MS = 15_000;
const LONGEST_TIMER_MS = 3_600_000;
/** A clock that goes on by more between two looks: the device slept, or the clock was set. */
const LEAP_MS = 60_000;

type Event =
  | { readonly kind: "opened"; readonly life: number }
  | { readonly kind: "closed" }
  | { readonly kind: "frame"; readonly frame: ServerFrame };

export type SessionHooks = {
  /** There may be something new to see. */
  changed(): void;
  /** The vault no longer takes what must be stored: nothing may go on. */
  failed(error: unknown): void;
};

export class Session implements Open {
  records: Records;
  rooms: ReadonlyMap<string, RoomState>;
  connection: Connection = "connecting";
  /** Milliseconds that the server's clock is ahead of ours. */
  skew = 0;
  readonly http: Http;
  readonly auth: Auth;
  readonly world: World;
  readonly vault: Vault;
  readonly #queue: Queue;
  readonly #hooks: SessionHooks;
  readonly #chores: Chores;
  /** The call that this device is in. */
  readonly call = new CallLine();
  readonly desk = new RingDesk();
  #socket: HealingSocket | null = null;
  #closed = false;
  /** Sockets are numbered: what was meant for one is not sent on the next. */
  #life = 0;
  #greeted = 0;
  #inbox: Event[] = [];
  #draining = false;
  readonly #failedRooms = new Set<string>();
  /** By room and number of items, until something is done to the room. */
  readonly #sights = new Map<string, Map<number, RoomSight>>();
  readonly #wakes = new Map<string, number>();
  #wakeTimer: ReturnType<typeof setTimeout> | undefined;
  #clock: ReturnType<typeof setInterval> | undefined;
  #lastTock = 0;
  /** Whoever waits for an invite to be on the log. */
  readonly #invited = new Map<string, { room: string; settle: (code: string | null) => void }>();

  constructor(world: World, queue: Queue, vault: Vault, open: Open, hooks: SessionHooks) {
    this.world = world;
    this.#queue = queue;
    this.vault = vault;
    this.records = open.records;
    this.rooms = open.rooms;
    this.#hooks = hooks;
    this.http = http(world);
    this.auth = new Auth(this.http, () => this.records.account);
    this.#chores = new Chores(this);
  }

  /** Everything that an open vault holds. @throws DamagedRow @throws StorageRefused */
  static async load(vault: Vault): Promise<Open> {
    const records = readRecords(await vault.getAll(RECORD_ROWS));
    const rooms = new Map<string, RoomState>();
    for (const roomId of records.rooms) {
      const hex = toHex(roomId);
      try {
        const core = await vault.get(roomPrefix(hex) + CORE_ROW);
        const names = rowNames(core);
        const values = await vault.getAll(names.map((name) => roomPrefix(hex) + name));
        const rows = Object.fromEntries(names.map((name, i) => [name, values[i]]));
        rooms.set(hex, loadRoom({ ...rows, [CORE_ROW]: core }));
      } catch (cause) {
        if (cause instanceof StorageRefused || cause instanceof DamagedRow) throw cause;
        throw new DamagedRow(`room/${hex}`, { cause });
      }
    }
    return { records, rooms };
  }

  get online(): boolean {
    return this.connection === "online";
  }

  env(): Env {
    return envOf(this.records, this.world.now(), this.skew, this.world.rng);
  }

  /** Begin to talk to the server. */
  start(): void {
    this.#socket = new HealingSocket(this.world, {
      ticket: () => this.auth.ticket(),
      opened: () => this.#event({ kind: "opened", life: ++this.#life }),
      frames: (frames) => {
        for (const frame of frames) {
          if (frame.t === "bye") this.#bye(frame);
          else if (frame.t === "call_offer") this.call.offer(frame);
          else if (frame.t === "call_report") this.#report(frame);
          else if (frame.t !== "pong") this.#event({ kind: "frame", frame });
        }
      },
      closed: () => {
        this.#life += 1;
        this.#connection("connecting");
        this.#event({ kind: "closed" });
      },
      failed: (error) => this.#noTicket(error),
    });
    this.#lastTock = this.world.now();
    this.#clock = setInterval(() => this.#tock(), CLOCK_MS);
    this.#background((draft) => draft.tick());
  }

  /** Stop, and forget all keys. To be called in the queue, so that no draft is under way. */
  close(): void {
    this.#closed = true;
    this.#socket?.send(...this.call.lock());
    this.#socket?.stop();
    this.#socket = null;
    clearInterval(this.#clock);
    clearTimeout(this.#wakeTimer);
    this.#chores.stop();
    this.vault.close();
    const { identity, signIn, code } = this.records.account;
    wipe(identity.identityKey.privateKey, signIn.privateKey);
    if (code) wipe(code.bytes);
    wipe(...this.records.keyPackages.flatMap(privateKeys));
    this.rooms = new Map();
    this.#inbox = [];
    this.#sights.clear();
    this.#wakes.clear();
    for (const { settle } of this.#invited.values()) settle("not_open");
    this.#invited.clear();
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Do something to what is open, and store it. Nothing else happens meanwhile. */
  work<T>(task: (draft: Draft) => T | Promise<T>): Promise<T> {
    return this.#queue.run(() => this.inQueue(task));
  }

  /** The same from within the queue. */
  async inQueue<T>(task: (draft: Draft) => T | Promise<T>): Promise<T> {
    if (this.#closed) throw new EngineError("not_open");
    const draft = new Draft(this, this.env(), this.#failedRooms);
    const result = await task(draft);
    this.desk.tend(draft);
    try {
      await this.#commit(draft);
    } catch (error) {
      // A full disk may have room again for the next one; anything else means that this vault is not ours any more.
      if (!(error instanceof StorageRefused && error.code === "storage_full")) this.#hooks.failed(error);
      throw error;
    }
    return result;
  }

  /** Work that nobody waits for: when it cannot be stored, the stream from the server cannot go on either. */
  #background(task: (draft: Draft) => void | Promise<void>): void {
    this.work(task).catch((error: unknown) => {
      if (!this.#closed) this.#hooks.failed(error);
    });
  }

  async #commit(draft: Draft): Promise<void> {
    const { put, drop } = draft.rows();
    if (Object.keys(put).length > 0 || drop.length > 0) await this.vault.write({ put, drop });
    this.records = draft.records;
    this.rooms = draft.rooms;
    for (const { hex, error } of draft.failed) {
      this.#failedRooms.add(hex);
      console.error("a room failed", error);
    }
    for (const hex of draft.touched) this.#sights.delete(hex);
    this.#release(draft);
    for (const { hex, effect } of draft.media) this.call.release(hex, effect);
    for (const { deviceId, emoji } of draft.reactions)
      this.call.reacted(deviceId, emoji, this.env().serverNow);
    wipe(...draft.wiped);
    for (const [hex, at] of draft.wakes) this.#wakes.set(hex, at);
    this.#armWake();
    for (const inviteId of draft.invited) this.#settleInvite(toHex(inviteId), null);
    for (const { hex, effect } of draft.dropped) {
      if (effect.command !== "invite") continue;
      for (const [invite, one] of this.#invited)
        if (one.room === hex) this.#settleInvite(invite, effect.code);
    }
    this.#hooks.changed();
    this.#chores.kick();
  }

  /** Stored: now it may go. What was meant for a socket that is gone is asked of the rooms again at the next ready. */
  #release(draft: Draft): void {
    if (draft.hello === this.#life) this.#greeted = this.#life;
    if (this.#greeted === this.#life) this.#socket?.send(...draft.released());
  }

  /** Kept with null when the invite is committed, or with the reason why it was dropped. */
  awaitInvite(room: string, inviteId: Uint8Array): Promise<string | null> {
    return new Promise((settle) => this.#invited.set(toHex(inviteId), { room, settle }));
  }

  #settleInvite(invite: string, code: string | null): void {
    this.#invited.get(invite)?.settle(code);
    this.#invited.delete(invite);
  }

  /** What there is to see of a room; made again only when something changed. */
  sight(hex: string, items: number): RoomSight | null {
    const state = this.rooms.get(hex);
    if (!state) return null;
    const known = this.#sights.get(hex) ?? new Map<number, RoomSight>();
    this.#sights.set(hex, known);
    const sight = known.get(items) ?? roomView(state, this.env(), items);
    known.set(items, sight);
    return sight;
  }

  // The socket

  /** The network may be back. */
  hurry(): void {
    this.#socket?.hurry();
  }

  #connection(connection: Connection): void {
    if (this.connection === connection) return;
    this.connection = connection;
    this.#hooks.changed();
  }

  #noTicket(error: unknown): boolean {
    this.#connection("offline");
    if (!(error instanceof ServerError)) {
      console.error("no ticket", error);
      return false;
    }
    if (error.code !== "sign_in") return false;
    // The server knows this device no more: it was removed from the account, on another device.
    this.#background((draft) => draft.alarm("device_removed", null, null, null));
    return true;
  }

  #bye({ code }: Bye): void {
    if (code !== "replaced") return; // the socket closes, and is opened again; signed out, with a new session
    // Another engine has this device's keys and is connected. Taking turns would help nobody (E39).
    this.#socket?.stop();
    this.#life += 1;
    this.#connection("offline");
    this.#event({ kind: "closed" });
    this.#background((draft) => draft.alarm("replaced", null, null, null));
  }

  #event(event: Event): void {
    if (this.#closed) return;
    this.#inbox.push(event);
    if (this.#draining) return;
    this.#draining = true;
    this.#drain();
  }

  #drain(): void {
    this.#background(async (draft) => {
      const events = this.#inbox.splice(0, BATCH);
      for (const event of events) await this.#handle(draft, event);
      if (this.#inbox.length > 0) this.#drain();
      else this.#draining = false;
    });
  }

  async #handle(draft: Draft, event: Event): Promise<void> {
    switch (event.kind) {
      case "opened":
        draft.greet(event.life, this.#hello(draft));
        break;
      case "closed":
        draft.offline();
        this.call.offline();
        break;
      case "frame":
        await this.#take(draft, event.frame);
        break;
    }
  }

  async #take(draft: Draft, frame: ServerFrame): Promise<void> {
    switch (frame.t) {
      case "ready":
        this.#ready(draft, frame);
        break;
      case "call_ended":
        this.call.ended(draft, frame);
        break;
      // Handled where they came; and whom the server woke, the ring itself tells once their device rings.
      case "call_offer":
      case "call_report":
      case "woken":
      case "bye":
      case "pong":
        break;
      default:
        await this.#frame(draft, frame);
        if (frame.t === "call_state") this.call.saw(draft, frame);
    }
  }

  #report(report: CallReport): void {
    this.call.report(report, this.env().serverNow); // the clock that views go by
    this.#hooks.changed();
  }

  #hello(draft: Draft): ClientFrame {
    const here = [...draft.rooms.values()].filter(
      (state) => !["left", "removed"].includes(roomView(state, draft.env, 0).state),
    );
    const cursors = here.map((state) => ({ room: state.roomId, n: roomCursor(state) }));
    return { t: "hello", v: 1, cursors };
  }

  #ready(draft: Draft, ready: Ready): void {
    if (!equal(ready.device, this.records.account.deviceId)) {
      // The browser's cookie is of another device: sign in as this one.
      void this.auth.signIn().then(
        () => this.#socket?.restart(),
        (error: unknown) => this.#noTicket(error),
      );
      return;
    }
    this.skew = ready.time - this.world.now();
    draft.env = this.env();
    this.#connection("online");
    const listed = new Map(ready.rooms.map((room) => [toHex(room.room), room]));
    for (const hex of draft.rooms.keys()) {
      if (waitingFor(draft, hex).length === 0)
        draft.step(hex, { kind: "ready", room: listed.get(hex) ?? null });
    }
    this.call.resume(draft);
  }

  async #frame(draft: Draft, frame: RoomFrame): Promise<void> {
    if (!frame.room) return; // a refusal of a whole message: the socket ends by itself
    const hex = toHex(frame.room);
    const rows = waitingFor(draft, hex);
    if (rows.length === 0)
      await draft.stepAhead(hex, { kind: "frame", frame: { ...frame, room: frame.room } });
    else if (frame.t === "welcome") await this.#join(draft, hex, rows, frame);
    // What comes of a room before its Welcome, the room asks for itself when it has it.
  }

  /**
   * E25: a Welcome is taken only against what was asked for, by whichever invitation into this room. Another ends no
   * waiting: the right one may still come.
   */
  async #join(draft: Draft, hex: string, rows: readonly WaitingRow[], welcome: Welcome): Promise<void> {
    const { env } = draft;
    const before = draft.room(hex);
    for (const { expectation } of rows) {
      try {
        draft.add(await ahead(env.rng, (rng) => joinRoom({ ...env, rng }, expectation, welcome, before)));
      } catch (error) {
        if (!(error instanceof WelcomeError)) console.error("a Welcome failed", error);
        continue;
      }
      // No other invitation waits for this room any more.
      const waiting = draft.records.waiting.filter(
        (one) => !equal(one.expectation.roomId, expectation.roomId),
      );
      draft.records = { ...draft.records, waiting };
      return;
    }
    draft.alarm("welcome", welcome.room, null, null);
  }

  // Time

  #tock(): void {
    const now = this.world.now();
    // The connection is probably dead, and how far the clocks are apart is no longer known: begin anew.
    if (Math.abs(now - this.#lastTock - CLOCK_MS) > LEAP_MS) this.#socket?.restart();
    this.#lastTock = now;
    const expired = this.records.waiting.some((row) => this.#over(row));
    if (expired) {
      this.#background((draft) => {
        const waiting = draft.records.waiting.map((row) =>
          this.#over(row) ? { ...row, state: "expired" as const } : row,
        );
        draft.records = { ...draft.records, waiting };
      });
    }
    this.#wake();
    this.#chores.kick();
    this.#hooks.changed(); // rings end and meetings come near by the clock alone
  }

  #over({ state, notAfter }: WaitingRow): boolean {
    return (state === "asking" || state === "waiting") && this.world.now() + this.skew > notAfter;
  }

  /** Rooms that asked to be woken by now. The clock decides: a timer may come late, or the clock be set. */
  #wake(): void {
    const now = this.world.now();
    const due = [...this.#wakes].filter(([, at]) => at <= now).map(([hex]) => hex);
    for (const hex of due) this.#wakes.delete(hex);
    if (due.length > 0) {
      this.#background(async (draft) => {
        for (const hex of due) await draft.stepAhead(hex, { kind: "tick" });
      });
    } else this.#armWake();
  }

  #armWake(): void {
    clearTimeout(this.#wakeTimer);
    if (this.#wakes.size === 0) return;
    const wait = Math.min(...this.#wakes.values()) - this.world.now();
    this.#wakeTimer = setTimeout(() => this.#wake(), Math.min(Math.max(wait, 0), LONGEST_TIMER_MS));
  }
}

/**
 * The invitations that wait for this room. One that has expired counts: perhaps it was answered in time, while this device was away.
 */
function waitingFor(draft: Draft, hex: string): WaitingRow[] {
  return draft.records.waiting.filter(
    ({ state, expectation }) => state !== "refused" && toHex(expectation.roomId) === hex,
  );
}
