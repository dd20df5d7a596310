/**
 * A room as it is stored: one small row that names the others, the group in two (what changes with commits, what changes
 * with every message), heads and timeline in chunks, and a row for each event on its way. Only what changed is written.
 * Rows are sealed by the vault, so what is read back is what was written; it is decoded, not judged again.
 */

import { toHex } from "../../bytes/bytes";
import { StorageError } from "../../mls/errors";
import { extensions, type Group, members } from "../../mls/group";
import { decodeGroup, encodeEpoch, encodeRatchets, inSameEpoch } from "../../mls/groupState";
import { decodeOne, encode } from "../../wire/cbor";
import { decodeBody, encodeBody } from "../events";
import { FOLD_VERSION, type Fold } from "../fold";
import { readRoomExtensions } from "../roomContext";
import { rosterOf } from "../roster";
import type { Item, Segment, Timeline } from "../timeline";
import { chunkNumber, type HeadChunk } from "./heads";
import {
  type Held,
  type Membership,
  type Newcomer,
  NO_CALL,
  NO_CHORES,
  NO_DUES,
  NO_MEDIA,
  NOBODY,
  OFFLINE,
  type Outgoing,
  type RoomState,
  type StagedCommit,
} from "./state";

export type Rows = Readonly<Record<string, unknown>>;

/** The row to read first; `rowNames` tells the others. */
export const CORE_ROW = "core";
const FORMAT = 2;
/** Its fold had no rings and no meetings. */
const FORMER_FORMAT = 1;
const MAX_ITEM_BYTES = 4 * 1024 * 1024;

const EPOCH = "epoch";
const RATCHETS = "ratchets";
const STAGED = "staged";
const STAGED_EPOCH = "staged/epoch";
const STAGED_RATCHETS = "staged/ratchets";
const NEWCOMER = "newcomer";
const headsRow = (chunk: HeadChunk): string => `heads/${chunkNumber(chunk)}`;
const segmentRow = (index: number): string => `timeline/${index}`;
const outgoingRow = ({ id }: Outgoing): string => `out/${toHex(id)}`;

// Writing

/** The fields of the core row that are stored as they are. */
const PLAIN = [
  "roomId",
  "stage",
  "title",
  "whole",
  "counter",
  "intents",
  "provisional",
  "duties",
  "rejoining",
  "pause",
  "readUpTo",
  "confirmedAt",
  "chores",
] as const satisfies readonly (keyof RoomState)[];

const DERIVED = ["log", "fold", "names", "tolerated", "leaves", "leaving"] as const;

function coreRow(state: RoomState): Record<string, unknown> {
  const { log, fold, names, tolerated, leaves, leaving, membership, timeline, outbox, staged, newcomer } =
    state;
  const { heads, ...position } = log;
  return {
    format: FORMAT,
    ...Object.fromEntries(PLAIN.map((name) => [name, state[name]])),
    log: position,
    fold: { ...fold, names: [...fold.names], counters: [...fold.counters] },
    names: [...names],
    tolerated: [...tolerated],
    leaves,
    leaving: leaving && { ...leaving, inFlight: false },
    deployment: membership?.me.deploymentId ?? null,
    rows: [
      ...(membership === null ? [] : [EPOCH, RATCHETS]),
      ...(staged === null ? [] : [STAGED, STAGED_EPOCH, STAGED_RATCHETS]),
      ...(newcomer === null ? [] : [NEWCOMER]),
      ...heads.map(headsRow),
      ...timeline.map((_, index) => segmentRow(index)),
      ...outbox.map(outgoingRow),
    ],
  };
}

function stagedRow({ next: _, ...staged }: StagedCommit): unknown {
  return { ...staged, inFlight: false };
}

function outgoingValue({ event, ...outgoing }: Outgoing): unknown {
  return { ...outgoing, type: event.type, body: encodeBody(event), inFlight: false };
}

/** Items one by one as bytes: a reader's bound on counts is for what strangers send. */
const segmentValue = (segment: Segment): unknown => segment.map((item) => encode(item));

