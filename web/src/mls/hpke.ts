/** HPKE in base mode (RFC 9180 §5 and §6): one message or one exported secret for each encapsulation (E2). */

import { concat, EMPTY, type Rng, utf8, wipe } from "../bytes/bytes";
import type { Aead } from "./aead";
import type { Kdf } from "./kdf";
import { draw, type Kem } from "./kem";
import { type LabelledKdf, labelledKdf, twoOctets } from "./labelledKdf";

export type HpkeCiphertext = { readonly kemOutput: Uint8Array; readonly ciphertext: Uint8Array };
export type HpkeExport = { readonly kemOutput: Uint8Array; readonly secret: Uint8Array };

export type HpkeSuite = { readonly kem: Kem; readonly kdf: Kdf; readonly aead: Aead };

/** What both sides share after the encapsulation (RFC 9180 §5.1). */
export type HpkeContext = {
  readonly key: Uint8Array;
  readonly baseNonce: Uint8Array;
  readonly exporterSecret: Uint8Array;
};

const MODE_BASE = 0x00;

function labelled({ kem, kdf, aead }: HpkeSuite): LabelledKdf {
  return labelledKdf(kdf, concat(utf8("HPKE"), twoOctets(kem.id), twoOctets(kdf.id), twoOctets(aead.id)));
}

/** KeySchedule of RFC 9180 §5.1 without a pre-shared key. */
function keySchedule(suite: HpkeSuite, sharedSecret: Uint8Array, info: Uint8Array): HpkeContext {
  const kdf = labelled(suite);
  const context = concat(
    Uint8Array.of(MODE_BASE),
    kdf.extract(EMPTY, "psk_id_hash", EMPTY),
    kdf.extract(EMPTY, "info_hash", info),
  );
  const secret = kdf.extract(sharedSecret, "secret", EMPTY);
  const schedule = {
    key: kdf.expand(secret, "key", context, suite.aead.nk),
    baseNonce: kdf.expand(secret, "base_nonce", context, suite.aead.nn),
    exporterSecret: kdf.expand(secret, "exp", context, suite.kdf.nh),
  };
  wipe(secret, sharedSecret);
  return schedule;
}

/** @throws KeyError when the public key is not one. */
export function setupSender(
  suite: HpkeSuite,
  publicKey: Uint8Array,
  info: Uint8Array,
  rng: Rng,
): { readonly kemOutput: Uint8Array; readonly context: HpkeContext } {
  const randomness = draw(rng, suite.kem.randomLength);
  const { sharedSecret, kemOutput } = suite.kem.encapsulate(publicKey, randomness);
  wipe(randomness);
  return { kemOutput, context: keySchedule(suite, sharedSecret, info) };
}

/** @throws KeyError when the KEM output is not one. */
export function setupReceiver(
  suite: HpkeSuite,
  privateKey: Uint8Array,
  kemOutput: Uint8Array,
  info: Uint8Array,
): HpkeContext {
  return keySchedule(suite, suite.kem.decapsulate(kemOutput, privateKey), info);
}

/** RFC 9180 §5.3. */
export function exportSecret(
  suite: HpkeSuite,
  context: HpkeContext,
  exporterContext: Uint8Array,
  length: number,
): Uint8Array {
  return labelled(suite).expand(context.exporterSecret, "sec", exporterContext, length);
}

export function seal(
  suite: HpkeSuite,
  publicKey: Uint8Array,
  info: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
  rng: Rng,
): HpkeCiphertext {
  const { kemOutput, context } = setupSender(suite, publicKey, info, rng);
  // The key comes from a fresh encapsulation and is wiped below: it seals this plaintext alone, at sequence 0.
  const ciphertext = suite.aead.seal(context.key, context.baseNonce, aad, plaintext);
  forget(context);
  return { kemOutput, ciphertext };
}

/** @throws KeyError | AeadError */
export function open(
  suite: HpkeSuite,
  privateKey: Uint8Array,
  { kemOutput, ciphertext }: HpkeCiphertext,
  info: Uint8Array,
  aad: Uint8Array,
): Uint8Array {
  const context = setupReceiver(suite, privateKey, kemOutput, info);
  try {
    return suite.aead.open(context.key, context.baseNonce, aad, ciphertext);
  } finally {
    forget(context);
  }
}

export function sendExport(
  suite: HpkeSuite,
  publicKey: Uint8Array,
  info: Uint8Array,
  exporterContext: Uint8Array,
  length: number,
  rng: Rng,
): HpkeExport {
  const { kemOutput, context } = setupSender(suite, publicKey, info, rng);
  const secret = exportSecret(suite, context, exporterContext, length);
  forget(context);
  return { kemOutput, secret };
}

export function receiveExport(
  suite: HpkeSuite,
  privateKey: Uint8Array,
  kemOutput: Uint8Array,
  info: Uint8Array,
  exporterContext: Uint8Array,
  length: number,
): Uint8Array {
  const context = setupReceiver(suite, privateKey, kemOutput, info);
  const secret = exportSecret(suite, context, exporterContext, length);
  forget(context);
  return secret;
}

function forget(context: HpkeContext): void {
  wipe(context.key, context.baseNonce, context.exporterSecret);
}
