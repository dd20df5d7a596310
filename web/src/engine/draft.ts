import { equal, type Rng, toHex } from "../bytes/bytes";
import type { LeafIdentity } from "../identity/credential";
import { meet } from "../identity/knownPeople";
import { ahead } from "../mls/ahead";
import type { CallEvent } from "../room/callBodies";
import {
  type AlarmCode,
  CommandError,
  type Effect,
  type Env,
  type Input,
  type RoomState,
  roomRows,
  roomView,
  type Stepped,
  step,
} from "../room/core";
import type { Rows } from "../vault/vault";
import type { MediaEffect } from "./callLine";
import { type Records, recordRows, withAlarm, withErrand, withoutOldRequest } from "./records";
import type { ClientFrame } from "./socket";

/**
 * One piece of work on everything that is open: the states it began with, the states it leads to, and what may leave
 * this device once they are stored. The session writes a draft in one transaction, or none of it.
 */

export type Open = { readonly records: Records; readonly rooms: ReadonlyMap<string, RoomState> };

/** The backup waits for so long, since a change of a room seldom comes alone. */
const BACKUP_AFTER_MS = 3_000;

export const roomPrefix = (hex: string): string => `room/${hex}/`;

/** The alarm that is raised of a person's news (E7, E11). */
const NEWS = {
  changed: "identity_changed",
  root_changed: "root_changed",
  blocked: "identity_blocked",
} as const;

export class Draft {
  records: Records;
  env: Env;
  /** For the socket, in order. */
  frames: ClientFrame[] = [];
  /** The socket that this draft says hello on. */
  hello = 0;
  readonly wiped: Uint8Array[] = [];
  /** Rooms to which something was done: time alone may change what is to be seen of them. */
  readonly touched = new Set<string>();
  /** When each room asked to be woken. */
  readonly wakes = new Map<string, number>();
  readonly invited: Uint8Array[] = [];
  /** What rooms say of the media of their calls, in order. */
  readonly media: { readonly hex: string; readonly effect: MediaEffect }[] = [];
  /** What was to be seen for a moment in the call of this device. */
  readonly reactions: { readonly deviceId: Uint8Array; readonly emoji: string }[] = [];
  readonly dropped: { readonly hex: string; readonly effect: Extract<Effect, { kind: "dropped" }> }[] = [];
  /** Rooms whose core failed on a frame: they rest until the next start. */
  readonly failed: { readonly hex: string; readonly error: unknown }[] = [];
  readonly #open: Open;
  readonly #changed = new Map<string, RoomState>();
  readonly #cursors = new Map<string, number>();

  /** `resting`: rooms that failed earlier. */
  constructor(
    open: Open,
    env: Env,
    readonly resting: ReadonlySet<string> = new Set(),
  ) {
    this.#open = open;
    this.records = open.records;
    this.env = env;
  }

  room(hex: string): RoomState | null {
    return this.#changed.get(hex) ?? this.#open.rooms.get(hex) ?? null;
  }

  /** The rooms as this draft has them. */
  get rooms(): ReadonlyMap<string, RoomState> {
    return this.#changed.size === 0 ? this.#open.rooms : new Map([...this.#open.rooms, ...this.#changed]);
  }

  /** A room that was not there, or that begins anew. */
  add(stepped: Stepped): string {
    const { roomId } = stepped.state;
    const hex = toHex(roomId);
    if (!this.records.rooms.some((one) => equal(one, roomId))) {
      this.records = { ...this.records, rooms: [...this.records.rooms, roomId] };
    }
    this.#take(hex, stepped);
    this.step(hex, { kind: "tick" }); // what it has to say already
    this.backup();
    return hex;
  }

  /** @throws CommandError when the room does not take the command. */
  step(hex: string, input: Input): void {
    const state = this.#takes(hex);
    if (!state) return;
    try {
      this.#take(hex, step(state, input, this.env));
    } catch (error) {
      this.#fault(state, input, error);
    }
  }

  /** The same, with the platform's curves: for what verifies much, or seals for many. */
  async stepAhead(hex: string, input: Input): Promise<void> {
    const state = this.#takes(hex);
    if (!state) return;
    try {
      this.#take(hex, await ahead(this.env.rng, (rng) => step(state, input, { ...this.env, rng })));
    } catch (error) {
      this.#fault(state, input, error);
    }
  }

