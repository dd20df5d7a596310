/**
 * Who was in a call, as those who were there say it: an item of the timeline, the source of attendance.
 *
 * Everyone's own device says when they were there (`attended`), and the last one to leave says it of all (`call_record`,
 * E37). To say a thing twice changes nothing. Where the two differ, it is shown and not settled: nobody's word stands for
 * another's. What the sitting belongs to, the first word that names it decides.
 */

import { compare, equal } from "../bytes/bytes";
import type { CallPerson } from "../wire/generated";
import type { SittingEvent } from "./callBodies";
import type { Origin } from "./origin";

export const MAX_PEOPLE = 32;
/** Of one account in one sitting. */
export const MAX_SPANS = 8;
/** Of one sitting, one by each account. */
export const MAX_RECORDS = 4;
/** E10: a device whose clock is further ahead of the stamps is not believed. */
export const MAX_AHEAD_MS = 600_000;
/** Two words that are no further apart agree. */
export const AGREE_MS = 60_000;

/** From when to when (ms). */
export type Span = { readonly began: number; readonly ended: number };

/** What an account's own devices say: spans that do not touch, in order. */
export type Attendance = { readonly account: Uint8Array; readonly spans: readonly Span[] };

/** What the account `by` says of all. */
export type LastWord = Span & { readonly by: Uint8Array; readonly people: readonly CallPerson[] };

/** A sitting. `id` is its own; `n` and `at` are of the first word about it. Ascending by account. */
export type CallItem = {
  readonly kind: "call";
  readonly id: Uint8Array;
  readonly n: number;
  readonly at: number;
  readonly attended: readonly Attendance[];
  readonly records: readonly LastWord[];
  /** Not in what was stored before it was said. */
  readonly origin?: Origin | null;
};

/** Whether it can have happened by the stamp of the entry that says so. */
export function isBelievable({ body }: SittingEvent, at: number): boolean {
  return body.ended <= at + MAX_AHEAD_MS;
}

/** A sitting after what an account says about it. `origin`: what it names, as this device knows it. */
export function withWord(
  before: CallItem,
  account: Uint8Array,
  { type, body }: SittingEvent,
  origin: Origin | null,
): CallItem {
  const item = origin !== null && (before.origin ?? null) === null ? { ...before, origin } : before;
  if (type === "attended") return withSpan(item, account, { began: body.began, ended: body.ended });
  const { began, ended, people } = body;
  const others = item.records.filter((one) => !equal(one.by, account));
  if (others.length >= MAX_RECORDS) return item;
  const records = [...others, { by: account, began, ended, people }];
  return { ...item, records: records.sort((a, b) => compare(a.by, b.by)) };
}

function withSpan(item: CallItem, account: Uint8Array, span: Span): CallItem {
  const before = item.attended.find((one) => equal(one.account, account))?.spans ?? [];
  const others = item.attended.filter((one) => !equal(one.account, account));
  const spans = joined([...before, span]);
  if (others.length >= MAX_PEOPLE || spans.length > MAX_SPANS) return item;
  const attended = [...others, { account, spans }].sort((a, b) => compare(a.account, b.account));
  return { ...item, attended };
}

/** In order, and one where they touch. */
function joined(spans: readonly Span[]): readonly Span[] {
  const out: Span[] = [];
  for (const span of [...spans].sort((a, b) => a.began - b.began)) {
    const last = out.at(-1);
    if (last !== undefined && span.began <= last.ended) {
      out[out.length - 1] = { began: last.began, ended: Math.max(last.ended, span.ended) };
    } else out.push(span);
  }
  return out;
}

/** `present`: how long (ms). `own`: they say it themselves. `disputed`: a record says otherwise. */
export type WasThere = {
  readonly account: Uint8Array;
  readonly present: number;
  readonly own: boolean;
  readonly disputed: boolean;
};

/** `complete`: somebody was the last to leave and said so. `origin`: what the call belongs to. */
export type CallSummary = Span & {
  readonly people: readonly WasThere[];
  readonly complete: boolean;
  readonly origin: Origin | null;
};

export function summaryOf({ attended, records, origin = null }: CallItem): CallSummary {
  const whole: readonly Span[] = [...attended.flatMap(({ spans }) => spans), ...records];
  const accounts = [
    ...attended.map(({ account }) => account),
    ...records.flatMap(({ people }) => people.map(({ account }) => account)),
  ].sort(compare);
  const each = accounts.filter((one, i) => i === 0 || !equal(one, accounts[i - 1]!));
  return {
    began: Math.min(...whole.map(({ began }) => began)),
    ended: Math.max(...whole.map(({ ended }) => ended)),
    people: each.map((account) => wasThere(attended, records, account)),
    complete: records.length > 0,
    origin,
  };
}

function wasThere(
  attended: readonly Attendance[],
  records: readonly LastWord[],
  account: Uint8Array,
): WasThere {
  const own = attended.find((one) => equal(one.account, account))?.spans ?? null;
  const said = records.map(({ people }) => people.find((one) => equal(one.account, account)) ?? null);
  const spans = own ?? said.flatMap((one) => one ?? []);
  const lengths = spans.map(({ began, ended }) => ended - began);
  const whole = own === null ? spans[0]! : { began: own[0]!.began, ended: own.at(-1)!.ended };
  return {
    account,
    present: own === null ? Math.max(...lengths) : lengths.reduce((sum, one) => sum + one, 0),
    own: own !== null,
    disputed: said.some((one) => one === null || !agree(one, whole)),
  };
}

function agree(one: Span, other: Span): boolean {
  return Math.abs(one.began - other.began) <= AGREE_MS && Math.abs(one.ended - other.ended) <= AGREE_MS;
}
