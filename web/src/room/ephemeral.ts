/** Typing and presence: sealed outside the message ratchet, never stored (E38). */

import type { Rng } from "../bytes/bytes";
import type { Presence, Typing } from "../wire/generated";

export const EPHEMERAL_LABEL = "Collegium 1.0 ephemeral";
export const EPHEMERAL_KEY_LENGTH = 32;

export type Signal =
  | { readonly kind: "typing"; readonly body: Typing }
  | { readonly kind: "presence"; readonly body: Presence };

/** Made anew whenever a sender starts and with each epoch; never stored. */
export type EphemeralSender = {
  readonly leaf: number;
  readonly session: Uint8Array;
  readonly counter: number;
};
/** What a receiver remembers within one epoch. */
export type EphemeralSeen = ReadonlyMap<string, number>;

export declare function newSender(leaf: number, rng: Rng): EphemeralSender;
/** `exported` = exportSecret(group, EPHEMERAL_LABEL, empty, EPHEMERAL_KEY_LENGTH) of the current epoch; `now` the corrected clock. */
export declare function sealSignal(
  exported: Uint8Array,
  sender: EphemeralSender,
  signal: Signal,
  now: number,
): { readonly payload: Uint8Array; readonly sender: EphemeralSender };
/** Null for what is not of this epoch, was here before, or is old: it is dropped without a word. */
export declare function openSignal(
  exported: Uint8Array,
  seen: EphemeralSeen,
  payload: Uint8Array,
  now: number,
): { readonly leaf: number; readonly signal: Signal; readonly seen: EphemeralSeen } | null;
