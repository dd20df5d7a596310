/**
 * What a sitting belongs to: the ring that led to it, an occurrence of a meeting, or neither.
 *
 * Whoever was there says it with the time that they were there, so that calls of one meeting are found together also
 * where the call broke off in between. An occurrence is named as everywhere by the start that its rule gives it: one that
 * was moved is still the same.
 */

import { equal } from "../bytes/bytes";
import { hasLapsed, type Ring, type Rings } from "./calls";
import { due, type Meetings } from "./meetings";

/** Whoever rings goes into the call at once: the ring may stand in the log a little after the call began (ms). */
export const RUNG_WITHIN_MS = 120_000;

/** `by` and `why` are as this device knew the ring; null and empty where it did not. */
export type RingOrigin = {
  readonly kind: "ring";
  readonly call: Uint8Array;
  readonly by: Uint8Array | null;
  readonly why: string;
};

/** `title` and `start` (local) are as this device knew the meeting; empty where it did not. */
export type MeetingOrigin = {
  readonly kind: "meeting";
  readonly meeting: Uint8Array;
  readonly occurrence: string;
  readonly title: string;
  readonly start: string;
};

export type Origin = RingOrigin | MeetingOrigin;

/**
 * Of a call that goes on: `accounts` are in it, `since` is the stamp of its begin (ms). The newest ring that one of them
 * rang or comes to; else the meeting whose begin is nearest.
 */
export function originOf(
  rings: Rings,
  meetings: Meetings,
  accounts: readonly Uint8Array[],
  since: number,
): Origin | null {
  const ring = rings.findLast((one) => led(one, accounts, since));
  if (ring !== undefined) return { kind: "ring", call: ring.call, by: ring.by, why: ring.why };
  const away = ({ begins }: { readonly begins: number }): number => Math.abs(begins - since);
  const [near] = [...due(meetings, since)].sort((a, b) => away(a) - away(b));
  if (near === undefined) return null;
  const { meeting, occurrence, start } = near;
  return { kind: "meeting", meeting: meeting.meeting, occurrence, title: meeting.title, start };
}

function led(ring: Ring, accounts: readonly Uint8Array[], since: number): boolean {
  const rang = [ring.by, ...ring.also.map(({ by }) => by)];
  const come = ring.answers.flatMap(({ account, state }) => (state === "joining" ? [account] : []));
  const inTime = ring.at <= since + RUNG_WITHIN_MS && !hasLapsed(ring, since);
  return inTime && [...rang, ...come].some((one) => accounts.some((account) => equal(account, one)));
}

/** As words about a sitting name it. */
export function namesOf(origin: Origin | null): {
  readonly ring?: Uint8Array;
  readonly meeting?: Uint8Array;
  readonly occurrence?: string;
} {
  if (origin === null) return {};
  if (origin.kind === "ring") return { ring: origin.call };
  return { meeting: origin.meeting, occurrence: origin.occurrence };
}
