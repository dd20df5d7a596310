/** AES in counter mode with a truncated HMAC, encrypt-then-MAC (RFC 9605 §4.5.1): the AEAD of SFrame suites 1 to 3. */

import { ctr } from "@noble/ciphers/aes.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, equal, u64 } from "../bytes/bytes";
import { AeadError, UsageError } from "../mls/errors";

const CIPHER_KEY_LENGTH = 16;
export const CTR_HMAC_KEY_LENGTH = CIPHER_KEY_LENGTH + sha256.outputLen;
const NONCE_LENGTH = 12;

type CtrHmac = {
  seal(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array;
  /** @throws AeadError */
  open(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array): Uint8Array;
};

/** With a tag of `nt` bytes. */
export function ctrHmac(nt: number): CtrHmac {
  const check = (key: Uint8Array, nonce: Uint8Array) => {
    if (key.length !== CTR_HMAC_KEY_LENGTH) throw new UsageError("aead_key_length", "not a CTR-HMAC key");
    if (nonce.length !== NONCE_LENGTH) throw new UsageError("aead_nonce_length", "not a CTR-HMAC nonce");
  };
  // The block counter begins at zero and has 32 bits: no frame is long enough to run into the next nonce's blocks.
  const crypt = (key: Uint8Array, nonce: Uint8Array, data: Uint8Array) =>
    ctr(key.subarray(0, CIPHER_KEY_LENGTH), concat(nonce, new Uint8Array(4))).encrypt(data);
  const tagOf = (key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, ct: Uint8Array) => {
    // The lengths first: bytes can't move between associated data and ciphertext.
    const input = concat(u64(aad.length), u64(ct.length), u64(nt), nonce, aad, ct);
    return hmac(sha256, key.subarray(CIPHER_KEY_LENGTH), input).subarray(0, nt);
  };
  return {
    seal: (key, nonce, aad, plaintext) => {
      check(key, nonce);
      const ct = crypt(key, nonce, plaintext);
      return concat(ct, tagOf(key, nonce, aad, ct));
    },
    open: (key, nonce, aad, ciphertext) => {
      check(key, nonce);
      if (ciphertext.length < nt) throw new AeadError("the ciphertext is shorter than its tag");
      const ct = ciphertext.subarray(0, ciphertext.length - nt);
      const tag = ciphertext.subarray(ciphertext.length - nt);
      if (!equal(tag, tagOf(key, nonce, aad, ct))) {
        throw new AeadError("the ciphertext does not open under this key");
      }
      return crypt(key, nonce, ct);
    },
  };
}
