/** The room's state for newcomers (E24): canonical bytes, pages, and what others say of them. */

import type { SnapshotCheck, SnapshotPage } from "../wire/generated";
import type { Fold } from "./fold";

export const SNAPSHOT_POST_MS = 10_000;
export const SNAPSHOT_CHECK_MS = 60_000;

export type Snapshot = {
  /** Of the Commit with the Add. */
  readonly position: number;
  /** The log head there, whole. */
  readonly head: Uint8Array;
  readonly fold: Fold;
};

export declare function encodeSnapshot(snapshot: Snapshot): Uint8Array;
/** @throws RoomDataError */
export declare function decodeSnapshot(bytes: Uint8Array): Snapshot;
export declare function snapshotHash(bytes: Uint8Array): Uint8Array;
export declare function snapshotPages(snapshot: Snapshot): readonly SnapshotPage[];

/** Pages that have come, by one author for one position. */
export type Pages = { readonly first: SnapshotPage; readonly data: readonly (Uint8Array | null)[] };
/** @throws RoomDataError for a page that does not go with the others */
export declare function takePage(pages: Pages | null, page: SnapshotPage): Pages;
/** The snapshot once all pages are there, its hash checked; null before. @throws RoomDataError */
export declare function assembled(pages: Pages): Snapshot | null;

/** What a member says of a snapshot at a position whose state it has itself. */
export declare function checkOf(own: Snapshot, hash: Uint8Array): SnapshotCheck;
