/**
 * What members of a room say about calls and meetings, made from a seed, and what follows from it.
 *
 * `calls.json` is told here, `calls_python.json` in Python (`tests/crypto/room/calls_story.py`). Either language reads
 * both: the same entries must give the same fold after each, the same lines, views and calendar file.
 */

import { fromHex, toHex } from "../../src/bytes/bytes";
import { type CallItem, summaryOf } from "../../src/room/attendance";
import { decodeBody, type EventBody, encodeBody } from "../../src/room/bodies";
import { calendarFile } from "../../src/room/calendarFile";
import { callLine, namedOrigin, ringLineId } from "../../src/room/callLines";
import { foldGone as goneFromRings, mayEnd, type Ring, ringView } from "../../src/room/calls";
import { encodeCanonical } from "../../src/room/canonical";
import { RoomDataError } from "../../src/room/errors";
import { type Fold, firstFold, foldEvent } from "../../src/room/fold";
import {
  coming,
  due,
  foldGone as goneFromMeetings,
  isFull,
  isMoved,
  nextDue,
  type Occurrence,
  occurrences,
  seriesOf,
  unplaced,
} from "../../src/room/meetings";
import { type Origin, originOf } from "../../src/room/origin";
import { begins, DAYS, naiveLocal, naiveMs, starts } from "../../src/room/recurrence";
import { encodeSnapshot, snapshotHash } from "../../src/room/snapshot";
import { EMPTY_TIMELINE, type Timeline, withSitting, withSystem } from "../../src/room/timeline";
import { id, seeded } from "../identity/people";

export type Entry = {
  readonly n: number;
  readonly time: number;
  readonly account: string;
  readonly type: string;
  readonly body: string;
};
/** After which entry somebody looks, and when (ms). */
export type Look = readonly [n: number, now: number];
export type Story = { readonly entries: readonly Entry[]; readonly looks: readonly Look[] };

const ROOM = id("room");
const BEGIN = Date.UTC(2026, 0, 1);
const LOOK_EVERY = 20;
const ORIGIN = "https://collegium.example.org";
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [1000, 30_000, 30_000, 5 * MINUTE, 5 * MINUTE, HOUR, HOUR, 15 * HOUR] as const;
const ZONES = [
  "Europe/Lisbon",
  "America/New_York",
  "America/New_York",
  "Australia/Lord_Howe",
  "Asia/Kolkata",
  "UTC",
  "Europe/Nowhere",
] as const;
const STARTS = [
  "2026-01-31T18:00",
  "2026-03-03T18:00",
  "2026-03-08T02:30",
  "2026-03-29T01:30",
  "2026-04-05T01:45",
  "2026-10-04T02:15",
  "2026-10-25T01:30",
  "2026-11-01T01:30",
] as const;

// Reading

/** What one device has after some entries. */
class Reader {
  fold: Fold = firstFold(ROOM);
  timeline: Timeline = EMPTY_TIMELINE;
  readonly lines: unknown[] = [];
  readonly folds: string[] = [];

  take({ n, time, account: hex, type, body }: Entry): void {
    const account = fromHex(hex);
    if (type === "gone") {
      const rings = goneFromRings(this.fold.rings, [account]);
      this.fold = { ...this.fold, rings, meetings: goneFromMeetings(this.fold.meetings, [account]) };
    } else {
      const event = decoded(type, fromHex(body));
      const envelope = {
        ...{ id: id(`event ${n}`), type, counter: n, body: fromHex(body) },
        ...{ seen: { n: 0, head: new Uint8Array(16) }, signature: new Uint8Array(64) },
      };
      const before = this.fold;
      this.fold = foldEvent(before, { n, account, device: account, time }, envelope, event).fold;
      if (event?.type === "attended" || event?.type === "call_record") {
        const origin = namedOrigin(this.timeline, this.fold, event);
        this.timeline = withSitting(this.timeline, event, account, n, time, origin);
      }
      const line = event && callLine(before, this.fold, event);
      if (line !== null) this.lines.push([n, line.code, line.detail]);
      if (line !== null && event?.type === "ring") {
        const item = { id: ringLineId(event.body.call), n, at: time, who: null, by: account, ...line };
        this.timeline = withSystem(this.timeline, item);
      }
    }
    this.folds.push(toHex(snapshotHash(this.snapshot(n))));
  }

