/**
 * What is signed for the server (PROTOCOL.md §2). The parts are joined without separators, so each has a fixed length
 * that is checked here: the server chooses challenges, and must not choose where one part ends (THREATS 44).
 */

import { sha256 } from "@noble/hashes/sha2.js";
import { concat, type Rng } from "../bytes/bytes";
import * as ed25519 from "../mls/ed25519";
import type { KeyPair } from "../mls/kem";
import { ID_BYTES, KEY_BYTES } from "./rootKeys";
import { signLabelled } from "./signed";
import { sized } from "./statement";

/** A token, a challenge or a grant. */
const SECRET_BYTES = 32;

/** A device's key for signing in, which exists for that alone and is never an MLS key (E5). */
export function newSignInKey(rng: Rng): KeyPair {
  return ed25519.generate(rng);
}

/** `proof` of `POST /api/accounts`. */
export function proveNewAccount(
  signIn: KeyPair,
  account: {
    readonly deploymentId: Uint8Array;
    readonly token: Uint8Array;
    readonly accountId: Uint8Array;
    readonly rootKey: Uint8Array;
    readonly deviceId: Uint8Array;
    readonly recoveryKey: Uint8Array;
    /** The sealed bundle. */
    readonly backup: Uint8Array;
  },
): Uint8Array {
  const content = concat(
    sized(account.deploymentId, ID_BYTES),
    sized(account.token, SECRET_BYTES),
    sized(account.accountId, ID_BYTES),
    sized(account.rootKey, KEY_BYTES),
    sized(account.deviceId, ID_BYTES),
    signIn.publicKey,
    sized(account.recoveryKey, KEY_BYTES),
    sha256(account.backup),
  );
  return signLabelled(signIn.privateKey, "sign-in", content);
}

/** `signature` of `POST /api/sign-in`. */
export function proveSignIn(
  signIn: KeyPair,
  asked: { readonly deploymentId: Uint8Array; readonly deviceId: Uint8Array; readonly challenge: Uint8Array },
): Uint8Array {
  const content = concat(
    sized(asked.deploymentId, ID_BYTES),
    sized(asked.deviceId, ID_BYTES),
    sized(asked.challenge, SECRET_BYTES),
  );
  return signLabelled(signIn.privateKey, "sign-in", content);
}

/** `signature` of `POST /api/recovery/open`, by the key that the recovery code makes. */
export function proveRecovery(
  recovery: KeyPair,
  asked: {
    readonly deploymentId: Uint8Array;
    readonly accountId: Uint8Array;
    readonly challenge: Uint8Array;
  },
): Uint8Array {
  const content = concat(
    sized(asked.deploymentId, ID_BYTES),
    sized(asked.accountId, ID_BYTES),
    sized(asked.challenge, SECRET_BYTES),
  );
  return signLabelled(recovery.privateKey, "recovery", content);
}

/** `proof` of `POST /api/recovery/device`, by the new device's key. */
export function proveRecoveredDevice(
  signIn: KeyPair,
  device: { readonly deploymentId: Uint8Array; readonly grant: Uint8Array; readonly deviceId: Uint8Array },
): Uint8Array {
  const content = concat(
    sized(device.deploymentId, ID_BYTES),
    sized(device.grant, SECRET_BYTES),
    sized(device.deviceId, ID_BYTES),
    signIn.publicKey,
  );
  return signLabelled(signIn.privateKey, "sign-in", content);
}
