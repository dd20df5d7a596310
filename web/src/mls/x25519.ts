/** The Diffie-Hellman function of X25519 (RFC 7748 §6.1). */

import { x25519 } from "@noble/curves/ed25519.js";
import { bytesToNumberLE } from "@noble/curves/utils.js";
import { KeyError } from "./errors";
import { judgeKey, requireKeyLength } from "./kem";
import { type Agreed, agreedOn, computedOnce } from "./trial";

const KEY_LENGTH = 32;
const P = 2n ** 255n - 19n;
/** The u-coordinates, on the curve and on its twist, of the points whose order divides the cofactor. */
const SMALL_ORDER: ReadonlySet<bigint> = new Set([
  0n,
  1n,
  P - 1n,
  325606250916557431795983626356110631294008115727848805560023387167927233504n,
  39382357235489614581723060781553021112529911719440698176882885853963445705823n,
]);

/**
 * Whether an agreement with it comes to anything but zero: so for every scalar, or for none. RFC 7748 §5: the top bit is
 * not looked at, and any number of the rest is a coordinate, modulo the prime. @throws KeyError
 */
export function checkX25519PublicKey(publicKey: Uint8Array): void {
  requireKeyLength("an X25519 public key", publicKey, KEY_LENGTH);
  if (SMALL_ORDER.has((bytesToNumberLE(publicKey) & (2n ** 255n - 1n)) % P)) {
    throw new KeyError("an X25519 public key of small order");
  }
}

/** E4: an X25519 result of zero is refused; noble refuses the inputs that lead there, and we look again. */
export function x25519Agree(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array {
  requireKeyLength("an X25519 public key", publicKey, KEY_LENGTH);
  const secret = judgeKey("an X25519 public key", () => x25519.getSharedSecret(privateKey, publicKey));
  let bits = 0;
  for (const byte of secret) bits |= byte;
  if (bits === 0) throw new KeyError("an X25519 public key of small order");
  return secret;
}

/** @throws KeyError when the private key is not of 32 bytes. */
export function x25519PublicKey(privateKey: Uint8Array): Uint8Array {
  requireKeyLength("an X25519 private key", privateKey, KEY_LENGTH);
  return computedOnce("X25519", [privateKey], () => [x25519.getPublicKey(privateKey)])[0]!;
}

/**
 * For an encapsulation: the public key of an ephemeral one, and what it agrees on with another. In a trial it may be a
 * placeholder, so never for anything whose outcome is looked at. @throws KeyError as `x25519Agree`
 */
export function x25519Ephemeral(privateKey: Uint8Array, publicKey: Uint8Array): Agreed {
  requireKeyLength("an X25519 private key", privateKey, KEY_LENGTH);
  requireKeyLength("an X25519 public key", publicKey, KEY_LENGTH);
  return (
    agreedOn(privateKey, publicKey) ?? {
      publicKey: x25519.getPublicKey(privateKey),
      secret: x25519Agree(privateKey, publicKey),
    }
  );
}