function newcomerRow({ entries, held, pages, ...newcomer }: Newcomer): unknown {
  return {
    ...newcomer,
    entries: entries.map((one) => encode(one)),
    held: held.map((one) => encode(one)),
    pages: [...pages],
  };
}

class Change {
  readonly put: Record<string, unknown> = {};
  readonly drop: string[] = [];

  /** A row for each item, by its name; those that are not there any more go. */
  each<T>(
    before: readonly T[],
    after: readonly T[],
    nameOf: (one: T, index: number) => string,
    value: (one: T) => unknown,
  ): void {
    const had = new Map(before.map((one, index) => [nameOf(one, index), one]));
    after.forEach((one, index) => {
      const name = nameOf(one, index);
      if (had.get(name) !== one) this.put[name] = value(one);
      had.delete(name);
    });
    this.drop.push(...had.keys());
  }

  group(before: Group | null, after: Group | null, epochRow: string, ratchetsRow: string): void {
    if (after === before) return;
    if (after === null) {
      this.drop.push(epochRow, ratchetsRow);
      return;
    }
    if (before === null || !inSameEpoch(before, after)) this.put[epochRow] = encodeEpoch(after);
    this.put[ratchetsRow] = encodeRatchets(after);
  }

  one<T>(before: T | null, after: T | null, name: string, value: (one: T) => unknown): void {
    if (after === before) return;
    if (after === null) this.drop.push(name);
    else this.put[name] = value(after);
  }
}

/** The stored rows that changed, their names below the room's prefix. `before` null: all of them. */
export function roomRows(
  before: RoomState | null,
  after: RoomState,
): { put: Record<string, unknown>; drop: string[] } {
  const change = new Change();
  change.group(before?.membership?.group ?? null, after.membership?.group ?? null, EPOCH, RATCHETS);
  change.group(before?.staged?.next ?? null, after.staged?.next ?? null, STAGED_EPOCH, STAGED_RATCHETS);
  change.one(before?.staged ?? null, after.staged, STAGED, stagedRow);
  change.one(before?.newcomer ?? null, after.newcomer, NEWCOMER, newcomerRow);
  change.each(before?.log.heads ?? [], after.log.heads, headsRow, ({ from, heads }) => ({ from, heads }));
  change.each(before?.timeline ?? [], after.timeline, (_, index) => segmentRow(index), segmentValue);
  change.each(before?.outbox ?? [], after.outbox, outgoingRow, outgoingValue);
  const same = [...PLAIN, ...DERIVED].every((name) => before?.[name] === after[name]);
  const rows = Object.keys(change.put).length + change.drop.length;
  if (before === null || !same || rows > 0) change.put[CORE_ROW] = coreRow(after);
  return { put: change.put, drop: change.drop };
}

// Reading

type Fields = Record<string, unknown>;

function damaged(what: string): never {
  throw new StorageError("room_rows", `${what} of a stored room is missing or of another program`);
}

function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return damaged(what);
  return value as Fields;
}

function listOf<T>(value: unknown, what: string): readonly T[] {
  return Array.isArray(value) ? (value as T[]) : damaged(what);
}

function bytesOf(value: unknown, what: string): Uint8Array {
  return value instanceof Uint8Array ? value : damaged(what);
}

function coreOf(value: unknown): Fields {
  const core = fieldsOf(value, CORE_ROW);
  return core.format === FORMAT || core.format === FORMER_FORMAT ? core : damaged(CORE_ROW);
}

/** The names of all rows besides the core row, as it says. @throws StorageError */
export function rowNames(core: unknown): readonly string[] {
  return listOf<string>(coreOf(core).rows, "rows");
}

const unpacked = <T>(value: unknown, what: string): T => decodeOne(bytesOf(value, what), MAX_ITEM_BYTES) as T;

function readGroup(rows: Rows, epochRow: string, ratchetsRow: string): Group {
  return decodeGroup({
    epoch: bytesOf(rows[epochRow], epochRow),
    ratchets: bytesOf(rows[ratchetsRow], ratchetsRow),
  });
}