  snapshot(n: number): Uint8Array {
    return encodeSnapshot({ position: n, head: new Uint8Array(48), fold: this.fold });
  }
}

function decoded(type: string, body: Uint8Array): EventBody | null {
  try {
    return decodeBody(type, body);
  } catch (cause) {
    if (cause instanceof RoomDataError) return null;
    throw cause;
  }
}

export function read({ entries, looks }: Story) {
  const reader = new Reader();
  const views: unknown[] = [];
  const accounts = [...new Set(entries.map(({ account }) => account))].sort().map(fromHex);
  for (const entry of entries) {
    reader.take(entry);
    for (const [n, now] of looks) if (n === entry.n) views.push(viewOf(reader.fold, accounts, now));
  }
  const items = reader.timeline.flat().filter((item) => item.kind === "call");
  return {
    folds: reader.folds,
    snapshot: toHex(reader.snapshot(entries.at(-1)!.n)),
    lines: reader.lines,
    views,
    calendar: calendarFile(reader.fold.meetings, ORIGIN),
    sittings: items.map(sittingOf),
  };
}

function viewOf({ rings, meetings }: Fold, accounts: readonly Uint8Array[], now: number) {
  return {
    now,
    rings: rings.map((ring) => ringOf(ring, accounts, now)),
    occurrences: occurrences(meetings, now - 7 * DAY, now + 60 * DAY).map((one) =>
      occurrenceOf(one, accounts),
    ),
    due: due(meetings, now).map(({ meeting, occurrence }) => [toHex(meeting.meeting), occurrence]),
    next_due: nextDue(meetings, now),
    full: isFull(meetings, now),
    unplaced: unplaced(meetings).map(({ meeting }) => toHex(meeting)),
    // Of a call that two of them have just begun.
    origin: written(originOf(rings, meetings, accounts.slice(0, 2), now)),
  };
}

function ringOf(ring: Ring, accounts: readonly Uint8Array[], now: number) {
  const {
    asked,
    joining,
    coming: come,
    needed,
    enoughAt,
    enough,
    write,
    lapsed,
  } = ringView(ring, accounts, now);
  const ends = (outcome: "met" | "withdrawn" | "written") =>
    accounts.map((account) => mayEnd(ring, account, now, outcome));
  return {
    call: toHex(ring.call),
    asked: asked.map(({ account, state, due: at }) => [toHex(account), state, at]),
    counts: [joining, come, needed, enoughAt],
    said: [enough, write, lapsed],
    may_end: { met: ends("met"), withdrawn: ends("withdrawn"), written: ends("written") },
  };
}

function occurrenceOf(one: Occurrence, accounts: readonly Uint8Array[]) {
  const { meeting, occurrence, start, minutes, begins: from, ends } = one;
  const who = accounts.map((account) => coming(meeting, occurrence, account));
  return [toHex(meeting.meeting), occurrence, start, minutes, from, ends, isMoved(one), who];
}

function sittingOf(item: CallItem) {
  const { began, ended, people, complete, origin } = summaryOf(item);
  const each = people.map(({ account, present, own, disputed }) => ({
    ...{ account: toHex(account), present, own, disputed },
  }));
  const of = written(origin);
  return { id: toHex(item.id), n: item.n, at: item.at, began, ended, people: each, complete, origin: of };
}

function written(origin: Origin | null): readonly (string | null)[] | null {
  if (origin === null) return null;
  if (origin.kind === "ring") return ["ring", toHex(origin.call), origin.by && toHex(origin.by), origin.why];
  return ["meeting", toHex(origin.meeting), origin.occurrence, origin.title, origin.start];
}

// Telling

