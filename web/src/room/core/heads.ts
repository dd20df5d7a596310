/**
 * The log's running hash as this device computed it: the full head of the last position, and the first 16 bytes of the
 * heads of recent ones, which is what every event repeats (E19). Kept in chunks, so that one entry rewrites little.
 */

import { equal } from "../../bytes/bytes";
import { SEEN_HEAD_LENGTH, type Seen } from "../logHead";

const CHUNK_POSITIONS = 512;
/** At least 8,192 positions are kept, whatever the fill of the last chunk. */
const MAX_CHUNKS = 17;

/** Heads of `from`, `from + 1`, … side by side. A chunk ends below a multiple of 512. */
export type HeadChunk = { readonly from: number; readonly heads: Uint8Array };
export type Heads = readonly HeadChunk[];

export function chunkNumber(chunk: HeadChunk): number {
  return Math.floor(chunk.from / CHUNK_POSITIONS);
}

function end({ from, heads }: HeadChunk): number {
  return from + heads.length / SEEN_HEAD_LENGTH;
}

/** A history that begins with one position. */
export function headsFrom(n: number, head: Uint8Array): Heads {
  return [{ from: n, heads: head.slice(0, SEEN_HEAD_LENGTH) }];
}

/** The history with the head of the next position. */
export function withHead(history: Heads, n: number, head: Uint8Array): Heads {
  const last = history.at(-1);
  const short = head.subarray(0, SEEN_HEAD_LENGTH);
  if (last === undefined || end(last) !== n) return headsFrom(n, head);
  if (n % CHUNK_POSITIONS === 0) {
    return [...history, { from: n, heads: short.slice() }].slice(-MAX_CHUNKS);
  }
  const heads = new Uint8Array(last.heads.length + SEEN_HEAD_LENGTH);
  heads.set(last.heads);
  heads.set(short, last.heads.length);
  return [...history.slice(0, -1), { from: last.from, heads }];
}

/** What is kept of the head of a position, or null where it is not known (any more, or yet). */
export function headAt(history: Heads, n: number): Uint8Array | null {
  const chunk = history.find((one) => one.from <= n && n < end(one));
  if (chunk === undefined) return null;
  const at = (n - chunk.from) * SEEN_HEAD_LENGTH;
  return chunk.heads.subarray(at, at + SEEN_HEAD_LENGTH);
}

export type SeenVerdict =
  | "same"
  /** Older than what this device keeps: nothing follows from it. */
  | "unknown"
  /** Another head than ours. */
  | "differs"
  /** A position that the author cannot have seen, or that it must have passed already. */
  | "impossible";

/**
 * E19: what an author says it had seen, against what this device has. `n` is the entry's own position, `after` that of
 * the last Commit or leave before it, which its author must have processed (E17).
 */
export function judgeSeen(history: Heads, seen: Seen, n: number, after: number): SeenVerdict {
  if (seen.n >= n || seen.n < after) return "impossible";
  const known = headAt(history, seen.n);
  if (known === null) return "unknown";
  return equal(known, seen.head) ? "same" : "differs";
}
