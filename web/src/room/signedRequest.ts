/** A signed structure that travels whole: what it says, and the signature over exactly those bytes (E5). */

import { sha384 } from "@noble/hashes/sha2.js";
import { concat } from "../bytes/bytes";
import { type Label, signLabelled, verifyLabelled } from "../identity/signed";
import { SIGNATURE_LENGTH } from "../mls/ed25519";
import { RoomDataError } from "./errors";

/** `content ‖ signature`. */
export function signRequest(privateKey: Uint8Array, label: Label, content: Uint8Array): Uint8Array {
  return concat(content, signLabelled(privateKey, label, content));
}

export type SignedRequest = { readonly content: Uint8Array; readonly signature: Uint8Array };

/** Its two parts; nothing is verified yet. @throws RoomDataError */
export function splitRequest(bytes: Uint8Array): SignedRequest {
  if (bytes.length <= SIGNATURE_LENGTH) throw new RoomDataError("a request without content");
  const at = bytes.length - SIGNATURE_LENGTH;
  return { content: bytes.slice(0, at), signature: bytes.slice(at) };
}

export function requestIsSigned(publicKey: Uint8Array, label: Label, request: SignedRequest): boolean {
  return verifyLabelled(publicKey, label, request.content, request.signature);
}

export const requestHash = (bytes: Uint8Array): Uint8Array => sha384(bytes);
