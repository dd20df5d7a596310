/** What HPKE and MLS need of a key encapsulation mechanism (RFC 9180 §4). */

import type { Rng } from "../bytes/bytes";
import { KeyError, UsageError } from "./errors";

export type KeyPair = { readonly privateKey: Uint8Array; readonly publicKey: Uint8Array };
export type Encapsulated = {
  readonly sharedSecret: Uint8Array;
  readonly kemOutput: Uint8Array;
  /** Of a trial (`trial.ts`): nothing need be done with it, since nothing of that will be used. */
  readonly placeholder?: true | undefined;
};

export interface Kem {
  readonly id: number;
  readonly publicKeyLength: number;
  readonly privateKeyLength: number;
  readonly kemOutputLength: number;
  /** How many fresh random bytes one encapsulation takes. */
  readonly randomLength: number;
  deriveKeyPair(ikm: Uint8Array): KeyPair;
  /** Whether anybody can encapsulate to it. @throws KeyError */
  checkPublicKey(publicKey: Uint8Array): void;
  /** @throws KeyError when the public key is not one. */
  encapsulate(publicKey: Uint8Array, randomness: Uint8Array): Encapsulated;
  /** @throws KeyError when the KEM output is not one. */
  decapsulate(kemOutput: Uint8Array, privateKey: Uint8Array): Uint8Array;
}

/** Random bytes, and as many as were asked for: a short answer would make a guessable key. */
export function draw(rng: Rng, length: number): Uint8Array {
  const out = rng(length);
  if (out.length !== length)
    throw new UsageError("rng", `the random source gave ${out.length} of ${length} bytes`);
  return out;
}

/** Run a function of the curve or lattice library: what it refuses about a peer's key is the peer's fault. */
export function judgeKey<T>(what: string, use: () => T): T {
  try {
    return use();
  } catch (cause) {
    throw new KeyError(`${what} was refused`, { cause });
  }
}

export function requireKeyLength(what: string, bytes: Uint8Array, length: number): void {
  if (bytes.length !== length) throw new KeyError(`${what} of ${bytes.length} bytes, not ${length}`);
}