/** Members who say what comes to their mind, most of it in bounds. */
class Teller {
  readonly entries: Entry[] = [];
  readonly looks: Look[] = [];
  readonly #reader = new Reader();
  readonly #bytes: (length: number) => Uint8Array;
  readonly #accounts: readonly Uint8Array[];
  #time = BEGIN;

  constructor(seed: string) {
    this.#bytes = seeded(`calls ${seed}`);
    this.#accounts = Array.from({ length: 5 }, (_, i) => id(`${seed} account ${i}`));
  }

  tell(count: number): void {
    for (let i = 0; i < count; i++) {
      this.#time += this.#choice(STEPS);
      if (this.entries.length % LOOK_EVERY === LOOK_EVERY - 1) this.#look();
      const account = this.#choice(this.#accounts);
      if (this.#below(100) === 0) {
        this.#say(account, "gone", new Uint8Array(0));
        continue;
      }
      const event = this.#event();
      this.#say(account, event.type, encodeBody(event));
      if (this.#below(30) === 0) this.#say(account, event.type, encodeCanonical({ call: this.#id("call") }));
    }
  }

  /** Now, and shortly before a meeting begins. */
  #look(): void {
    const n = this.entries.length;
    this.looks.push([n, this.#time]);
    const later = occurrences(this.#reader.fold.meetings, this.#time, this.#time + 300 * DAY);
    if (later.length > 0) this.looks.push([n, this.#choice(later).begins - 5 * MINUTE]);
  }

  #say(account: Uint8Array, type: string, body: Uint8Array): void {
    const n = this.entries.length + 1;
    const entry = { n, time: this.#time, account: toHex(account), type, body: toHex(body) };
    this.entries.push(entry);
    this.#reader.take(entry);
  }

  #below(most: number): number {
    const [a, b, c, d] = this.#bytes(4);
    return ((((a! * 256 + b!) * 256 + c!) * 256 + d!) % most) as number;
  }

  #choice<T>(of: readonly T[]): T {
    return of[this.#below(of.length)]!;
  }

  #id(of: string, count = 8): Uint8Array {
    return id(`${of} ${this.#below(count)}`);
  }

  #event(): EventBody {
    switch (this.#below(15)) {
      case 0:
      case 1: {
        const call = this.#below(2) === 0 ? this.#bytes(16) : this.#id("call");
        const urgency = this.#choice(["now", "now", "today", "when_you_can"] as const);
        const why = `Why ${this.#below(99)} ü`;
        return { type: "ring", body: { call, urgency, why, wanted: 1 + this.#below(11) } };
      }
      case 2:
      case 3:
      case 4:
      case 5:
        return this.#answer();
      case 6: {
        const outcome = this.#choice(["met", "withdrawn", "withdrawn", "written"] as const);
        const post = outcome === "written" ? { post: this.#id("post") } : {};
        return { type: "ring_end", body: { call: this.#call(), outcome, ...post } };
      }
      case 7:
        return {
          type: "attended",
          body: { sitting: this.#id("sitting", 12), ...this.#span(), ...this.#belongs() },
        };
      case 8:
        return this.#record();
      case 9:
      case 10:
        return this.#meeting();
      case 11: {
        const { meeting, occurrence } = this.#occurrence();
        const start = naiveLocal(naiveMs(occurrence) + (this.#below(10_000) - 5_000) * MINUTE);
        return {
          type: "meeting_change",
          body: { meeting, occurrence, start, minutes: this.#choice([15, 120]) },
        };
      }
      case 12: {
        const { meeting, occurrence } = this.#occurrence();
        return {
          type: "meeting_cancel",
          body: this.#below(6) === 0 ? { meeting } : { meeting, occurrence },
        };
      }
      default: {
        const { meeting, occurrence } = this.#occurrence();
        const come = this.#choice(["yes", "no", "maybe"] as const);
        const which = this.#below(3) === 0 ? {} : { occurrence };
        return { type: "meeting_answer", body: { meeting, coming: come, ...which } };
      }
    }
  }

  #call(): Uint8Array {
    const { rings } = this.#reader.fold;
    return rings.length > 0 && this.#below(10) > 0 ? this.#choice(rings).call : this.#id("call");
  }

  #answer(): EventBody {
    const call = this.#call();
    const kind = this.#choice(["ringing", "seen", "joining", "in", "at", "cannot"] as const);
    const minutes = kind === "in" ? { minutes: this.#choice([5, 15, 60]) } : {};
    const time = kind === "at" ? { time: this.#time + this.#below(10 * HOUR) - HOUR } : {};
    return { type: "ring_answer", body: { call, kind, ...minutes, ...time } };
  }

  #span(): { readonly began: number; readonly ended: number } {
    const began = this.#time - this.#below(3 * HOUR);
    return { began, ended: began + this.#below(3 * HOUR) };
  }

  #record(): EventBody {
    const { began, ended } = this.#span();
    const some = this.#accounts.filter(() => this.#below(2) === 0);
    const there = some.length === 0 ? [this.#accounts[0]!] : some;
    const people = there
      .map((account) => {
        const came = began + this.#below(ended - began + 1);
        return { account, began: came, ended: came + this.#below(ended - came + 1) };
      })
      .sort((a, b) => (toHex(a.account) < toHex(b.account) ? -1 : 1));
    const of = { sitting: this.#id("sitting", 12), ...this.#belongs() };
    return { type: "call_record", body: { ...of, began, ended, people } };
  }

  /** Mostly something that there is. */
  #belongs(): { readonly ring?: Uint8Array } | { readonly meeting: Uint8Array; readonly occurrence: string } {
    const dice = this.#below(10);
    if (dice < 3) return { ring: this.#call() };
    return dice < 6 ? this.#occurrence() : {};
  }

  #rule(start: string): string | null {
    const day = DAYS[(new Date(naiveMs(start)).getUTCDay() + 6) % 7]!;
    const more = DAYS.filter((one) => one === day || this.#below(3) === 0).join(",");
    const until = naiveLocal(naiveMs(start) + this.#below(200) * DAY)
      .slice(0, 10)
      .replaceAll("-", "");
    const monthly = [-1, 1, 2, 3, 4].map((n) => `MONTHLY;BYDAY=${n}${day}`);
    const heads = ["DAILY", "DAILY;INTERVAL=3", "WEEKLY", `WEEKLY;INTERVAL=2;BYDAY=${more}`, "MONTHLY"];
    const head = this.#choice([...heads, ...monthly]);
    const end = this.#choice(["", `;COUNT=${this.#choice([1, 7, 200])}`, `;UNTIL=${until}`]);
    const rule = `FREQ=${head}${end}`;
    return begins(start, rule) && this.#below(5) > 0 ? rule : null;
  }

  #meeting(): EventBody {
    const start = this.#choice(STARTS);
    const rule = this.#rule(start);
    const other = this.#occurrence();
    const meeting = this.#id("meeting", 14);
    const follows = this.#below(3) === 0 && toHex(other.meeting) !== toHex(meeting);
    return {
      type: "meeting",
      body: {
        ...{ meeting, title: `Group ${this.#below(9)}`, start, zone: this.#choice(ZONES) },
        minutes: this.#choice([5, 50, 90, 600]),
        ...(rule === null ? {} : { rule }),
        ...(follows ? { follows: other.meeting, since: other.occurrence } : {}),
      },
    };
  }

  /** Of a meeting that there is, mostly one that its rule gives. */
  #occurrence(): { readonly meeting: Uint8Array; readonly occurrence: string } {
    const { meetings } = this.#reader.fold;
    if (meetings.length === 0) return { meeting: this.#id("meeting", 14), occurrence: this.#choice(STARTS) };
    const meeting = this.#choice(meetings);
    const given = starts(seriesOf(meeting), meeting.start, "2026-12-31T00:00").slice(0, 20);
    const some = given.length > 0 && this.#below(10) > 0 ? given : STARTS;
    return { meeting: meeting.meeting, occurrence: this.#choice(some) };
  }
}

export function told(seed: string, count: number) {
  const teller = new Teller(seed);
  teller.tell(count);
  const { entries, looks } = teller;
  return { entries, looks, ...read({ entries, looks }) };
}
