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
    "the last of eight": of({ ...page, page: 7, pages: 8 }),
    "the longest": [
      [toHex(Uint8Array.of(0xa5, 0x64, ...utf8("data"), 0x59, 0x80, 0x00)), 1],
      ["07", 32_768],
      [toHex(encode({ hash: HASH, page: 0, pages: 2, position: 3 }).slice(1)), 1],
    ],
  }),
  ...cases("snapshot", false, {
    "a ninth page": of({ ...page, page: 8 }),
    "nine pages": of({ ...page, pages: 9 }),
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
  ...cases("signal", false, {
    "another kind": of({ ...signal, kind: "call" }),
    "a time before 1970": of({ ...signal, at: -1 }),
    "an unknown field": of({ ...signal, who: ID }),
  }),
];

/** A case as the file has it. */
export const bytesOf = ({ parts }: EventCase): string =>
  parts.map(([one, times]) => one.repeat(times)).join("");
