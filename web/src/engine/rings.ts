import { equal, toHex } from "../bytes/bytes";
import { hasLapsed, type Ring } from "../room/calls";
import type { RoomState } from "../room/core";
import type { Draft } from "./draft";

/**
 * What this device does of its own accord when a group is called: it says that it rings, has the server wake the
 * devices that are not there, keeps quiet when it was told to, and says that a call came of it.
 */

/** So long a ring that says "now" is to be heard (ms), and so old may one be for others to be woken by it. */
export const RINGS_MS = 2 * 60_000;

export class RingDesk {
  /** Calls, in hex, that this device has answered with "ringing", woken others for, or is silent about. */
  readonly #said = new Set<string>();
  readonly #woke = new Set<string>();
  readonly #silent = new Set<string>();
  /** Calls that came about, as this device has said. */
  readonly #met = new Set<string>();

  silence(call: Uint8Array): void {
    this.#silent.add(toHex(call));
  }

  /** Whether this device is to be heard. `answer`: what its person said so far. */
  isHeard(ring: Ring, me: Uint8Array, now: number): boolean {
    const answer = ring.answers.find((one) => equal(one.account, me))?.state ?? "reached";
    return (
      ring.urgency === "now" &&
      !equal(ring.by, me) &&
      (answer === "reached" || answer === "seen") &&
      now < ring.at + RINGS_MS &&
      !this.#silent.has(toHex(ring.call))
    );
  }

  /** After rooms were stepped: what follows of the rings that are open now. */
  tend(draft: Draft): void {
    for (const hex of [...draft.touched]) {
      const state = draft.room(hex);
      if (state === null || state.stage !== "member" || !state.link.caughtUp) continue;
      for (const ring of state.fold.rings) this.#tend(draft, hex, state, ring);
    }
  }

  #tend(draft: Draft, hex: string, state: RoomState, ring: Ring): void {
    const { me, serverNow } = draft.env;
    const call = toHex(ring.call);
    if (hasLapsed(ring, serverNow)) return;
    if (equal(ring.by, me.accountId)) {
      if (!this.#met.has(call) && isMet(ring, state)) {
        this.#met.add(call);
        draft.volunteer(hex, { type: "ring_end", body: { call: ring.call, outcome: "met" } });
        return;
      }
      if (this.#woke.has(call) || serverNow >= ring.at + RINGS_MS) return;
      this.#woke.add(call);
      draft.frames.push({ t: "wake", room: state.roomId, ring: ring.call });
      return;
    }
    const answered = ring.answers.some(({ account }) => equal(account, me.accountId));
    if (answered || this.#said.has(call)) return;
    this.#said.add(call);
    draft.volunteer(hex, { type: "ring_answer", body: { call: ring.call, kind: "ringing" } });
  }
}

/** Whether whoever rang is in the room's call, with as many others as were wanted or as there are. */
function isMet({ by, wanted }: Ring, { call, membership }: RoomState): boolean {
  const here = new Set(call.sitting?.participants.map(({ device }) => toHex(device)) ?? []);
  const leaves = [...(membership?.roster.values() ?? [])];
  const all = new Set(leaves.map(({ accountId }) => toHex(accountId)));
  const inCall = new Set(
    leaves.filter(({ deviceId }) => here.has(toHex(deviceId))).map(({ accountId }) => toHex(accountId)),
  );
  const others = inCall.size - 1;
  return inCall.has(toHex(by)) && others >= Math.min(wanted, Math.max(all.size - 1, 1));
}
