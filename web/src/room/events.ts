/**
 * What is said in a room, as it is encrypted (E16): an envelope around a body, signed by its author's leaf key apart from
 * MLS, so that history that is passed on later cannot be forged.
 */

import { utf8 } from "../bytes/bytes";
import { signLabelled, verifyLabelled } from "../identity/signed";
import { encode } from "../mls/codec";
import { SIGNATURE_LENGTH } from "../mls/ed25519";
import { MAX_BODY } from "./bodies";
import { decodeCanonical, encodeCanonical, FieldReader } from "./canonical";
import { RoomDataError } from "./errors";
import { SEEN_HEAD_LENGTH, type Seen } from "./logHead";
import { paddedLength } from "./padding";
import { ID_LENGTH } from "./roomContext";

export { decodeBody, type EventBody, type EventType, encodeBody } from "./bodies";

const MAX_ENVELOPE = MAX_BODY + 1024;
const MAX_NUMBER = 2 ** 53 - 1;
const TYPE = /^[a-z_]{1,32}$/;

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

/** Room and id have fixed lengths and the others carry theirs: no two events have the same content to sign. */
function contentToSign(roomId: Uint8Array, event: Pick<Envelope, "id" | "type" | "body">): Uint8Array {
  return encode((writer) => writer.bytes(roomId).bytes(event.id).opaque(utf8(event.type)).opaque(event.body));
}

export function signEvent(
  leafPrivateKey: Uint8Array,
  roomId: Uint8Array,
  event: Pick<Envelope, "id" | "type" | "body">,
): Uint8Array {
  return signLabelled(leafPrivateKey, "event", contentToSign(roomId, event));
}

/** Whether the author's leaf signed this event in this room. Counter and seen head are under MLS alone. */
export function eventSignatureIsValid(
  leafKey: Uint8Array,
  roomId: Uint8Array,
  event: Pick<Envelope, "id" | "type" | "body" | "signature">,
): boolean {
  return verifyLabelled(leafKey, "event", contentToSign(roomId, event), event.signature);
}

export function encodeEnvelope({ id, type, counter, seen, body, signature }: Envelope): Uint8Array {
  return encodeCanonical({ id, type, counter, seen: { n: seen.n, head: seen.head }, body, signature });
}

/** @throws RoomDataError */
export function decodeEnvelope(bytes: Uint8Array): Envelope {
  const reader = new FieldReader(decodeCanonical(bytes, MAX_ENVELOPE), "event");
  const envelope = {
    id: reader.bytes("id", ID_LENGTH),
    type: reader.text("type", (text) => TYPE.test(text)),
    counter: reader.integer("counter", 1, MAX_NUMBER),
    seen: readSeen(reader.value("seen")),
    body: reader.bytes("body", 1, MAX_BODY),
    signature: reader.bytes("signature", SIGNATURE_LENGTH),
  };
  reader.finish();
  return envelope;
}

function readSeen(value: unknown): Seen {
  const reader = new FieldReader(value, "seen");
  const seen = { n: reader.integer("n", 0, MAX_NUMBER), head: reader.bytes("head", SEEN_HEAD_LENGTH) };
  reader.finish();
  return seen;
}

/** RFC 9420 §6.3.1 around an envelope: the length of the data, and a signature with its length. */
const MLS_OVERHEAD = 4 + 2 + SIGNATURE_LENGTH;

/** What a plaintext with an envelope of so many bytes is padded to, all in all: `paddedTo` of protectApplication (E16). */
export function messageBucket(envelopeLength: number): number {
  return paddedLength(envelopeLength + MLS_OVERHEAD);
}

// E15: what travels in the clear.

/** `authenticated_data` of an application message or a leave: its id alone. */
export const eventAuthenticatedData = (id: Uint8Array): Uint8Array => id;

/** `authenticated_data` of a Commit: its id and seen head, 40 bytes. */
export function encodeCommitData(id: Uint8Array, seen: Seen): Uint8Array {
  return encode((writer) => writer.bytes(id).uint64(seen.n).bytes(seen.head));
}

/** @throws RoomDataError */
export function decodeCommitData(bytes: Uint8Array): { readonly id: Uint8Array; readonly seen: Seen } {
  if (bytes.length !== ID_LENGTH + 8 + SEEN_HEAD_LENGTH) throw new RoomDataError("not a Commit's clear data");
  const n = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(ID_LENGTH);
  if (n > BigInt(MAX_NUMBER)) throw new RoomDataError("a position beyond 2^53");
  return { id: bytes.slice(0, ID_LENGTH), seen: { n: Number(n), head: bytes.slice(ID_LENGTH + 8) } };
}
