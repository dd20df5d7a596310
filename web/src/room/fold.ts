/**
 * The state that everyone computes alike from the log, and that a snapshot carries (E24): what colleagues are called, how
 * far each device has counted, a running hash of all events, which calls ring and which meetings are planned. Not the
 * texts: history is passed on apart, and must reproduce this hash.
 */

import { sha384 } from "@noble/hashes/sha2.js";
import { concat, toHex, u64, utf8 } from "../bytes/bytes";
import type { EventBody } from "./bodies";
import { foldRing, foldGone as goneFromRings, type Rings } from "./calls";
import type { RoomChange } from "./change";
import type { Envelope } from "./events";
import { foldMeeting, foldGone as goneFromMeetings, type Meetings } from "./meetings";

/** Goes up with every change of what is folded, or how. */
export const FOLD_VERSION = 2;
/** The former one knew neither rings nor meetings. Its snapshots are still read and confirmed. */
export const FORMER_FOLD_VERSION = 1;

export type Fold = {
  readonly version: number;
  /** Names by account id in hexadecimal. */
  readonly names: ReadonlyMap<string, string>;
  /** The highest event counter of each device, by device id in hexadecimal. */
  readonly counters: ReadonlyMap<string, number>;
  /** Running hash over (n, author, id, SHA-384(signature)) of all events. */
  readonly events: Uint8Array;
  /** None of either in a fold of the former version. */
  readonly rings: Rings;
  readonly meetings: Meetings;
};

export function firstFold(roomId: Uint8Array): Fold {
  return {
    version: FOLD_VERSION,
    names: new Map(),
    counters: new Map(),
    events: sha384(concat(utf8("Collegium 1.0 events"), roomId)),
    rings: [],
    meetings: [],
  };
}

/** Who said it, and where it stands in the log, with the stamp there (ms). */
export type EventPlace = {
  readonly n: number;
  readonly account: Uint8Array;
  readonly device: Uint8Array;
  readonly time: number;
};

/** E24. An author is account and device together. */
export function nextEventsHash(
  hash: Uint8Array,
  { n, account, device }: EventPlace,
  { id, signature }: Pick<Envelope, "id" | "signature">,
): Uint8Array {
  return sha384(concat(hash, u64(n), account, device, id, sha384(signature)));
}

/**
 * An event that was decrypted, its envelope decoded, its id and signature checked. Every such event counts for the hash,
 * whatever its type and body; `event` is null for a type that is not known here, and for a body out of bounds.
 *
 * `repeated`: the device had used this counter, or a higher one, before. It says something twice, or its state is old:
 * such an event changes nothing else and is not to be shown as said.
 */
export function foldEvent(
  fold: Fold,
  place: EventPlace,
  envelope: Envelope,
  event: EventBody | null,
): { readonly fold: Fold; readonly repeated: boolean } {
  const events = nextEventsHash(fold.events, place, envelope);
  const device = toHex(place.device);
  if (envelope.counter <= (fold.counters.get(device) ?? 0))
    return { fold: { ...fold, events }, repeated: true };
  const counters = new Map(fold.counters).set(device, envelope.counter);
  return { fold: said({ ...fold, events, counters }, place, event), repeated: false };
}

function said(fold: Fold, { account, n, time }: EventPlace, event: EventBody | null): Fold {
  switch (event?.type) {
    case "profile":
      return { ...fold, names: new Map(fold.names).set(toHex(account), event.body.name) };
    case "ring":
    case "ring_answer":
    case "ring_end":
      return { ...fold, rings: foldRing(fold.rings, account, n, time, event) };
    case "meeting":
    case "meeting_change":
    case "meeting_cancel":
    case "meeting_answer":
      return { ...fold, meetings: foldMeeting(fold.meetings, account, n, time, event) };
    default:
      return fold;
  }
}

/**
 * A valid Commit: newcomers' names come; names of accounts that are gone go, and counters of devices that went or came
 * anew; accounts that are gone ring and come no more.
 */
export function foldCommit(fold: Fold, change: RoomChange): Fold {
  const names = new Map(fold.names);
  const counters = new Map(fold.counters);
  for (const account of change.gone) names.delete(toHex(account));
  for (const { identity } of change.removed) counters.delete(toHex(identity.deviceId));
  for (const { identity, name } of change.added) {
    // A device that was added anew begins to count anew: it may have lost what it counted.
    counters.delete(toHex(identity.deviceId));
    if (name !== null) names.set(toHex(identity.accountId), name);
  }
  const rings = goneFromRings(fold.rings, change.gone);
  const meetings = goneFromMeetings(fold.meetings, change.gone);
  return { ...fold, names, counters, rings, meetings };
}