  /** A room that inputs are for: not one that failed. */
  #takes(hex: string): RoomState | null {
    if (this.resting.has(hex) || this.failed.some((one) => one.hex === hex)) return null;
    return this.room(hex);
  }

  #fault({ roomId }: RoomState, input: Input, error: unknown): void {
    if (input.kind === "command") throw error;
    // A fault of ours in one room must not take the others with it. Its state is as it was before this input.
    this.failed.push({ hex: toHex(roomId), error });
    this.alarm("room_failed", roomId, null, null);
  }

  /** What this device says of its own accord. A room that is being left, or has too much to send, goes without. */
  volunteer(hex: string, event: CallEvent): void {
    try {
      this.step(hex, { kind: "command", command: { kind: "say", event } });
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
    }
  }

  /** The same command for every room that takes it. */
  stepAll(command: Extract<Input, { kind: "command" }>["command"]): void {
    for (const hex of this.rooms.keys()) {
      try {
        this.step(hex, { kind: "command", command });
      } catch (error) {
        if (!(error instanceof CommandError)) throw error; // that room is left, or paused: it has no use for it
      }
    }
  }

  /** Time has passed. */
  tick(): void {
    for (const hex of this.rooms.keys()) this.step(hex, { kind: "tick" });
  }

  /** A socket opened: its first frame. What was meant for an earlier one is not said on it. */
  greet(life: number, hello: ClientFrame): void {
    this.hello = life;
    this.frames = [hello];
    this.#cursors.clear();
  }

  /** The socket is gone. */
  offline(): void {
    this.hello = 0;
    this.frames = [];
    this.#cursors.clear();
    for (const hex of this.rooms.keys()) this.step(hex, { kind: "offline" });
  }

  alarm(code: string, roomId: Uint8Array | null, who: Uint8Array | null, evidence: Uint8Array | null): void {
    const { now, rng } = this.env;
    const name = roomId && who ? this.#nameOf(toHex(roomId), who) : null;
    this.records = withAlarm(this.records, { id: rng(16), code, roomId, who, name, at: now, evidence });
  }

  /**
   * The pins changed: the sealed bundle goes to the server again (E22). A new errand also where one waits: that one may
   * be on its way already, without this change.
   */
  backup(): void {
    const known = this.records.errands.find(({ kind }) => kind === "backup");
    const waits = known !== undefined && known.notBefore > this.env.now;
    const notBefore = waits ? known.notBefore : this.env.now + BACKUP_AFTER_MS;
    this.records = withErrand(this.records, { kind: "backup", notBefore });
  }

  /** The rows that this draft changes. */
  rows(): { readonly put: Rows; readonly drop: readonly string[] } {
    const put: Record<string, unknown> = recordRows(this.#open.records, this.records);
    const drop: string[] = [];
    for (const [hex, after] of this.#changed) {
      const before = this.#open.rooms.get(hex) ?? null;
      if (before === after) continue;
      const rows = roomRows(before, after);
      for (const [name, value] of Object.entries(rows.put)) put[roomPrefix(hex) + name] = value;
      drop.push(...rows.drop.map((name) => roomPrefix(hex) + name));
    }
    return { put, drop };
  }

  /** What leaves this device when the rows are stored: the rooms' frames, then how far they are. */
  released(): readonly ClientFrame[] {
    const cursors = [...this.#cursors].flatMap(([hex, n]) => {
      const room = this.room(hex)?.roomId;
      return room ? [{ t: "cursor", room, n } as const] : [];
    });
    return [...this.frames, ...cursors];
  }

  #take(hex: string, { state, effects, wiped }: Stepped): void {
    this.#changed.set(hex, state);
    this.touched.add(hex);
    this.wiped.push(...wiped);
    for (const effect of effects) this.#effect(hex, state, effect);
    // E22: a request that was answered, or that a newer one replaced, is posted no more.
    const asks = state.rejoining?.sealed ?? null;
    this.records = withoutOldRequest(this.records, state.roomId, asks);
  }

  #effect(hex: string, state: RoomState, effect: Effect): void {
    const { roomId } = state;
    switch (effect.kind) {
      case "send":
        this.frames.push(...effect.frames);
        break;
      case "cursor":
        this.#cursors.set(hex, effect.n);
        break;
      case "rejoin":
        this.records = withErrand(this.records, {
          kind: "rejoin",
          roomId,
          sealed: effect.sealed,
          notBefore: 0,
        });
        break;
      case "alarm":
        this.alarm(effect.code satisfies AlarmCode, roomId, effect.who, effect.evidence);
        break;
      case "met":
        this.#meet(roomId, effect.leaf);
        break;
      case "pins":
        this.backup();
        break;
      case "wake":
        this.wakes.set(hex, effect.at);
        break;
      case "withdraw_token": {
        const { inviteId } = effect;
        this.records = withErrand(this.records, { kind: "withdraw_token", inviteId, notBefore: 0 });
        break;
      }
      case "invited":
        this.invited.push(effect.inviteId);
        break;
      case "dropped":
        this.dropped.push({ hex, effect });
        break;
      case "heard_in_call": {
        const { deviceId, signal } = effect;
        if (signal.kind === "call_reaction") this.reactions.push({ deviceId, emoji: signal.emoji });
        break; // the rest the room's own view tells
      }
      case "arrived":
      case "rang":
        break; // the room's own view tells it
      case "media":
        this.wiped.push(effect.baseKey); // once the media worker has its own
        this.media.push({ hex, effect });
        break;
      case "media_hold":
      case "media_end":
        this.media.push({ hex, effect });
        break;
    }
  }

  #meet(roomId: Uint8Array, leaf: LeafIdentity): void {
    if (equal(leaf.accountId, this.env.me.accountId)) return;
    const { known, news } = meet(this.records.people, leaf);
    if (known !== this.records.people) this.records = { ...this.records, people: known };
    if (news === "changed" || news === "root_changed" || news === "blocked") {
      this.alarm(NEWS[news], roomId, leaf.accountId, null);
    }
  }

  #nameOf(hex: string, who: Uint8Array): string | null {
    const state = this.room(hex);
    if (!state) return null;
    return roomView(state, this.env, 0).members.find(({ accountId }) => equal(accountId, who))?.name ?? null;
  }
}

/** What the rooms' cores are given of the world. */
export function envOf(records: Records, now: number, skew: number, rng: Rng): Env {
  const { identity, deviceId, deploymentId, name } = records.account;
  const me = { accountId: identity.accountId, deviceId, deploymentId, identity, name };
  return { now, serverNow: now + skew, rng, me };
}
