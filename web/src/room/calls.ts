/**
 * Who rings whom, who answers what, and what follows from it: the same for everyone, by the order of the log.
 *
 * A ring is part of the fold (E24): newcomers are given those that are open. Nothing here looks at a clock: what has lapsed
 * is judged by the stamps of the log, and by the time that a view is given.
 *
 * Two people who ring at the same moment mean one call: of two rings that say "now" within GLARE_MS, the later one is
 * folded into the earlier. Its author counts as joining, its reason stands beside the first one, and its id means the same
 * call. All other rings stand side by side.
 */

import { compare, equal } from "../bytes/bytes";
import type { RingAnswer, Ring as RingBody, RingEnd } from "../wire/generated";
import type { Outcome, RingEvent, Urgency } from "./callBodies";

export const GLARE_MS = 120_000;
export const MAX_ALSO = 3;
/** Of one account, and of all: the newest ring always stands, or nobody could call for help. */
export const MAX_OWN_RINGS = 2;
export const MAX_RINGS = 8;
/** Accounts whose answers to one ring are kept. */
export const MAX_ANSWERS = 64;

const HOUR_MS = 3_600_000;
/** How long a ring stands that nobody ends (ms). */
export const LASTS_MS: Readonly<Record<Urgency, number>> = {
  now: 6 * HOUR_MS,
  today: 24 * HOUR_MS,
  when_you_can: 7 * 24 * HOUR_MS,
};
/** How long only the one who rings may say that it is over, and how long it waits for anybody (ms). */
export const WAITS_MS: Readonly<Record<Urgency, number>> = {
  now: 10 * 60_000,
  today: 4 * HOUR_MS,
  when_you_can: 48 * HOUR_MS,
};

/** reached: a device of theirs rings. later: they come at `due`. */
export const ANSWER_STATES = ["reached", "seen", "joining", "later", "cannot"] as const;
export type AnswerState = (typeof ANSWER_STATES)[number];

export type Answer = {
  readonly account: Uint8Array;
  readonly state: AnswerState;
  /** The stamp of when it was said. */
  readonly at: number;
  /** Goes with `later` alone (ms). */
  readonly due: number | null;
};

/** A ring of somebody else at the same moment: another id and reason for the same call. */
export type Also = {
  readonly call: Uint8Array;
  readonly by: Uint8Array;
  readonly at: number;
  readonly why: string;
};

export type Ring = {
  readonly call: Uint8Array;
  /** Position and stamp of the entry that rang. */
  readonly n: number;
  readonly at: number;
  /** An account. */
  readonly by: Uint8Array;
  readonly urgency: Urgency;
  readonly why: string;
  readonly wanted: number;
  readonly also: readonly Also[];
  /** Ascending by account. */
  readonly answers: readonly Answer[];
};

/** In the order of the log. */
export type Rings = readonly Ring[];

export const hasLapsed = (ring: Ring, now: number): boolean => now >= ring.at + LASTS_MS[ring.urgency];

/** The open ring that an id means, by whichever of its ids. */
export function ringOf(rings: Rings, call: Uint8Array): Ring | null {
  const means = (one: Ring): boolean =>
    equal(one.call, call) || one.also.some((also) => equal(also.call, call));
  return rings.find(means) ?? null;
}

// The fold

/** What `account` says at position n, stamped `at` (ms). */
export function foldRing(rings: Rings, account: Uint8Array, n: number, at: number, event: RingEvent): Rings {
  const standing = rings.filter((ring) => !hasLapsed(ring, at));
  if (event.type === "ring") return rung(standing, account, n, at, event.body);
  const ring = ringOf(standing, event.body.call);
  if (ring === null) return standing;
  const after =
    event.type === "ring_answer"
      ? answered(ring, account, at, event.body)
      : ended(ring, account, at, event.body);
  return withRing(standing, ring, after);
}

/** Accounts that left the room: they ring and answer no more. */
export function foldGone(rings: Rings, gone: readonly Uint8Array[]): Rings {
  return gone.reduce<Rings>((left, account) => left.flatMap((ring) => without(ring, account) ?? []), rings);
}

function rung(rings: Rings, account: Uint8Array, n: number, at: number, event: RingBody): Rings {
  const { call, urgency, why, wanted } = event;
  if (ringOf(rings, call) !== null) return rings;
  const twin = rings.find((one) => isTwin(one, at, event));
  if (twin !== undefined) {
    const also: Ring = { ...twin, also: [...twin.also, { call, by: account, at, why }] };
    const same = equal(account, twin.by);
    return withRing(rings, twin, same ? also : put(also, { account, state: "joining", at, due: null }));
  }
  const own = rings.filter((one) => equal(one.by, account));
  const over = own.slice(0, Math.max(own.length - MAX_OWN_RINGS + 1, 0));
  const others = rings.filter((one) => !over.includes(one)).slice(-(MAX_RINGS - 1));
  return [...others, { call, n, at, by: account, urgency, why, wanted, also: [], answers: [] }];
}

function isTwin(ring: Ring, at: number, event: RingBody): boolean {
  const same = ring.urgency === "now" && event.urgency === "now";
  return same && at < ring.at + GLARE_MS && ring.also.length < MAX_ALSO;
}

