/** The Diffie-Hellman function of X25519 (RFC 7748 §6.1). */

import { x25519 } from "@noble/curves/ed25519.js";
import { KeyError } from "./errors";
import { judgeKey, requireKeyLength } from "./kem";

/** E4: an X25519 result of zero is refused; noble refuses the inputs that lead there, and we look again. */
export function x25519Agree(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array {
  requireKeyLength("an X25519 public key", publicKey, 32);
  const secret = judgeKey("an X25519 public key", () => x25519.getSharedSecret(privateKey, publicKey));
  let bits = 0;
  for (const byte of secret) bits |= byte;
  if (bits === 0) throw new KeyError("an X25519 public key of small order");
  return secret;
}
