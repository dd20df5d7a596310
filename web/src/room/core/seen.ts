/** What authors say they have seen of the log, and what this device cannot read (E19). */

import { equal, toHex } from "../../bytes/bytes";
import type { LeafIdentity } from "../../identity/credential";
import { encode } from "../../wire/cbor";
import type { Seen } from "../logHead";
import { withSystem } from "../timeline";
import { headAt, judgeSeen } from "./heads";
import type { Turn } from "./turn";

/** E19: so many unreadable entries in one epoch lead to the offer to compare. */
const UNREADABLE_ALARM = 3;

export type Place = { readonly id: Uint8Array; readonly n: number; readonly time: number };

/** An entry that this device cannot read is kept in sight; by itself it proves nothing (E19). */
export function noteUnreadable(
  turn: Turn,
  { id, n, time }: Place,
  detail: "damaged" | "missed" | "other",
  by: LeafIdentity | null,
): void {
  const { timeline, chores } = turn.state;
  const line = { id, n, at: time, code: "unreadable", who: by?.accountId ?? null, by: null, detail } as const;
  turn.set({ timeline: withSystem(timeline, line) });
  const unreadable = chores.unreadable + 1;
  turn.setChores({ unreadable });
  if (unreadable === UNREADABLE_ALARM) turn.alarm("unreadable", by?.accountId ?? null);
}

/**
 * E19: the head that an author repeats is the one that this device has. Otherwise the room is paused until the person
 * has compared by voice or goes on, and the evidence is kept.
 */
export function checkSeen(
  turn: Turn,
  at: { readonly n: number; readonly time: number; readonly after: number },
  leaf: LeafIdentity,
  seen: Seen,
  evidence: Uint8Array,
): void {
  const { log, tolerated, pause, membership } = turn.state;
  const author = toHex(leaf.accountId);
  const verdict = judgeSeen(log.heads, seen, at.n, at.after);
  if (verdict === "unknown") return;
  if (verdict === "same") {
    if (membership !== null && !equal(leaf.accountId, membership.me.accountId)) {
      turn.set({ confirmedAt: at.time });
    }
    if (tolerated.has(author)) {
      turn.set({ tolerated: new Set([...tolerated].filter((one) => one !== author)) });
    }
    return;
  }
  if (tolerated.has(author) || (pause !== null && pause.who !== null && equal(pause.who, leaf.accountId))) {
    return; // the person has been told
  }
  turn.set({ pause: { who: leaf.accountId, at: turn.env.now } });
  const ours = headAt(log.heads, seen.n) ?? new Uint8Array(0);
  const told = encode({ n: at.n, time: at.time, message: evidence, said: seen, ours });
  turn.alarm("fork", leaf.accountId, told);
}
