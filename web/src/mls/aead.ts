/** AEADs by their numbers in HPKE (RFC 9180 §7.3). That a key and nonce never meet twice is said at each call. */

import { gcm } from "@noble/ciphers/aes.js";
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { AeadError, UsageError } from "./errors";

export interface Aead {
  readonly id: number;
  readonly nk: number;
  readonly nn: number;
  readonly nt: number;
  seal(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array;
  /** @throws AeadError when the ciphertext was not made with this key, nonce and associated data. */
  open(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array): Uint8Array;
}

const NONCE_LENGTH = 12;
const TAG_LENGTH = 16;

function aead(id: number, nk: number, cipher: typeof gcm | typeof chacha20poly1305): Aead {
  const keyed = (key: Uint8Array, nonce: Uint8Array, aad: Uint8Array) => {
    // noble's GCM would take a key of another AES, or a nonce of another length, without a word.
    if (key.length !== nk)
      throw new UsageError("aead_key_length", `an AEAD key of ${key.length} bytes, not ${nk}`);
    if (nonce.length !== NONCE_LENGTH)
      throw new UsageError("aead_nonce_length", `a nonce of ${nonce.length} bytes`);
    return cipher(key, nonce, aad);
  };
  return {
    id,
    nk,
    nn: NONCE_LENGTH,
    nt: TAG_LENGTH,
    seal: (key, nonce, aad, plaintext) => keyed(key, nonce, aad).encrypt(plaintext),
    open: (key, nonce, aad, ciphertext) => {
      const opener = keyed(key, nonce, aad);
      if (ciphertext.length < TAG_LENGTH) throw new AeadError("the ciphertext is shorter than its tag");
      try {
        return opener.decrypt(ciphertext);
      } catch (cause) {
        throw new AeadError("the ciphertext does not open under this key", { cause });
      }
    },
  };
}

export const AES_128_GCM: Aead = /* @__PURE__ */ aead(0x0001, 16, gcm);
export const AES_256_GCM: Aead = /* @__PURE__ */ aead(0x0002, 32, gcm);
export const CHACHA20_POLY1305: Aead = /* @__PURE__ */ aead(0x0003, 32, chacha20poly1305);
