/** HPKE in base mode (RFC 9180 §5 and §6): one message or one exported secret for each encapsulation (E2). */

import { concat, EMPTY, type Rng, utf8, wipe } from "../bytes/bytes";
import type { Aead } from "./aead";
import type { Kdf } from "./kdf";
import { draw, type Encapsulated, type Kem } from "./kem";
import { type LabelledKdf, labelledKdf, twoOctets } from "./labelledKdf";

export type HpkeCiphertext = { readonly kemOutput: Uint8Array; readonly ciphertext: Uint8Array };
export type HpkeExport = { readonly kemOutput: Uint8Array; readonly secret: Uint8Array };

/** A KEM, a KDF and an AEAD, with what does not change from message to message. */
export type HpkeSuite = {
  readonly kem: Kem;
  readonly aead: Aead;
  readonly nh: number;
  readonly labelled: LabelledKdf;
  /** The beginning of every key schedule's context: the mode, and the hash of no pre-shared key's id. */
  readonly base: Uint8Array;
};

const MODE_BASE = 0x00;

export function hpkeSuite(kem: Kem, kdf: Kdf, aead: Aead): HpkeSuite {
  const suiteId = concat(utf8("HPKE"), twoOctets(kem.id), twoOctets(kdf.id), twoOctets(aead.id));
  const labelled = labelledKdf(kdf, suiteId);
  const base = concat(Uint8Array.of(MODE_BASE), labelled.extract(EMPTY, "psk_id_hash", EMPTY));
  return { kem, aead, nh: kdf.nh, labelled, base };
}

/** Info as key schedules take it up: the same for everybody to whom something is sealed with it. */
export type Scheduled = { readonly schedule: Uint8Array };

export function scheduled({ base, labelled }: HpkeSuite, info: Uint8Array): Scheduled {
  return { schedule: concat(base, labelled.extract(EMPTY, "info_hash", info)) };
}

/**
 * What both sides share after the encapsulation: KeySchedule of RFC 9180 §5.1 without a pre-shared key. Each part is
 * made when it is asked for: nothing here takes both the key and the exporter's secret.
 */
export class HpkeContext {
  readonly #suite: HpkeSuite;
  readonly #schedule: Uint8Array;
  readonly #secret: Uint8Array;

  constructor(suite: HpkeSuite, sharedSecret: Uint8Array, { schedule }: Scheduled) {
    this.#suite = suite;
    this.#schedule = schedule;
    this.#secret = suite.labelled.extract(sharedSecret, "secret", EMPTY);
    wipe(sharedSecret);
  }

  key(): Uint8Array {
    return this.#part("key", this.#suite.aead.nk);
  }

  baseNonce(): Uint8Array {
    return this.#part("base_nonce", this.#suite.aead.nn);
  }

  exporterSecret(): Uint8Array {
    return this.#part("exp", this.#suite.nh);
  }

  /** RFC 9180 §5.3. */
  exported(exporterContext: Uint8Array, length: number): Uint8Array {
    const secret = this.exporterSecret();
    const out = this.#suite.labelled.expand(secret, "sec", exporterContext, length);
    wipe(secret);
    return out;
  }

  forget(): void {
    wipe(this.#secret);
  }

  #part(label: string, length: number): Uint8Array {
    return this.#suite.labelled.expand(this.#secret, label, this.#schedule, length);
  }
}

/** @throws KeyError when the public key is not one. */
export function setupSender(
  suite: HpkeSuite,
  publicKey: Uint8Array,
  info: Scheduled,
  rng: Rng,
): { readonly kemOutput: Uint8Array; readonly context: HpkeContext } {
  const { sharedSecret, kemOutput } = encapsulate(suite, publicKey, rng);
  return { kemOutput, context: new HpkeContext(suite, sharedSecret, info) };
}

function encapsulate({ kem }: HpkeSuite, publicKey: Uint8Array, rng: Rng): Encapsulated {
  const randomness = draw(rng, kem.randomLength);
  const made = kem.encapsulate(publicKey, randomness);
  wipe(randomness);
  return made;
}

/** @throws KeyError when the KEM output is not one. */
export function setupReceiver(
  suite: HpkeSuite,
  privateKey: Uint8Array,
  kemOutput: Uint8Array,
  info: Scheduled,
): HpkeContext {
  return new HpkeContext(suite, suite.kem.decapsulate(kemOutput, privateKey), info);
}

/** @throws KeyError when the public key is not one. */
export function seal(
  suite: HpkeSuite,
  publicKey: Uint8Array,
  info: Scheduled,
  aad: Uint8Array,
  plaintext: Uint8Array,
  rng: Rng,
): HpkeCiphertext {
  const { sharedSecret, kemOutput, placeholder } = encapsulate(suite, publicKey, rng);
  if (placeholder) return { kemOutput, ciphertext: new Uint8Array(plaintext.length + suite.aead.nt) };
  const context = new HpkeContext(suite, sharedSecret, info);
  const [key, nonce] = [context.key(), context.baseNonce()];
  // The key comes from a fresh encapsulation and is wiped below: it seals this plaintext alone, at sequence 0.
  const ciphertext = suite.aead.seal(key, nonce, aad, plaintext);
  wipe(key, nonce);
  context.forget();
  return { kemOutput, ciphertext };
}

/** @throws KeyError | AeadError */
export function open(
  suite: HpkeSuite,
  privateKey: Uint8Array,
  { kemOutput, ciphertext }: HpkeCiphertext,
  info: Scheduled,
  aad: Uint8Array,
): Uint8Array {
  const context = setupReceiver(suite, privateKey, kemOutput, info);
  const [key, nonce] = [context.key(), context.baseNonce()];
  try {
    return suite.aead.open(key, nonce, aad, ciphertext);
  } finally {
    wipe(key, nonce);
    context.forget();
  }
}

/** @throws KeyError when the public key is not one. */
export function sendExport(
  suite: HpkeSuite,
  publicKey: Uint8Array,
  info: Scheduled,
  exporterContext: Uint8Array,
  length: number,
  rng: Rng,
): HpkeExport {
  const { kemOutput, context } = setupSender(suite, publicKey, info, rng);
  const secret = context.exported(exporterContext, length);
  context.forget();
  return { kemOutput, secret };
}

/** @throws KeyError when the KEM output is not one. */
export function receiveExport(
  suite: HpkeSuite,
  privateKey: Uint8Array,
  kemOutput: Uint8Array,
  info: Scheduled,
  exporterContext: Uint8Array,
  length: number,
): Uint8Array {
  const context = setupReceiver(suite, privateKey, kemOutput, info);
  const secret = context.exported(exporterContext, length);
  context.forget();
  return secret;
}
