/** The room's state for newcomers (E24): canonical bytes, their pages, and what other members say of them. */

import { sha384 } from "@noble/hashes/sha2.js";
import { concat, equal, fromHex, toHex } from "../bytes/bytes";
import type { SnapshotCheck, SnapshotPage } from "../wire/generated";
import { MAX_PAGE, MAX_PAGES } from "./bodies";
import { meetingsValue, readMeetings, readRings, ringsValue } from "./callSnapshot";
import { decodeCanonical, encodeCanonical, FieldReader, isAscending } from "./canonical";
import { RoomDataError } from "./errors";
import { FOLD_VERSION, FORMER_FOLD_VERSION, type Fold } from "./fold";
import { HASH_LENGTH, ID_LENGTH, MAX_LEAVES } from "./roomContext";
import { isName } from "./text";

/** When the adder's snapshot has not come by then, another member's device posts it (ms). */
export const SNAPSHOT_POST_MS = 10_000;
/** By then a member that is online has said whether it agrees (ms). */
export const SNAPSHOT_CHECK_MS = 60_000;

const MAX_SNAPSHOT = MAX_PAGES * MAX_PAGE;
const MAX_NUMBER = 2 ** 53 - 1;

export type Snapshot = {
  /** Of the Commit with the Add. */
  readonly position: number;
  /** The log head there, whole. */
  readonly head: Uint8Array;
  readonly fold: Fold;
};

/** The same bytes for the same state, whoever writes them. Of a fold of the former version, as it was written then. */
export function encodeSnapshot({ position, head, fold }: Snapshot): Uint8Array {
  const since = fold.version > FORMER_FOLD_VERSION;
  return encodeCanonical({
    version: fold.version,
    position,
    head,
    names: sorted(fold.names).map(([account, name]) => ({ account: fromHex(account), name })),
    counters: sorted(fold.counters).map(([device, counter]) => ({ device: fromHex(device), counter })),
    events: fold.events,
    ...(since ? { rings: ringsValue(fold.rings), meetings: meetingsValue(fold.meetings) } : {}),
  });
}

function sorted<T>(map: ReadonlyMap<string, T>): readonly [string, T][] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** @throws RoomDataError */
export function decodeSnapshot(bytes: Uint8Array): Snapshot {
  const reader = new FieldReader(decodeCanonical(bytes, MAX_SNAPSHOT), "snapshot");
  const version = reader.integer("version", FORMER_FOLD_VERSION, FOLD_VERSION);
  const position = reader.integer("position", 1, MAX_NUMBER);
  const head = reader.bytes("head", HASH_LENGTH);
  const names = reader.list("names", 0, MAX_LEAVES, readName);
  const counters = reader.list("counters", 0, MAX_LEAVES, readCounter);
  const events = reader.bytes("events", HASH_LENGTH);
  const since = version > FORMER_FOLD_VERSION;
  const rings = since ? readRings(reader) : [];
  const meetings = since ? readMeetings(reader) : [];
  reader.finish();
  if (!isAscending(names.map(([account]) => account)) || !isAscending(counters.map(([device]) => device))) {
    throw new RoomDataError("a snapshot's names or counters are out of order");
  }
  const fold = {
    version,
    names: new Map(names.map(([account, name]) => [toHex(account), name])),
    counters: new Map(counters.map(([device, counter]) => [toHex(device), counter])),
    events,
    rings,
    meetings,
  };
  return { position, head, fold };
}

function readName(value: unknown): readonly [Uint8Array, string] {
  const reader = new FieldReader(value, "name");
  const entry = [reader.bytes("account", ID_LENGTH), reader.text("name", isName)] as const;
  reader.finish();
  return entry;
}

function readCounter(value: unknown): readonly [Uint8Array, number] {
  const reader = new FieldReader(value, "counter");
  const entry = [reader.bytes("device", ID_LENGTH), reader.integer("counter", 1, MAX_NUMBER)] as const;
  reader.finish();
  return entry;
}

export const snapshotHash = (bytes: Uint8Array): Uint8Array => sha384(bytes);

/** The bodies of the events that carry a snapshot, in order. */
export function snapshotPages(snapshot: Snapshot): readonly SnapshotPage[] {
  const bytes = encodeSnapshot(snapshot);
  const hash = snapshotHash(bytes);
  const pages = Math.ceil(bytes.length / MAX_PAGE);
  if (pages > MAX_PAGES) throw new RoomDataError("a snapshot beyond its bound");
  return Array.from({ length: pages }, (_, page) => ({
    position: snapshot.position,
    page,
    pages,
    hash,
    data: bytes.slice(page * MAX_PAGE, (page + 1) * MAX_PAGE),
  }));
}

/** Pages that have come, by one author for one position. */
export type Pages = { readonly first: SnapshotPage; readonly data: readonly (Uint8Array | null)[] };

/**
 * With one page more. A page of another snapshot of the same author (another hash) begins anew.
 * @throws RoomDataError for a page that does not go with the others
 */
export function takePage(pages: Pages | null, page: SnapshotPage): Pages {
  if (page.page >= page.pages) throw new RoomDataError("a page beyond the last");
  const goesOn =
    pages !== null && pages.first.position === page.position && equal(pages.first.hash, page.hash);
  if (!goesOn) {
    return {
      first: page,
      data: Array.from({ length: page.pages }, (_, i) => (i === page.page ? page.data : null)),
    };
  }
  if (pages.first.pages !== page.pages) throw new RoomDataError("pages of one snapshot disagree");
  return { first: pages.first, data: pages.data.map((data, i) => (i === page.page ? page.data : data)) };
}

/** The snapshot once all pages are there; null before. @throws RoomDataError when they are not what the hash says */
export function assembled({ first, data }: Pages): Snapshot | null {
  const present = data.filter((one) => one !== null);
  if (present.length < data.length) return null;
  const bytes = concat(...present);
  if (!equal(snapshotHash(bytes), first.hash)) throw new RoomDataError("a snapshot's hash is another");
  const snapshot = decodeSnapshot(bytes);
  if (snapshot.position !== first.position) throw new RoomDataError("a snapshot of another position");
  return snapshot;
}

/**
 * What a member says of a snapshot's hash, having the state at that position itself (E24). One of the former version is
 * right when it is the part of that state which that version knew.
 */
export function checkOf(own: Snapshot, hash: Uint8Array): SnapshotCheck {
  const former = { ...own, fold: { ...own.fold, version: FORMER_FOLD_VERSION } };
  const agrees = [own, former].some((one) => equal(snapshotHash(encodeSnapshot(one)), hash));
  return { position: own.position, hash, agrees };
}
