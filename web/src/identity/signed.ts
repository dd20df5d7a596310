/** Every signature of ours outside MLS: over a label and content, never over bytes that somebody else chose (E5). */

import * as ed25519 from "../mls/ed25519";
import { signContent } from "../mls/signLabel";

const PREFIX = "Collegium 1.0 ";

/** What is signed under which label, and by which key. No two structures share a label. */
export type Label =
  | "identity" // E7: root key
  | "device" // E8: identity key
  | "revocation" // E9: identity key
  | "bundle" // E22: identity key
  | "rejoin" // E22: identity key
  | "stuck" // E18: identity key
  | "event" // E16: leaf key
  | "join" // E28: join key of an invite
  | "sign-in" // sign-in key, which exists for this alone
  | "recovery"; // recovery key, for the server

/** @throws KeyError when the private key is not of 32 bytes. */
export function signLabelled(privateKey: Uint8Array, label: Label, content: Uint8Array): Uint8Array {
  return ed25519.sign(privateKey, signContent(PREFIX + label, content));
}

/** Whether the signature holds by the one Ed25519 rule (E3). Never throws. */
export function verifyLabelled(
  publicKey: Uint8Array,
  label: Label,
  content: Uint8Array,
  signature: Uint8Array,
): boolean {
  return ed25519.verify(publicKey, signContent(PREFIX + label, content), signature);
}
