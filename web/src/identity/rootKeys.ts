/** What a recovery code makes. None of it is stored on a device after set-up (E6). */

import { sha256 } from "@noble/hashes/sha2.js";
import { concat, utf8, wipe } from "../bytes/bytes";
import * as ed25519 from "../mls/ed25519";
import { UsageError } from "../mls/errors";
import { HKDF_SHA384 } from "../mls/kdf";
import type { KeyPair } from "../mls/kem";
import { MLKEM768_X25519 } from "../mls/xwing";
import { RECOVERY_CODE_BYTES } from "./recoveryCode";

export const ID_BYTES = 16;
export const KEY_BYTES = 32;

export type RootKeys = {
  /** Ed25519: signs identity statements (E7). */
  readonly root: KeyPair;
  /** Ed25519: proves to the server that the code is here (PROTOCOL.md §2). */
  readonly recovery: KeyPair;
  /** X-Wing: the recovery bundle is sealed to it (E22). */
  readonly seal: KeyPair;
  /** Opens this device's vault when its passphrase is forgotten (E39). */
  readonly vaultKey: Uint8Array;
};

const ACCOUNT_LABEL = utf8("Collegium 1.0 account");
const SALT = utf8("Collegium 1.0 recovery code");

/** @throws UsageError when the code is not of 15 bytes. */
export function rootKeys(code: Uint8Array): RootKeys {
  if (code.length !== RECOVERY_CODE_BYTES) {
    throw new UsageError("recovery_code", `a recovery code of ${code.length} bytes`);
  }
  // 120 random bits need no slow function: HKDF alone (E6).
  const prk = HKDF_SHA384.extract(SALT, code);
  const derive = (purpose: string) =>
    HKDF_SHA384.expand(prk, utf8(`Collegium 1.0 code ${purpose}`), KEY_BYTES);
  const sealSeed = derive("seal");
  const keys = {
    root: signatureKeyPair(derive("root")),
    recovery: signatureKeyPair(derive("recovery")),
    seal: MLKEM768_X25519.deriveKeyPair(sealSeed),
    vaultKey: derive("vault"),
  };
  wipe(prk, sealSeed);
  return keys;
}

/** E6: an account id proves itself, for it is a hash of its first root key. */
export function accountIdOf(rootKey: Uint8Array): Uint8Array {
  return sha256(concat(ACCOUNT_LABEL, rootKey)).slice(0, ID_BYTES);
}

function signatureKeyPair(seed: Uint8Array): KeyPair {
  return { privateKey: seed, publicKey: ed25519.publicKey(seed) };
}
