/** One step in the making: the state so far, and what is to be done once it is stored. */

import type { Ephemeral, Fetch, Send } from "../../wire/generated";
import { headAt } from "./heads";
import type { Call, Chores, Dues, Link, Membership, Presence, RoomLog, RoomState } from "./state";
import type { AlarmCode, Effect, Env, Stepped } from "./surface";

export class Turn {
  state: RoomState;
  readonly env: Env;
  readonly #effects: Effect[] = [];
  readonly #frames: (Send | Fetch | Ephemeral)[] = [];
  readonly #wiped: Uint8Array[] = [];

  constructor(state: RoomState, env: Env) {
    this.state = state;
    this.env = env;
  }

  set(part: Partial<RoomState>): void {
    this.state = { ...this.state, ...part };
  }

  setLink(part: Partial<Link>): void {
    this.set({ link: { ...this.state.link, ...part } });
  }

  setLog(part: Partial<RoomLog>): void {
    this.set({ log: { ...this.state.log, ...part } });
  }

  setDues(part: Partial<Dues>): void {
    this.set({ dues: { ...this.state.dues, ...part } });
  }

  setChores(part: Partial<Chores>): void {
    this.set({ chores: { ...this.state.chores, ...part } });
  }

  setPresence(part: Partial<Presence>): void {
    this.set({ presence: { ...this.state.presence, ...part } });
  }

  setCall(part: Partial<Call>): void {
    this.set({ call: { ...this.state.call, ...part } });
  }

  setGroup(group: Membership["group"]): void {
    if (this.state.membership !== null) this.set({ membership: { ...this.state.membership, group } });
  }

  effect(effect: Effect): void {
    this.#effects.push(effect);
  }

  alarm(code: AlarmCode, who: Uint8Array | null, evidence: Uint8Array | null = null): void {
    this.effect({ kind: "alarm", code, who, at: this.env.now, evidence });
  }

  send(frame: Send | Fetch | Ephemeral): void {
    this.#frames.push(frame);
  }

  wipe(secrets: readonly Uint8Array[]): void {
    this.#wiped.push(...secrets);
  }

  /** A number from 0 up to, not including, `below`: to keep devices from all doing the same at once. */
  jitter(below: number): number {
    const bytes = this.env.rng(2);
    return Math.floor(((bytes[0]! * 256 + bytes[1]!) / 65536) * below);
  }

  finish(): Stepped {
    const frames: Effect[] = this.#frames.length > 0 ? [{ kind: "send", frames: this.#frames }] : [];
    return { state: this.state, effects: [...this.#effects, ...frames], wiped: this.#wiped };
  }
}

/** Whether this device has all that is known to exist, on a live connection. */
export function isLevel({ link, log }: RoomState): boolean {
  return link.connected && link.caughtUp && link.fetching === null && log.n >= link.target;
}

/** What this device repeats of the log in what it sends now (E19). */
export function seenNow(state: RoomState): { readonly n: number; readonly head: Uint8Array } {
  const head = headAt(state.log.heads, state.log.n);
  if (head === null) throw new Error("the log head is not known yet");
  return { n: state.log.n, head };
}
