/** The cipher suites of SFrame (RFC 9605 §4.5). Calls use suite 5 alone (E35); the others are for the vectors. */

import { AES_128_GCM, AES_256_GCM } from "../mls/aead";
import { SuiteError } from "../mls/errors";
import { HKDF_SHA256, HKDF_SHA512, type Kdf } from "../mls/kdf";
import { CTR_HMAC_KEY_LENGTH, ctrHmac } from "./ctrHmac";

export interface SframeSuite {
  readonly id: number;
  readonly name: string;
  readonly kdf: Kdf;
  /** AEAD.Nk, AEAD.Nn, AEAD.Nt: bytes in a key, a nonce, a tag. */
  readonly nk: number;
  readonly nn: number;
  readonly nt: number;
  seal(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array;
  /** @throws AeadError */
  open(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array): Uint8Array;
}

const NONCE_LENGTH = 12;

function truncated(id: number, nt: number): SframeSuite {
  const name = `AES_128_CTR_HMAC_SHA256_${8 * nt}`;
  return { id, name, kdf: HKDF_SHA256, nk: CTR_HMAC_KEY_LENGTH, nn: NONCE_LENGTH, nt, ...ctrHmac(nt) };
}

export const AES_256_GCM_SHA512: SframeSuite = /* @__PURE__ */ (() => ({
  ...AES_256_GCM,
  id: 5,
  name: "AES_256_GCM_SHA512_128",
  kdf: HKDF_SHA512,
}))();

const SUITES: readonly SframeSuite[] = [
  truncated(1, 10),
  truncated(2, 8),
  truncated(3, 4),
  { ...AES_128_GCM, id: 4, name: "AES_128_GCM_SHA256_128", kdf: HKDF_SHA256 },
  AES_256_GCM_SHA512,
];

/** @throws SuiteError */
export function sframeSuite(id: number): SframeSuite {
  const found = SUITES.find((suite) => suite.id === id);
  if (found === undefined) throw new SuiteError(`there is no SFrame cipher suite ${id} here`);
  return found;
}
