/**
 * Bodies, envelopes and signals that every language must accept or refuse alike (E16, E38), as pieces of CBOR: `parts` are
 * hexadecimal, each repeated `times`.
 */

import { toHex, utf8 } from "../../src/bytes/bytes";
import { encode } from "../../src/wire/cbor";

type Part = readonly [hex: string, times: number];
export type EventCase = {
  readonly name: string;
  /** "envelope", "signal", or the type of a body. */
  readonly what: string;
  readonly accepted: boolean;
  readonly parts: readonly Part[];
};

const ID = new Uint8Array(16).fill(1);
const HASH = new Uint8Array(48).fill(2);
const SIGNATURE = new Uint8Array(64).fill(3);
const SEEN = { n: 7, head: ID };
const MAX = 2 ** 53 - 1;

const of = (value: unknown): readonly Part[] => [[toHex(encode(value)), 1]];
const hex = (text: string): readonly Part[] => [[text.replaceAll(" ", ""), 1]];

/** `{text: <count times `piece`>}`, without writing it all out. */
function longText(piece: string, count: number): readonly Part[] {
  const bytes = utf8(piece);
  const length = bytes.length * count;
  const head =
    length < 65_536
      ? [0x79, length >> 8, length & 255]
      : [0x7a, 0, length >> 16, (length >> 8) & 255, length & 255];
  return [
    [toHex(Uint8Array.of(0xa1, 0x64, ...utf8("text"), ...head)), 1],
    [toHex(bytes), count],
  ];
}

function cases(what: string, accepted: boolean, all: Record<string, readonly Part[]>): EventCase[] {
  return Object.entries(all).map(([name, parts]) => ({ name: `${what}: ${name}`, what, accepted, parts }));
}

const post = { text: "Hello" };
const react = { target: ID, emoji: "👍", on: true };
const page = { position: 3, page: 0, pages: 2, hash: HASH, data: ID };
const check = { position: 3, hash: HASH, agrees: false };
const stuck = { position: 3, signature: SIGNATURE };
const envelope = { id: ID, type: "post", counter: 1, seen: SEEN, body: ID, signature: SIGNATURE };
const OTHER = new Uint8Array(16).fill(9);
const ring = { call: ID, urgency: "now", why: "I need another view", wanted: 2 };
const answer = { call: ID, kind: "joining" };
const end = { call: ID, outcome: "met" };
const attended = { sitting: ID, began: 1000, ended: 2000 };
const met = { meeting: ID, occurrence: "2027-03-02T18:00" };
const record = { ...attended, people: [{ account: ID, began: 1000, ended: 1500 }] };
const person = { account: OTHER, began: 1200, ended: 2000 };
const meeting = { meeting: ID, title: "Tuesday group", start: "2026-03-03T18:00", minutes: 60 };
const planned = { ...meeting, zone: "Europe/Lisbon" };
const weekly = { ...planned, rule: "FREQ=WEEKLY;BYDAY=TU" };
const change = { meeting: ID, occurrence: "2026-03-10T18:00", start: "2026-03-11T19:00", minutes: 90 };
const DAY = 86_400_000;
const hand = { kind: "hand", at: 5, sitting: ID, on: true, since: 4 };
const reaction = { kind: "call_reaction", at: 5, sitting: ID, emoji: "👍" };
const media = { kind: "call_media", at: 5, sitting: ID, mic: true, camera: false, screen: false };
const signal = { kind: "typing", at: 5, on: true };

