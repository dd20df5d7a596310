/** The state that everyone computes alike from the log, and that a snapshot carries (E24). Not the texts. */

import type { RoomChange } from "./change";
import type { Envelope, EventBody } from "./events";

export const FOLD_VERSION = 1;

export type Fold = {
  readonly version: number;
  /** Names by account id in hexadecimal. */
  readonly names: ReadonlyMap<string, string>;
  /** The last event counter of each device, by device id in hexadecimal. */
  readonly counters: ReadonlyMap<string, number>;
  /** Running hash over (n, author, id, SHA-384(signature)) of all events. */
  readonly events: Uint8Array;
};

export declare function firstFold(roomId: Uint8Array): Fold;

/**
 * An event at log position n, decrypted, its envelope decoded and its signature checked. Whatever its type, it counts.
 * `repeated`: its counter was used before; the event is to be shown as refused and changes nothing but the hash.
 */
export declare function foldEvent(
  fold: Fold,
  at: { readonly n: number; readonly account: Uint8Array; readonly device: Uint8Array },
  envelope: Envelope,
  event: EventBody | null,
): { readonly fold: Fold; readonly repeated: boolean };

/** A valid Commit: newcomers' names come, the counters of devices that went or came anew go. */
export declare function foldCommit(fold: Fold, change: RoomChange): Fold;
