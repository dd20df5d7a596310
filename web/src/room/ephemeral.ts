/**
 * Typing and presence (E38): sealed outside the message ratchet, sent to whoever is connected, never stored.
 *
 *   payload = leaf (2) ‖ session (8) ‖ counter (4) ‖ AES-256-GCM(key, nonce = counter, aad = these 14 bytes, content)
 *   key = HKDF-Expand(exported, "Collegium 1.0 ephemeral key" ‖ leaf ‖ session)
 *
 * All members can make every key, so a signal says no more than that some member of this epoch sent it. It is not signed:
 * nothing is done on its word but to show a hint for a few seconds.
 */

import { concat, type Rng, toHex, u32, utf8 } from "../bytes/bytes";
import { AES_256_GCM } from "../mls/aead";
import { AeadError, UsageError } from "../mls/errors";
import { HKDF_SHA384 } from "../mls/kdf";
import { draw } from "../mls/kem";
import type { Signal as SignalContent } from "../wire/generated";
import { decodeCanonical, encodeCanonical, FieldReader } from "./canonical";
import { RoomDataError } from "./errors";
import { padTo, unpad } from "./padding";
import { MAX_LEAVES } from "./roomContext";

/** `exported` below is exportSecret(group, EPHEMERAL_LABEL, empty, EPHEMERAL_LENGTH) of the present epoch. */
export const EPHEMERAL_LABEL = "Collegium 1.0 ephemeral";
export const EPHEMERAL_LENGTH = 48;
/** Older or newer than this by the receiver's corrected clock, a signal is nothing (ms). */
export const SIGNAL_AGE = 60_000;

const KEY_LABEL = utf8("Collegium 1.0 ephemeral key");
const SESSION_LENGTH = 8;
const HEADER_LENGTH = 2 + SESSION_LENGTH + 4;
const CONTENT_LENGTH = 64;
const PAYLOAD_LENGTH = HEADER_LENGTH + CONTENT_LENGTH + 16;
const MAX_COUNTER = 2 ** 32 - 1;
const MAX_SESSIONS = 4096;
const MAX_NUMBER = 2 ** 53 - 1;

/** Typing: writes, or stopped. Presence: is here, or goes. */
export type Signal = Pick<SignalContent, "kind" | "on">;

/** Made anew when a sender starts and with each epoch; never stored, so no counter is ever used again after a reload. */
export type EphemeralSender = {
  readonly leaf: number;
  readonly session: Uint8Array;
  readonly counter: number;
};

/** The highest counter of each session that was heard within one epoch. An epoch begins with an empty one. */
export type EphemeralSeen = ReadonlyMap<string, number>;

export function newSender(leaf: number, rng: Rng): EphemeralSender {
  return { leaf, session: draw(rng, SESSION_LENGTH), counter: 0 };
}

/** @throws UsageError when the session is used up: make another sender */
export function sealSignal(
  exported: Uint8Array,
  sender: EphemeralSender,
  signal: Signal,
  now: number,
): { readonly payload: Uint8Array; readonly sender: EphemeralSender } {
  if (sender.counter >= MAX_COUNTER) throw new UsageError("ephemeral_counter", "a session is used up");
  const header = headerOf(sender.leaf, sender.session, sender.counter);
  const content = encodeCanonical({ kind: signal.kind, at: now, on: signal.on });
  // The key belongs to one epoch, leaf and random session, and a session's counter only rises: no pair comes twice.
  const ciphertext = AES_256_GCM.seal(
    keyOf(exported, header),
    nonceOf(sender.counter),
    header,
    padTo(content, CONTENT_LENGTH),
  );
  return { payload: concat(header, ciphertext), sender: { ...sender, counter: sender.counter + 1 } };
}

/**
 * A payload that came, for the present epoch. `now` is the receiver's corrected clock (ms).
 * Null for what is of another epoch, was here before, or is old: it is dropped without a word.
 */
export function openSignal(
  exported: Uint8Array,
  seen: EphemeralSeen,
  payload: Uint8Array,
  now: number,
): { readonly leaf: number; readonly signal: Signal; readonly seen: EphemeralSeen } | null {
  if (payload.length !== PAYLOAD_LENGTH) return null;
  const header = payload.slice(0, HEADER_LENGTH);
  const view = new DataView(header.buffer);
  const leaf = view.getUint16(0);
  const counter = view.getUint32(2 + SESSION_LENGTH);
  const session = toHex(header.subarray(0, 2 + SESSION_LENGTH));
  const last = seen.get(session);
  if (leaf >= MAX_LEAVES || (last !== undefined && counter <= last)) return null;
  const content = opened(exported, header, counter, payload.slice(HEADER_LENGTH));
  if (content === null || Math.abs(now - content.at) > SIGNAL_AGE) return null;
  if (last === undefined && seen.size >= MAX_SESSIONS) return null;
  return { leaf, signal: { kind: content.kind, on: content.on }, seen: new Map(seen).set(session, counter) };
}

function opened(
  exported: Uint8Array,
  header: Uint8Array,
  counter: number,
  ciphertext: Uint8Array,
): SignalContent | null {
  try {
    const plaintext = AES_256_GCM.open(keyOf(exported, header), nonceOf(counter), header, ciphertext);
    return decodeSignal(unpad(plaintext));
  } catch (cause) {
    // Of another epoch, or from somebody who is no member: for a hint that may be lost, both are nothing.
    if (cause instanceof AeadError || cause instanceof RoomDataError) return null;
    throw cause;
  }
}

/** What is sealed. @throws RoomDataError */
export function decodeSignal(bytes: Uint8Array): SignalContent {
  const reader = new FieldReader(decodeCanonical(bytes, CONTENT_LENGTH), "signal");
  const content = {
    kind: reader.oneOf("kind", ["typing", "presence"]),
    at: reader.integer("at", 0, MAX_NUMBER),
    on: reader.boolean("on"),
  };
  reader.finish();
  return content;
}

function headerOf(leaf: number, session: Uint8Array, counter: number): Uint8Array {
  return concat(Uint8Array.of(leaf >>> 8, leaf & 0xff), session, u32(counter));
}

function keyOf(exported: Uint8Array, header: Uint8Array): Uint8Array {
  const info = concat(KEY_LABEL, header.subarray(0, 2 + SESSION_LENGTH));
  return HKDF_SHA384.expand(exported, info, AES_256_GCM.nk);
}

const nonceOf = (counter: number): Uint8Array => concat(new Uint8Array(AES_256_GCM.nn - 4), u32(counter));
