/** LabeledExtract and LabeledExpand of HPKE (RFC 9180 §4), bound to one algorithm by its suite id. */

import { concat, utf8 } from "../bytes/bytes";
import type { Kdf } from "./kdf";

const HPKE_V1 = utf8("HPKE-v1");

export interface LabelledKdf {
  extract(salt: Uint8Array, label: string, ikm: Uint8Array): Uint8Array;
  expand(prk: Uint8Array, label: string, info: Uint8Array, length: number): Uint8Array;
}

/** I2OSP(value, 2) of RFC 8017. */
export function twoOctets(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value & 0xff);
}

export function labelledKdf(kdf: Kdf, suiteId: Uint8Array): LabelledKdf {
  return {
    extract: (salt, label, ikm) => kdf.extract(salt, concat(HPKE_V1, suiteId, utf8(label), ikm)),
    expand: (prk, label, info, length) =>
      kdf.expand(prk, concat(twoOctets(length), HPKE_V1, suiteId, utf8(label), info), length),
  };
}
