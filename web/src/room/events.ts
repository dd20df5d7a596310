/** What is said in a room: the envelope that becomes an MLS plaintext (E16), and its bodies as wire/events.py has them. */

import type {
  Delete,
  Edit,
  Post,
  Profile,
  React,
  SnapshotCheck,
  SnapshotPage,
  Stuck,
} from "../wire/generated";
import type { Seen } from "./logHead";

export type EventBody =
  | { readonly type: "post"; readonly body: Post }
  | { readonly type: "edit"; readonly body: Edit }
  | { readonly type: "delete"; readonly body: Delete }
  | { readonly type: "react"; readonly body: React }
  | { readonly type: "profile"; readonly body: Profile }
  | { readonly type: "snapshot"; readonly body: SnapshotPage }
  | { readonly type: "snapshot_check"; readonly body: SnapshotCheck }
  | { readonly type: "stuck"; readonly body: Stuck };

export type EventType = EventBody["type"];

export type Envelope = {
  readonly id: Uint8Array;
  /** Any short word: a newer version may know more. */
  readonly type: string;
  /** Counts this device's events in this room, from 1. */
  readonly counter: number;
  readonly seen: Seen;
  /** The body's CBOR, exactly as it was signed. */
  readonly body: Uint8Array;
  readonly signature: Uint8Array;
};

/** @throws RoomDataError when our own body is out of bounds */
export declare function encodeBody(event: EventBody): Uint8Array;
/** Null for a type that this version does not know. @throws RoomDataError */
export declare function decodeBody(type: string, bytes: Uint8Array): EventBody | null;

export declare function signEvent(
  leafPrivateKey: Uint8Array,
  roomId: Uint8Array,
  event: { readonly id: Uint8Array; readonly type: string; readonly body: Uint8Array },
): Uint8Array;
export declare function eventSignatureIsValid(
  leafKey: Uint8Array,
  roomId: Uint8Array,
  event: Envelope,
): boolean;

export declare function encodeEnvelope(envelope: Envelope): Uint8Array;
/** @throws RoomDataError */
export declare function decodeEnvelope(bytes: Uint8Array): Envelope;

/** The bucket (total bytes) that a plaintext of this length is padded to. */
export declare function paddedLength(length: number): number;

/** `authenticated_data` of an application message: the event's id (E15). */
export declare function eventAuthenticatedData(id: Uint8Array): Uint8Array;
/** `authenticated_data` of a Commit: its id and seen head (E15). */
export declare function encodeCommitData(id: Uint8Array, seen: Seen): Uint8Array;
/** @throws RoomDataError */
export declare function decodeCommitData(bytes: Uint8Array): { readonly id: Uint8Array; readonly seen: Seen };

/** The stuck statement of E18, signed by the identity key. */
export declare function signStuck(
  identityPrivateKey: Uint8Array,
  roomId: Uint8Array,
  position: number,
  device: Uint8Array,
): Uint8Array;
export declare function stuckIsValid(
  identityKey: Uint8Array,
  roomId: Uint8Array,
  device: Uint8Array,
  stuck: Stuck,
): boolean;