function readMembership(rows: Rows, core: Fields): Membership {
  const group = readGroup(rows, EPOCH, RATCHETS);
  const roster = rosterOf(members(group), bytesOf(core.deployment, "deployment"));
  const me = roster.get(group.ownLeaf);
  if (me === undefined) return damaged("own leaf");
  return { group, context: readRoomExtensions(extensions(group)), roster, me };
}

function readOutgoing(value: unknown): Outgoing {
  const { type, body, ...rest } = fieldsOf(value, "out") as Fields & Omit<Outgoing, "event">;
  const event = decodeBody(String(type), bytesOf(body, "out"));
  return event === null ? damaged("out") : { ...rest, event };
}

function readNewcomer(value: unknown): Newcomer {
  const fields = fieldsOf(value, NEWCOMER);
  const { c, since, others } = fields as unknown as Newcomer;
  return {
    c,
    since,
    others,
    entries: listOf(fields.entries, NEWCOMER).map((one) => unpacked(one, NEWCOMER)),
    held: listOf(fields.held, NEWCOMER).map((one) => unpacked<Held>(one, NEWCOMER)),
    pages: new Map(listOf(fields.pages, NEWCOMER)),
  };
}

function readFold(value: unknown): Fold {
  const { names, counters, ...fold } = fieldsOf(value, "fold");
  return {
    ...({ rings: [], meetings: [], ...fold } as unknown as Omit<Fold, "names" | "counters">),
    names: new Map(listOf(names, "fold")),
    counters: new Map(listOf(counters, "fold")),
    version: FOLD_VERSION,
  };
}

/**
 * Whether the former program has passed events that it did not know: what they did is missing from the fold, which does
 * not have every event then (E23).
 */
function wasPassedUnread(core: Fields, timeline: Timeline): boolean {
  const unread = (item: Item): boolean => item.kind === "system" && item.code === "newer_version";
  return core.format === FORMER_FORMAT && timeline.some((segment) => segment.some(unread));
}

/** The room as its rows have it: the core row and all that it names. @throws StorageError */
export function loadRoom(rows: Rows): RoomState {
  const core = coreOf(rows[CORE_ROW]);
  const names = rowNames(core);
  const of = (prefix: string): readonly unknown[] =>
    names.filter((name) => name.startsWith(prefix)).map((name) => rows[name] ?? damaged(name));
  const has = (name: string): boolean => names.includes(name);
  const timeline = of("timeline/").map((one) =>
    listOf(one, "timeline").map((item) => unpacked<Item>(item, "timeline")),
  );
  const plain = core as unknown as Pick<RoomState, (typeof PLAIN)[number] | "leaves" | "leaving">;
  return {
    ...(Object.fromEntries(PLAIN.map((name) => [name, plain[name]])) as Pick<
      RoomState,
      (typeof PLAIN)[number]
    >),
    // A store of before calls had no word of them.
    chores: { ...NO_CHORES, ...plain.chores },
    membership: has(EPOCH) ? readMembership(rows, core) : null,
    log: {
      ...(fieldsOf(core.log, "log") as unknown as RoomState["log"]),
      heads: of("heads/") as HeadChunk[],
    },
    fold: readFold(core.fold),
    names: new Map(listOf(core.names, "names")),
    tolerated: new Set(listOf<string>(core.tolerated, "tolerated")),
    leaves: plain.leaves,
    leaving: plain.leaving,
    timeline,
    whole: plain.whole && !wasPassedUnread(core, timeline),
    outbox: of("out/").map(readOutgoing),
    staged: has(STAGED)
      ? {
          ...(fieldsOf(rows[STAGED], STAGED) as unknown as Omit<StagedCommit, "next">),
          next: readGroup(rows, STAGED_EPOCH, STAGED_RATCHETS),
        }
      : null,
    newcomer: has(NEWCOMER) ? readNewcomer(rows[NEWCOMER]) : null,
    link: OFFLINE,
    dues: NO_DUES,
    requests: [],
    cursors: new Map(),
    presence: NOBODY,
    media: NO_MEDIA,
    call: NO_CALL,
    wake: null,
  };
}
