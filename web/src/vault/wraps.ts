import { gcm } from "@noble/ciphers/aes.js";
import { argon2idAsync } from "@noble/hashes/argon2.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha384 } from "@noble/hashes/sha2.js";
import { concat, type Rng, utf8, wipe } from "../bytes/bytes";

/**
 * The vault key and the ways to it (E39): a random key encrypts everything stored on this device; it is wrapped by a
 * passphrase, by a passkey's PRF output, and by a key from the recovery code. No wrap ever leaves the device.
 */

export const VAULT_KEY_BYTES = 32;
const SALT_BYTES = 32;
/** E39: fixed in code, so that nobody can ask for less. */
const ARGON2 = { t: 3, m: 64 * 1024, p: 1, dkLen: 32 } as const;
/** RFC 8265's spirit: what is typed on two keyboards must be the same passphrase. */
const normal = (passphrase: string): Uint8Array => utf8(passphrase.normalize("NFKC"));

export type WrapKind = "passphrase" | "prf" | "recovery";
export type Wrap = { readonly kind: WrapKind; readonly salt: Uint8Array; readonly sealed: Uint8Array };
export type Opener =
  | { readonly kind: "passphrase"; readonly passphrase: string }
  | { readonly kind: "prf"; readonly output: Uint8Array }
  | { readonly kind: "recovery"; readonly key: Uint8Array };

const WRONG = { passphrase: "wrong_opener", prf: "wrong_opener", recovery: "recovery_code_other" } as const;

/** The opener does not open this vault: the passphrase, passkey or code is another one. */
export class WrongOpener extends Error {
  readonly code: (typeof WRONG)[WrapKind];
  constructor(readonly kind: WrapKind) {
    super(`the ${kind} does not open this vault`);
    this.code = WRONG[kind];
  }
}

async function keyFor(opener: Opener, salt: Uint8Array): Promise<Uint8Array> {
  const info = (name: string): Uint8Array => utf8(`Collegium 1.0 vault ${name}`);
  switch (opener.kind) {
    case "passphrase":
      return argon2idAsync(normal(opener.passphrase), salt, ARGON2);
    case "prf":
      return hkdf(sha384, opener.output, salt, info("prf"), VAULT_KEY_BYTES);
    case "recovery":
      return hkdf(sha384, opener.key, salt, info("recovery"), VAULT_KEY_BYTES);
  }
}

const aad = (kind: WrapKind): Uint8Array => utf8(`Collegium 1.0 vault wrap ${kind}`);
// Zero nonce: each wrap draws a new salt, so its key seals exactly one message.
const ZERO_NONCE = new Uint8Array(12);

export async function wrap(vaultKey: Uint8Array, opener: Opener, rng: Rng): Promise<Wrap> {
  const salt = rng(SALT_BYTES);
  const key = await keyFor(opener, salt);
  const sealed = gcm(key, ZERO_NONCE, aad(opener.kind)).encrypt(vaultKey);
  wipe(key);
  return { kind: opener.kind, salt, sealed };
}

/** @throws WrongOpener when it is not the one that this vault was wrapped with. */
export async function unwrap(wrapped: Wrap, opener: Opener): Promise<Uint8Array> {
  if (wrapped.kind !== opener.kind) throw new WrongOpener(opener.kind);
  const key = await keyFor(opener, wrapped.salt);
  try {
    return gcm(key, ZERO_NONCE, aad(opener.kind)).decrypt(wrapped.sealed);
  } catch {
    throw new WrongOpener(opener.kind); // noble's only error here: the tag does not match
  } finally {
    wipe(key);
  }
}

/** The keys for rows and for their names, apart from each other. */
export function rowKeys(vaultKey: Uint8Array): { readonly seal: Uint8Array; readonly name: Uint8Array } {
  const okm = hkdf(sha384, vaultKey, undefined, utf8("Collegium 1.0 vault rows"), 64);
  return { seal: okm.slice(0, 32), name: okm.slice(32) };
}

export const NONCE_BYTES = 12;

/** One stored row: nonce ‖ ciphertext. Its name is authenticated, so that rows cannot be swapped. */
export function sealRow(key: Uint8Array, name: string, plaintext: Uint8Array, rng: Rng): Uint8Array {
  // Random 96-bit nonces: safe for 2^32 rows under one vault key, some centuries of use.
  const nonce = rng(NONCE_BYTES);
  return concat(nonce, gcm(key, nonce, utf8(name)).encrypt(plaintext));
}

/** A stored row was changed or damaged. */
export class DamagedRow extends Error {
  readonly code = "storage_damaged";
  constructor(
    readonly row: string,
    options?: ErrorOptions,
  ) {
    super("a stored row does not open under this vault's key", options);
  }
}

/** @throws DamagedRow */
export function openRow(key: Uint8Array, name: string, row: Uint8Array): Uint8Array {
  try {
    return gcm(key, row.subarray(0, NONCE_BYTES), utf8(name)).decrypt(row.subarray(NONCE_BYTES));
  } catch {
    throw new DamagedRow(name);
  }
}
