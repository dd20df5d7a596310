/**
 * Typing, presence, and hands, reactions and mutes of a call (E38): sealed outside the message ratchet, sent to whoever is
 * connected, never stored. All are of one size: nobody outside sees which it is.
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
import type { HandSignal, MediaSignal, ReactionSignal } from "../wire/generated";
import { decodeCanonical, encodeCanonical, FieldReader } from "./canonical";
import { RoomDataError } from "./errors";
import { padTo, unpad } from "./padding";
import { ID_LENGTH, MAX_LEAVES } from "./roomContext";
import { isEmoji } from "./text";

/** `exported` below is exportSecret(group, EPHEMERAL_LABEL, empty, EPHEMERAL_LENGTH) of the present epoch. */
export const EPHEMERAL_LABEL = "Collegium 1.0 ephemeral";
export const EPHEMERAL_LENGTH = 48;
/** Older or newer than this by the receiver's corrected clock, a signal is nothing (ms). */
export const SIGNAL_AGE = 60_000;

const KEY_LABEL = utf8("Collegium 1.0 ephemeral key");
const SESSION_LENGTH = 8;
const HEADER_LENGTH = 2 + SESSION_LENGTH + 4;
const CONTENT_LENGTH = 128;
const PAYLOAD_LENGTH = HEADER_LENGTH + CONTENT_LENGTH + 16;
const MAX_COUNTER = 2 ** 32 - 1;
const MAX_SESSIONS = 4096;
const MAX_NUMBER = 2 ** 53 - 1;

/** Typing: writes, or stopped. Presence: is here, or goes. */
export type Signal =
  | { readonly kind: "typing"; readonly on: boolean }
  | { readonly kind: "presence"; readonly on: boolean };
/** In a call: a hand is up, or down, `since` then (ms, its sender's corrected clock). */
export type Hand = Omit<HandSignal, "at">;
/** In a call: an emoji that is seen for a moment. */
export type CallReaction = Omit<ReactionSignal, "at">;
/** In a call: what of the sender's is on. */
export type CallMedia = Omit<MediaSignal, "at">;
export type CallSignal = Hand | CallReaction | CallMedia;
export type AnySignal = Signal | CallSignal;
/** What is sealed: a signal, and its sender's corrected clock (ms). */
export type SignalContent = { readonly at: number; readonly signal: AnySignal };

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
  signal: AnySignal,
  now: number,
): { readonly payload: Uint8Array; readonly sender: EphemeralSender } {
  if (sender.counter >= MAX_COUNTER) throw new UsageError("ephemeral_counter", "a session is used up");
  const header = headerOf(sender.leaf, sender.session, sender.counter);
  const content = encodeCanonical({ ...signal, at: now });
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
): { readonly leaf: number; readonly signal: AnySignal; readonly seen: EphemeralSeen } | null {
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
  return { leaf, signal: content.signal, seen: new Map(seen).set(session, counter) };
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
  const kind = reader.oneOf("kind", KINDS);
  const at = reader.integer("at", 0, MAX_NUMBER);
  const signal = readSignal(kind, reader);
  reader.finish();
  return { at, signal };
}

const KINDS = ["typing", "presence", "hand", "call_reaction", "call_media"] as const;

function readSignal(kind: (typeof KINDS)[number], reader: FieldReader): AnySignal {
  if (kind === "typing" || kind === "presence") return { kind, on: reader.boolean("on") };
  const sitting = reader.bytes("sitting", ID_LENGTH);
  switch (kind) {
    case "hand":
      return { kind, sitting, on: reader.boolean("on"), since: reader.integer("since", 0, MAX_NUMBER) };
    case "call_reaction":
      return { kind, sitting, emoji: reader.text("emoji", isEmoji) };
    case "call_media":
      return {
        kind,
        sitting,
        mic: reader.boolean("mic"),
        camera: reader.boolean("camera"),
        screen: reader.boolean("screen"),
      };
  }
}

function headerOf(leaf: number, session: Uint8Array, counter: number): Uint8Array {
  return concat(Uint8Array.of(leaf >>> 8, leaf & 0xff), session, u32(counter));
}

function keyOf(exported: Uint8Array, header: Uint8Array): Uint8Array {
  const info = concat(KEY_LABEL, header.subarray(0, 2 + SESSION_LENGTH));
  return HKDF_SHA384.expand(exported, info, AES_256_GCM.nk);
}

const nonceOf = (counter: number): Uint8Array => concat(new Uint8Array(AES_256_GCM.nn - 4), u32(counter));