/**
 * The newest word of an account counts, from whichever of its devices. That a device rings, or that it was read, lowers no
 * answer.
 */
function answered(ring: Ring, account: Uint8Array, at: number, event: RingAnswer): Ring {
  if (equal(account, ring.by)) return ring;
  const before = ring.answers.find((one) => equal(one.account, account));
  const say = (state: AnswerState, due: number | null = null): Ring => put(ring, { account, state, at, due });
  switch (event.kind) {
    case "ringing":
      return before === undefined ? say("reached") : ring;
    case "seen":
      return before === undefined || before.state === "reached" ? say("seen") : ring;
    case "in":
      return say("later", at + (event.minutes ?? 0) * 60_000);
    case "at":
      return say("later", event.time ?? at);
    case "joining":
    case "cannot":
      return say(event.kind);
  }
}

function put(ring: Ring, answer: Answer): Ring {
  const others = ring.answers.filter((one) => !equal(one.account, answer.account));
  if (others.length >= MAX_ANSWERS) return ring;
  return { ...ring, answers: [...others, answer].sort((a, b) => compare(a.account, b.account)) };
}

function withRing(rings: Rings, before: Ring, after: Ring | null): Rings {
  return rings.flatMap((one) => (one === before ? (after ?? []) : one));
}

const rangIt = (ring: Ring, account: Uint8Array): boolean =>
  equal(account, ring.by) || ring.also.some((one) => equal(one.by, account));

function ended(ring: Ring, account: Uint8Array, at: number, event: RingEnd): Ring | null {
  if (event.outcome === "withdrawn") return rangIt(ring, account) ? takenBack(ring, account) : ring;
  return othersTake(ring, account, at, event.outcome) ? null : ring;
}

/** Who rang may; everyone may when it has waited long enough, or say that a call came of it when somebody has joined. */
function othersTake(ring: Ring, account: Uint8Array, at: number, outcome: Outcome): boolean {
  if (equal(account, ring.by) || at >= ring.at + WAITS_MS[ring.urgency]) return true;
  return outcome === "met" && ring.answers.some((one) => one.state === "joining");
}

/** The ring as those who rang at the same moment have it; null where nobody else did. */
function takenBack(ring: Ring, account: Uint8Array): Ring | null {
  const also = ring.also.filter((one) => !equal(one.by, account));
  if (!equal(account, ring.by)) return { ...ring, also };
  const [first, ...others] = also;
  if (first === undefined) return null;
  const answers = ring.answers.filter((one) => !equal(one.account, first.by));
  return { ...ring, call: first.call, at: first.at, by: first.by, why: first.why, also: others, answers };
}

function without(ring: Ring, account: Uint8Array): Ring | null {
  const left = takenBack(ring, account);
  return left && { ...left, answers: left.answers.filter((one) => !equal(one.account, account)) };
}

// What is shown

/** One of the others. `away`: no device of theirs has rung yet. `due` (ms): when they come. */
export type Asked = {
  readonly account: Uint8Array;
  readonly state: "away" | AnswerState;
  readonly due: number | null;
};

export type RingView = {
  readonly ring: Ring;
  readonly asked: readonly Asked[];
  readonly joining: number;
  readonly coming: number;
  /** How many others it begins with: as many as there are at most. */
  readonly needed: number;
  readonly enough: boolean;
  /** When so many will be there (ms); null where not so many have said that they come. */
  readonly enoughAt: number | null;
  /** To go on in writing is to be offered: too few can come, or nobody has answered in time. */
  readonly write: boolean;
  readonly lapsed: boolean;
};

/** A ring among the accounts of a room, at a time (ms) by the stamps' clock. */
export function ringView(ring: Ring, accounts: readonly Uint8Array[], now: number): RingView {
  const others = accounts
    .filter((one, i) => !equal(one, ring.by) && accounts.findIndex((other) => equal(one, other)) === i)
    .sort(compare);
  const asked = others.map((account): Asked => {
    const said = ring.answers.find((one) => equal(one.account, account));
    return { account, state: said?.state ?? "away", due: said?.due ?? null };
  });
  const joining = asked.filter(({ state }) => state === "joining").length;
  const arrivals = asked
    .filter(({ state }) => state === "joining" || state === "later")
    .map(({ due }) => Math.max(due ?? now, now))
    .sort((a, b) => a - b);
  const cannot = asked.filter(({ state }) => state === "cannot").length;
  const needed = Math.min(ring.wanted, Math.max(others.length, 1));
  const waited = now >= ring.at + WAITS_MS[ring.urgency] && arrivals.length === 0;
  return {
    ring,
    asked,
    joining,
    coming: arrivals.length,
    needed,
    enough: joining >= needed,
    enoughAt: arrivals[needed - 1] ?? null,
    write: others.length - cannot < needed || waited,
    lapsed: hasLapsed(ring, now),
  };
}

/** Whether the others will take it when `account` ends the ring now. */
export function mayEnd(ring: Ring, account: Uint8Array, now: number, outcome: Outcome): boolean {
  if (outcome === "withdrawn") return rangIt(ring, account);
  return !hasLapsed(ring, now) && othersTake(ring, account, now, outcome);
}
