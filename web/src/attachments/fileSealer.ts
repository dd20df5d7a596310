/** Encrypts one file as it is read, with one chunk in memory. */

import { sha256 } from "@noble/hashes/sha2.js";
import type { Rng } from "../bytes/bytes";
import { UsageError } from "../mls/errors";
import { draw } from "../mls/kem";
import { ChunkBuffer } from "./chunkBuffer";
import { type Bytes, ChunkCipher, FILE_KEY_LENGTH } from "./chunkCipher";
import type { FileDescriptor } from "./descriptor";
import { Geometry } from "./geometry";

/**
 * For one file, once.
 *
 * It draws the file key itself: a key from outside could have sealed something else already. An upload that is tried
 * again reads the file again, which may have changed: each try has a new sealer.
 */
export class FileSealer {
  readonly geometry: Geometry;
  readonly #key: Uint8Array;
  readonly #cipher: ChunkCipher;
  readonly #hash = sha256.create();
  readonly #buffer = new ChunkBuffer();
  #digest: Uint8Array | null = null;
  #given = 0;
  #n = 0;

  /** `size` of the file in bytes, exactly. @throws UsageError when it is beyond 2 GiB */
  constructor(size: number, rng: Rng, chunkSize?: number) {
    this.geometry = new Geometry(size, chunkSize);
    this.#key = draw(rng, FILE_KEY_LENGTH);
    this.#cipher = new ChunkCipher(this.#key, this.geometry);
  }

  /**
   * The next part of the file, of any length; the pieces of ciphertext that are ready. One call is awaited before the
   * next begins.
   * @throws UsageError when the file is longer than was said: it changed while it was read
   */
  async *push(part: Uint8Array): AsyncGenerator<Bytes, void> {
    this.#given += part.length;
    if (this.#given > this.geometry.size) {
      throw new UsageError("file_changed", "the file is longer than was said");
    }
    this.#buffer.push(part);
    // The last chunk waits for `finish`: only then is it known that the file has the size that was said.
    while (this.#n < this.geometry.chunks - 1 && this.#buffer.length >= this.geometry.chunkSize) {
      yield await this.#sealNext();
    }
  }

  /**
   * After the last part: what is left of the ciphertext, piece by piece, as padding may be long.
   * @throws UsageError when the file is shorter than was said, or when this was called before
   */
  async *finish(): AsyncGenerator<Bytes, void> {
    if (this.#given !== this.geometry.size) {
      throw new UsageError("file_changed", "the file is shorter than was said");
    }
    if (this.#n === this.geometry.chunks) throw new UsageError("file_sealed", "the file is sealed already");
    while (this.#n < this.geometry.chunks) yield await this.#sealNext();
    this.#digest = this.#hash.digest();
  }

  /** For the event, once all is sealed. @throws UsageError before that */
  descriptor(name: string, type: string): FileDescriptor {
    if (this.#digest === null) throw new UsageError("file_unsealed", "the file is not sealed yet");
    const { size, chunkSize } = this.geometry;
    return { key: this.#key, size, chunkSize, hash: this.#digest, name, type };
  }

  /** The next chunk, filled up with zeros where the file has ended. */
  async #sealNext(): Promise<Bytes> {
    // Counted before anything is awaited: no number seals twice.
    const n = this.#n++;
    const sealed = await this.#cipher.seal(n, this.#buffer.take(this.geometry.chunkLength(n)));
    this.#hash.update(sealed);
    return sealed;
  }
}
