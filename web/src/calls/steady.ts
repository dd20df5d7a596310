/**
 * What a person is shown of sections on which refused frames and good ones come by turns: somebody who puts frames of
 * their own into a stream must not make its picture flicker, nor raise the same alarm fifty times a second. Pure; times
 * in ms are arguments.
 */

import type { Refusal } from "../sframe/lines";
import type { Incoming } from "./connection";

/** Whoever was shown stays so for as long after a refusal: good frames may follow at once. */
export const HIDE_AFTER_MS = 500;
/** After so long without a refusal it is over: the next one is told anew. */
export const CALM_AFTER_MS = 10_000;

type Known = {
  readonly device: string;
  readonly kind: Incoming["kind"];
  /** As the worker told it last. */
  readonly raw: Incoming["refused"];
  readonly shown: Incoming;
  /** When it is hidden unless a good frame comes; null: nothing waits for that. */
  readonly hideAt: number | null;
  readonly calmAt: number;
  /** What was told of it since it was calm last. */
  readonly told: ReadonlySet<Refusal>;
};

export type Steady = {
  readonly known: ReadonlyMap<string, Known>;
  readonly shown: readonly Incoming[];
  /** Sections whose refusal is to be told now. */
  readonly alarms: readonly Incoming[];
  /** When to look again; null: when something comes. */
  readonly due: number | null;
};

export const NOTHING: Steady = { known: new Map(), shown: [], alarms: [], due: null };

const NONE: ReadonlySet<Refusal> = new Set();

/** `incoming`: all sections as the connection has them now. */
export function steady(before: Steady, incoming: readonly Incoming[], now: number): Steady {
  const known = new Map<string, Known>();
  const alarms: Incoming[] = [];
  let due = Number.POSITIVE_INFINITY;
  for (const one of incoming) {
    const last = before.known.get(one.mid);
    // Under a new label it is another one.
    const same = last !== undefined && last.device === one.device && last.kind === one.kind ? last : null;
    const next = after(same, one, now);
    if (one.refused !== null && one.refused !== same?.raw && !same?.told.has(one.refused.why))
      alarms.push(one);
    known.set(one.mid, next);
    if (next.hideAt !== null) due = Math.min(due, next.hideAt);
    else if (next.shown.refused !== null && one.refused === null) due = Math.min(due, next.calmAt);
  }
  const shown = [...known.values()].map((one) => one.shown);
  return { known, shown, alarms, due: due === Number.POSITIVE_INFINITY ? null : due };
}

function after(last: Known | null, one: Incoming, now: number): Known {
  const isNew = one.refused !== null && one.refused !== last?.raw;
  const calmAt = isNew ? now + CALM_AFTER_MS : (last?.calmAt ?? 0);
  const calm = one.refused === null && now >= calmAt;
  const told = calm || last === null ? NONE : last.told;
  const refused = one.refused ?? (calm ? null : (last?.shown.refused ?? null));
  const wasShown = last?.shown.heard ?? false;
  const hideAt = one.refused === null || !wasShown ? null : (last?.hideAt ?? now + HIDE_AFTER_MS);
  const heard = one.heard || (hideAt !== null && now < hideAt);
  return {
    device: one.device,
    kind: one.kind,
    raw: one.refused,
    shown: { ...one, heard, refused },
    hideAt: heard ? hideAt : null,
    calmAt,
    told: one.refused === null ? told : new Set([...told, one.refused.why]),
  };
}