export const EVENT_CASES: readonly EventCase[] = [
  ...cases("post", true, {
    short: of(post),
    "a reply": of({ ...post, reply_to: ID }),
    "line breaks and controls": of({ text: "a\n\tb\u0000\u202ec" }),
    "a byte order mark inside": of({ text: "a\ufeffb" }),
    "20,000 characters": longText("a", 20_000),
    "20,000 characters of four bytes": longText("😀", 20_000),
  }),
  ...cases("post", false, {
    empty: of({ text: "" }),
    "20,001 characters": longText("a", 20_001),
    "20,001 characters of four bytes": longText("😀", 20_001),
    "no text": of({}),
    "text that is bytes": of({ text: ID }),
    "text that is a number": of({ text: 5 }),
    "an unknown field": of({ ...post, more: 1 }),
    "a null field": of({ ...post, reply_to: null }),
    "a short id": of({ ...post, reply_to: ID.slice(1) }),
    "a long id": of({ ...post, reply_to: new Uint8Array(17) }),
    "an id that is text": of({ ...post, reply_to: "aaaaaaaaaaaaaaaa" }),
    "not a map": of([1]),
    "a number": of(5),
    nothing: [],
    "two items": [...of(post), ...of(post)],
    "bytes after it": [...of(post), ["00", 1]],
    "cut short": hex("a1 64 74657874 65 48656c6c"),
    "text of broken UTF-8": hex("a1 64 74657874 62 c328"),
    "text behind a byte order mark": of({ text: "\ufeffHello" }),
    "long text behind a byte order mark": of({ text: `\ufeff${"ä".repeat(300)}` }),
    "text of a lone surrogate": hex("a1 64 74657874 63 eda080"),
    "text in a longer head than needed": hex("a1 64 74657874 78 05 48656c6c6f"),
    "text in pieces": hex("a1 64 74657874 7f 65 48656c6c6f ff"),
    "a map without an end": hex("bf 64 74657874 65 48656c6c6f ff"),
    "a field twice": hex("a2 64 74657874 61 61 64 74657874 61 61"),
    "fields in another order": hex(`a2 68 7265706c795f746f 50 ${"01".repeat(16)} 64 74657874 61 61`),
    "a tag": hex("d9d9f7 a1 64 74657874 61 61"),
    "a tag inside": hex("a1 64 74657874 c0 61 61"),
    undefined: hex("a1 64 74657874 f7"),
  }),
  ...cases("edit", true, { one: of({ target: ID, text: "Other" }) }),
  ...cases("edit", false, { "no target": of({ text: "Other" }), "no text": of({ target: ID }) }),
  ...cases("delete", true, { one: of({ target: ID }) }),
  ...cases("delete", false, { "no target": of({}), text: of({ target: ID, text: "x" }) }),
  ...cases("react", true, {
    one: of(react),
    "taken off": of({ ...react, on: false }),
    "several signs": of({ ...react, emoji: "👩🏽‍⚕️" }),
    "a key cap": of({ ...react, emoji: "1️⃣" }),
    "the least": of({ ...react, emoji: "©" }),
    "32 bytes": of({ ...react, emoji: "😀".repeat(8) }),
  }),
  ...cases("react", false, {
    empty: of({ ...react, emoji: "" }),
    "more than 32 bytes": of({ ...react, emoji: "😀".repeat(9) }),
    words: of({ ...react, emoji: "no" }),
    "words beside a sign": of({ ...react, emoji: "no 👎" }),
    "a space": of({ ...react, emoji: "👍 " }),
    digits: of({ ...react, emoji: "123" }),
    "a control": of({ ...react, emoji: "👍\u0007" }),
    "a turn of direction": of({ ...react, emoji: "👍\u202e" }),
    "a byte order mark before": of({ ...react, emoji: "\ufeff👍" }),
    "on that is a number": of({ ...react, on: 1 }),
  }),
  ...cases("profile", true, {
    one: of({ name: "Dr. Anna Müller-Özil" }),
    "80 characters": of({ name: "名".repeat(80) }),
    "80 characters beyond the first plane": of({ name: "𠮷".repeat(80) }),
    "a space inside, and joiners": of({ name: "می\u200cخواهم x" }),
  }),
  ...cases("profile", false, {
    empty: of({ name: "" }),
    "81 characters": of({ name: "名".repeat(81) }),
    "81 characters beyond the first plane": of({ name: "𠮷".repeat(81) }),
    "a space before": of({ name: " Anna" }),
    "a space after": of({ name: "Anna " }),
    "only a space": of({ name: " " }),
    "a line break": of({ name: "Anna\nBen" }),
    "a line separator": of({ name: "Anna\u2028Ben" }),
    "a control": of({ name: "Anna\u0085" }),
    "a turn of direction": of({ name: "\u202eannA" }),
    "an isolate": of({ name: "\u2066Anna" }),
    "a byte order mark before": of({ name: "\ufeffAnna" }),
  }),
  ...cases("snapshot", true, {
    one: of(page),
    "the last of sixteen": of({ ...page, page: 15, pages: 16 }),
    "the longest": [
      [toHex(Uint8Array.of(0xa5, 0x64, ...utf8("data"), 0x59, 0x80, 0x00)), 1],
      ["07", 32_768],
      [toHex(encode({ hash: HASH, page: 0, pages: 2, position: 3 }).slice(1)), 1],
    ],
  }),
  ...cases("snapshot", false, {
    "a seventeenth page": of({ ...page, page: 16 }),
    "seventeen pages": of({ ...page, pages: 17 }),
    "no pages": of({ ...page, pages: 0 }),
    "position 0": of({ ...page, position: 0 }),
    "no data": of({ ...page, data: new Uint8Array(0) }),
    "too long": [
      [toHex(Uint8Array.of(0xa5, 0x64, ...utf8("data"), 0x59, 0x80, 0x01)), 1],
      ["07", 32_769],
      [toHex(encode({ hash: HASH, page: 0, pages: 2, position: 3 }).slice(1)), 1],
    ],
    "a short hash": of({ ...page, hash: HASH.slice(1) }),
    "a negative page": of({ ...page, page: -1 }),
  }),
  ...cases("snapshot_check", true, { one: of(check), agrees: of({ ...check, agrees: true }) }),
  ...cases("snapshot_check", false, {
    "agrees that is null": of({ ...check, agrees: null }),
    "a position beyond 2^53": hex(
      `a3 64 68617368 58 30 ${"02".repeat(48)} 66 616772656573 f4 68 706f736974696f6e 1b 0020000000000000`,
    ),
  }),
  ...cases("stuck", true, { one: of(stuck), "the last position": of({ ...stuck, position: MAX }) }),
  ...cases("stuck", false, {
    "a short signature": of({ ...stuck, signature: SIGNATURE.slice(1) }),
    "a position that is a float": hex(
      `a2 68 706f736974696f6e f9 4200 69 7369676e6174757265 58 40 ${"03".repeat(64)}`,
    ),
  }),
  ...cases("ring", true, {
    now: of(ring),
    today: of({ ...ring, urgency: "today", wanted: 11 }),
    "when you can": of({ ...ring, urgency: "when_you_can", why: "名".repeat(200) }),
  }),
  ...cases("ring", false, {
    "no reason": of({ ...ring, why: "" }),
    "a reason of 201 characters": of({ ...ring, why: "a".repeat(201) }),
    "a reason of two lines": of({ ...ring, why: "a\nb" }),
    "another urgency": of({ ...ring, urgency: "soon" }),
    "nobody wanted": of({ ...ring, wanted: 0 }),
    "twelve wanted": of({ ...ring, wanted: 12 }),
    "no id": of({ ...ring, call: ID.slice(1) }),
    "an unknown field": of({ ...ring, by: ID }),
  }),
  ...cases("ring_answer", true, {
    ringing: of({ ...answer, kind: "ringing" }),
    seen: of({ ...answer, kind: "seen" }),
    joining: of(answer),
    "in an hour": of({ ...answer, kind: "in", minutes: 60 }),
    "at a time": of({ ...answer, kind: "at", time: MAX }),
    cannot: of({ ...answer, kind: "cannot" }),
  }),
  ...cases("ring_answer", false, {
    "in seven minutes": of({ ...answer, kind: "in", minutes: 7 }),
    "in no minutes": of({ ...answer, kind: "in" }),
    "in minutes that are a float": hex(
      "a3 64 63616c6c 50 01010101010101010101010101010101 64 6b696e64 62 696e 67 6d696e75746573 f9 4500",
    ),
    "at no time": of({ ...answer, kind: "at" }),
    "at minutes": of({ ...answer, kind: "at", minutes: 5 }),
    "joining at a time": of({ ...answer, time: 5 }),
    "another kind": of({ ...answer, kind: "later" }),
    "in minutes and at a time": of({ ...answer, kind: "in", minutes: 5, time: 5 }),
  }),
  ...cases("ring_end", true, {
    met: of(end),
    withdrawn: of({ ...end, outcome: "withdrawn" }),
    written: of({ ...end, outcome: "written", post: ID }),
  }),
  ...cases("ring_end", false, {
    "written nowhere": of({ ...end, outcome: "written" }),
    "met in a post": of({ ...end, post: ID }),
    "another outcome": of({ ...end, outcome: "over" }),
  }),
  ...cases("attended", true, {
    one: of(attended),
    "no time at all": of({ ...attended, ended: 1000 }),
    "a day": of({ ...attended, ended: 1000 + DAY }),
    "of a ring": of({ ...attended, ring: ID }),
    "of a meeting": of({ ...attended, ...met }),
  }),
  ...cases("attended", false, {
    "of a meeting without its occurrence": of({ ...attended, meeting: ID }),
    "of an occurrence without its meeting": of({ ...attended, occurrence: met.occurrence }),
    "of a ring and a meeting": of({ ...attended, ...met, ring: ID }),
    "of no ring": of({ ...attended, ring: null }),
    "of a short ring": of({ ...attended, ring: ID.slice(1) }),
    "of a day that there is not": of({ ...attended, ...met, occurrence: "2027-02-29T18:00" }),
    "an end before the beginning": of({ ...attended, ended: 999 }),
    "more than a day": of({ ...attended, ended: 1001 + DAY }),
    "before 1970": of({ ...attended, began: -1 }),
  }),
  ...cases("call_record", true, {
    "one person": of(record),
    "two people": of({ ...record, people: [...record.people, person] }),
    "of a ring": of({ ...record, ring: ID }),
    "of a meeting": of({ ...record, ...met }),
  }),
  ...cases("call_record", false, {
    "of a meeting without its occurrence": of({ ...record, meeting: ID }),
    "of a ring and a meeting": of({ ...record, ...met, ring: ID }),
    nobody: of({ ...record, people: [] }),
    "people out of order": of({ ...record, people: [person, ...record.people] }),
    "somebody twice": of({ ...record, people: [person, person] }),
    "somebody there before it began": of({ ...record, people: [{ ...person, began: 999 }] }),
    "somebody there after it ended": of({ ...record, people: [{ ...person, ended: 2001 }] }),
    "somebody who left before they came": of({ ...record, people: [{ ...person, ended: 1100 }] }),
    "33 people": of({
      ...record,
      people: Array.from({ length: 33 }, (_, i) => ({ ...person, account: new Uint8Array(16).fill(i) })),
    }),
    "a person with more": of({ ...record, people: [{ ...person, name: "Anna" }] }),
    "people that are no list": of({ ...record, people: person }),
  }),
  ...cases("meeting", true, {
    once: of(planned),
    weekly: of(weekly),
    "in UTC": of({ ...planned, zone: "UTC" }),
    "a zone in three parts": of({ ...planned, zone: "America/Argentina/Buenos_Aires" }),
    "a zone that nobody has": of({ ...planned, zone: "Europe/Nowhere" }),
    "each day": of({ ...planned, rule: "FREQ=DAILY" }),
    "every other week, ten times": of({ ...planned, rule: "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,FR;COUNT=10" }),
    "the longest rule": of({
      ...planned,
      rule: "FREQ=WEEKLY;INTERVAL=99;BYDAY=MO,TU,WE,TH,FR,SA,SU;UNTIL=21991231",
    }),
    "200 times": of({ ...planned, rule: "FREQ=WEEKLY;COUNT=200" }),
    "until its first day": of({ ...planned, rule: "FREQ=WEEKLY;UNTIL=20260303" }),
    "the first Tuesday": of({ ...planned, rule: "FREQ=MONTHLY;BYDAY=1TU" }),
    "the last Tuesday": of({ ...planned, start: "2026-03-31T18:00", rule: "FREQ=MONTHLY;BYDAY=-1TU" }),
    "each month": of({ ...planned, rule: "FREQ=MONTHLY;INTERVAL=99" }),
    "a leap day": of({ ...planned, start: "2028-02-29T23:59" }),
    "the last minute": of({ ...planned, start: "2199-12-31T23:59", minutes: 600 }),
    "in the place of another": of({ ...weekly, follows: OTHER, since: "2026-03-03T18:00" }),
  }),
  ...cases("meeting", false, {
    "no zone": of(meeting),
    "a zone that leads out": of({ ...planned, zone: "Europe/../../etc/passwd" }),
    "a zone from the root": of({ ...planned, zone: "/etc/localtime" }),
    "a zone of its own machine": of({ ...planned, zone: "localtime" }),
    "a zone that is a folder": of({ ...planned, zone: "Europe" }),
    "a zone by its offset": of({ ...planned, zone: "+02:00" }),
    "a zone in small letters": of({ ...planned, zone: "europe/lisbon" }),
    "a zone with leap seconds": of({ ...planned, zone: "right/Europe/Lisbon" }),
    "a zone with a line break": of({ ...planned, zone: "Europe/Lisbon\n" }),
    "a zone too long": of({ ...planned, zone: `Europe/${"A".repeat(42)}` }),
    "a day that there is not": of({ ...planned, start: "2026-02-29T18:00" }),
    "a month that there is not": of({ ...planned, start: "2026-13-01T18:00" }),
    "an hour that there is not": of({ ...planned, start: "2026-03-03T24:00" }),
    "a start with seconds": of({ ...planned, start: "2026-03-03T18:00:00" }),
    "a start with an offset": of({ ...planned, start: "2026-03-03T18:00Z" }),
    "a start long ago": of({ ...planned, start: "1999-12-31T23:59" }),
    "a start with a space": of({ ...planned, start: "2026-03-03 18:00" }),
    "a start in other digits": of({ ...planned, start: "2026-03-0\u0663T18:00" }),
    "four minutes": of({ ...planned, minutes: 4 }),
    "601 minutes": of({ ...planned, minutes: 601 }),
    "no title": of({ ...planned, title: "" }),
    "a rule of seconds": of({ ...planned, rule: "FREQ=SECONDLY" }),
    "a rule of years": of({ ...planned, rule: "FREQ=YEARLY" }),
    "a rule in another order": of({ ...planned, rule: "FREQ=WEEKLY;COUNT=3;BYDAY=TU" }),
    "a rule in small letters": of({ ...planned, rule: "freq=weekly" }),
    "a rule with a prefix": of({ ...planned, rule: "RRULE:FREQ=WEEKLY" }),
    "a rule with two lines": of({ ...planned, rule: "FREQ=WEEKLY\nFREQ=DAILY" }),
    "a rule with an end of line": of({ ...planned, rule: "FREQ=WEEKLY\n" }),
    "an interval of one": of({ ...planned, rule: "FREQ=WEEKLY;INTERVAL=1" }),
    "an interval of 100": of({ ...planned, rule: "FREQ=WEEKLY;INTERVAL=100" }),
    "an interval of none": of({ ...planned, rule: "FREQ=WEEKLY;INTERVAL=0" }),
    "a count of none": of({ ...planned, rule: "FREQ=WEEKLY;COUNT=0" }),
    "201 times": of({ ...planned, rule: "FREQ=WEEKLY;COUNT=201" }),
    "a count beyond all": of({ ...planned, rule: `FREQ=DAILY;COUNT=${"9".repeat(30)}` }),
    "a count and an end": of({ ...planned, rule: "FREQ=WEEKLY;COUNT=3;UNTIL=20270101" }),
    "an end that there is not": of({ ...planned, rule: "FREQ=WEEKLY;UNTIL=20270230" }),
    "an end before the start": of({ ...planned, rule: "FREQ=WEEKLY;UNTIL=20260302" }),
    "an end with a time": of({ ...planned, rule: "FREQ=WEEKLY;UNTIL=20270101T180000" }),
    "days of a daily one": of({ ...planned, rule: "FREQ=DAILY;BYDAY=TU" }),
    "a day that there is not in a rule": of({ ...planned, rule: "FREQ=WEEKLY;BYDAY=TU,XX" }),
    "no days": of({ ...planned, rule: "FREQ=WEEKLY;BYDAY=" }),
    "days twice": of({ ...planned, rule: "FREQ=WEEKLY;BYDAY=TU,TU" }),
    "days out of order": of({ ...planned, rule: "FREQ=WEEKLY;BYDAY=FR,TU" }),
    "an ordinal of a week": of({ ...planned, rule: "FREQ=WEEKLY;BYDAY=1TU" }),
    "a month's days without an ordinal": of({ ...planned, rule: "FREQ=MONTHLY;BYDAY=TU" }),
    "the fifth": of({ ...planned, start: "2026-03-31T18:00", rule: "FREQ=MONTHLY;BYDAY=5TU" }),
    "two ordinals": of({ ...planned, rule: "FREQ=MONTHLY;BYDAY=1TU,3TU" }),
    "a start on another weekday": of({ ...planned, rule: "FREQ=WEEKLY;BYDAY=WE" }),
    "a start on another Tuesday": of({ ...planned, rule: "FREQ=MONTHLY;BYDAY=2TU" }),
    "a start on a Tuesday that is not the last": of({ ...planned, rule: "FREQ=MONTHLY;BYDAY=-1TU" }),
    "in the place of another from nowhere": of({ ...weekly, follows: OTHER }),
    "from a day in the place of nothing": of({ ...weekly, since: "2026-03-03T18:00" }),
    "in its own place": of({ ...weekly, follows: ID, since: "2026-03-03T18:00" }),
  }),
  ...cases("meeting_change", true, { one: of(change) }),
  ...cases("meeting_change", false, {
    "no occurrence": of({ meeting: ID, start: change.start, minutes: 90 }),
    "a day that there is not": of({ ...change, occurrence: "2026-02-30T18:00" }),
    "no minutes": of({ ...change, minutes: 0 }),
  }),
  ...cases("meeting_cancel", true, {
    "one occurrence": of({ meeting: ID, occurrence: "2026-03-10T18:00" }),
    "all of it": of({ meeting: ID }),
  }),
  ...cases("meeting_cancel", false, {
    "a null occurrence": of({ meeting: ID, occurrence: null }),
    "an empty occurrence": of({ meeting: ID, occurrence: "" }),
  }),
  ...cases("meeting_answer", true, {
    "as a rule": of({ meeting: ID, coming: "yes" }),
    "to one": of({ meeting: ID, coming: "maybe", occurrence: "2026-03-10T18:00" }),
    no: of({ meeting: ID, coming: "no" }),
  }),
  ...cases("meeting_answer", false, {
    "no word": of({ meeting: ID }),
    "another word": of({ meeting: ID, coming: "late" }),
    "a word that is true": of({ meeting: ID, coming: true }),
  }),
  ...cases("envelope", true, {
    one: of(envelope),
    "a type that nobody knows yet": of({ ...envelope, type: "dance_all_night" }),
    "the longest type": of({ ...envelope, type: "a".repeat(32) }),
    "the highest counter": of({ ...envelope, counter: MAX }),
    "nothing seen": of({ ...envelope, seen: { n: 0, head: ID } }),
  }),
  ...cases("envelope", false, {
    "no type": of({ ...envelope, type: "" }),
    "a type too long": of({ ...envelope, type: "a".repeat(33) }),
    "a type of other letters": of({ ...envelope, type: "Post" }),
    "a type with a line break": of({ ...envelope, type: "post\n" }),
    "counter 0": of({ ...envelope, counter: 0 }),
    "a short id": of({ ...envelope, id: ID.slice(1) }),
    "no body": of({ ...envelope, body: new Uint8Array(0) }),
    "a body that is a map": of({ ...envelope, body: post }),
    "seen with more in it": of({ ...envelope, seen: { ...SEEN, more: 1 } }),
    "seen without a head": of({ ...envelope, seen: { n: 7 } }),
    "a null inside": of({ ...envelope, seen: { n: 7, head: null } }),
    "an unknown field": of({ ...envelope, author: ID }),
  }),
  ...cases("signal", true, { typing: of(signal), presence: of({ ...signal, kind: "presence", on: false }) }),
  ...cases("signal", true, {
    "a hand": of(hand),
    "a hand that is down": of({ ...hand, on: false, since: MAX }),
    "a reaction": of(reaction),
    "the longest reaction": of({ ...reaction, at: MAX, emoji: "😀".repeat(8) }),
    "what is on": of({ ...media, at: MAX }),
  }),
  ...cases("signal", false, {
    "another kind": of({ ...signal, kind: "call" }),
    "no kind": of({ at: 5, on: true }),
    "a kind that is a number": of({ ...signal, kind: 5 }),
    "typing in a sitting": of({ ...signal, sitting: ID }),
    "a hand that is not since": of({ kind: "hand", at: 5, sitting: ID, on: true }),
    "a hand in no sitting": of({ kind: "hand", at: 5, on: true, since: 4 }),
    "a reaction of words": of({ ...reaction, emoji: "yes" }),
    "a reaction that is on": of({ ...reaction, on: true }),
    "half of what is on": of({ kind: "call_media", at: 5, sitting: ID, mic: true, camera: true }),
    "beyond its size": of({ ...reaction, kind: "call_reaction", more: "a".repeat(128) }),
    "a time before 1970": of({ ...signal, at: -1 }),
    "an unknown field": of({ ...signal, who: ID }),
  }),
];

/** A case as the file has it. */
export const bytesOf = ({ parts }: EventCase): string =>
  parts.map(([one, times]) => one.repeat(times)).join("");
