/**
 * One chunk of a file, in the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015).
 *
 *   nonce = prefix (7) ‖ chunk number (4) ‖ 1 for the last chunk, else 0
 *
 * So a chunk opens in its place alone, and nothing but the last chunk opens as the last: what is swapped, left out or
 * cut off shows. A chunk of another file has another key.
 *
 * AES-GCM is WebCrypto's: it seals a chunk of 64 KiB in a twentieth of noble's time, and outside this thread.
 */

import { concat, u32, u64, utf8, wipe } from "../bytes/bytes";
import { HKDF_SHA256 } from "../mls/kdf";
import { AttachmentError } from "./errors";
import { type Geometry, TAG_LENGTH } from "./geometry";

export type Bytes = Uint8Array<ArrayBuffer>;

export const FILE_KEY_LENGTH = 32;

const LABEL = /* @__PURE__ */ utf8("Collegium 1.0 attachment");
const CIPHER_KEY_LENGTH = 32;
const PREFIX_LENGTH = 7;
const NONCE_LENGTH = 12;

/** Opens and seals the chunks of one file. Whoever seals answers for it that a file key seals one file. */
export class ChunkCipher {
  readonly geometry: Geometry;
  readonly #key: Promise<CryptoKey>;
  readonly #prefix: Uint8Array;

  constructor(fileKey: Uint8Array, geometry: Geometry) {
    // Size and chunk size are part of the key: under a descriptor that names others nothing opens.
    const info = concat(LABEL, u64(geometry.size), u32(geometry.chunkSize));
    const derived = HKDF_SHA256.expand(fileKey, info, CIPHER_KEY_LENGTH + PREFIX_LENGTH);
    const key = derived.slice(0, CIPHER_KEY_LENGTH);
    this.#key = crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt", "decrypt"]);
    this.#prefix = derived.slice(CIPHER_KEY_LENGTH);
    this.geometry = geometry;
    wipe(key, derived);
  }

  /** `chunk` with its padding. */
  async seal(n: number, chunk: Bytes): Promise<Bytes> {
    // The file key was drawn for this file, and each chunk has its number: no nonce comes twice.
    return new Uint8Array(await crypto.subtle.encrypt(this.#params(n), await this.#key, chunk));
  }

  /** What chunk `n` holds of the file, without padding. @throws AttachmentError */
  async open(n: number, sealed: Bytes): Promise<Bytes> {
    const [start, end] = this.geometry.chunkRange(n);
    if (sealed.length !== end - start) {
      throw new AttachmentError("length", `chunk ${n} is ${sealed.length} bytes, not ${end - start}`);
    }
    let chunk: ArrayBuffer;
    try {
      chunk = await crypto.subtle.decrypt(this.#params(n), await this.#key, sealed);
    } catch (cause) {
      if (!(cause instanceof DOMException) || cause.name !== "OperationError") throw cause;
      throw new AttachmentError("chunk", `chunk ${n} is not what was sealed there`, { cause });
    }
    return new Uint8Array(chunk, 0, this.geometry.contentLength(n));
  }

  #params(n: number): AesGcmParams {
    const iv = new Uint8Array(NONCE_LENGTH);
    iv.set(this.#prefix);
    iv.set(u32(n), PREFIX_LENGTH);
    iv[NONCE_LENGTH - 1] = n === this.geometry.chunks - 1 ? 1 : 0;
    return { name: "AES-GCM", iv, tagLength: 8 * TAG_LENGTH };
  }
}
