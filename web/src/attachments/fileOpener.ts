/** Decrypts one file as it arrives, with one chunk in memory; or any chunk of it alone. */

import { sha256 } from "@noble/hashes/sha2.js";
import { equal } from "../bytes/bytes";
import { UsageError } from "../mls/errors";
import { ChunkBuffer } from "./chunkBuffer";
import { type Bytes, ChunkCipher } from "./chunkCipher";
import { type FileDescriptor, geometryOf } from "./descriptor";
import { AttachmentError } from "./errors";
import { type Geometry, TAG_LENGTH } from "./geometry";

/**
 * Whole, from beginning to end.
 *
 * What `push` gives out is the sender's, in its place; that it is all of the file is known after `finish`. So the
 * file's end is given out by `finish` alone: whoever overlooks an error has no file that looks complete.
 */
export class FileOpener {
  readonly geometry: Geometry;
  readonly #cipher: ChunkCipher;
  readonly #named: Uint8Array;
  readonly #hash = sha256.create();
  readonly #buffer = new ChunkBuffer();
  #end: Bytes | null = null;
  #taken = 0;
  #n = 0;

  constructor(descriptor: FileDescriptor) {
    this.geometry = geometryOf(descriptor);
    this.#cipher = new ChunkCipher(descriptor.key, this.geometry);
    this.#named = descriptor.hash;
  }

  /**
   * The next part of the ciphertext, of any length; the parts of the file that are ready. One call is awaited before
   * the next begins.
   * @throws AttachmentError; the file is then given up
   */
  async *push(part: Uint8Array): AsyncGenerator<Bytes, void> {
    this.#taken += part.length;
    if (this.#taken > this.geometry.sealed) {
      throw new AttachmentError("length", "the ciphertext goes on after its end");
    }
    this.#hash.update(part);
    this.#buffer.push(part);
    const step = this.geometry.chunkSize + TAG_LENGTH;
    while (this.#n < this.geometry.chunks - 1 && this.#buffer.length >= step) {
      const n = this.#n++;
      const opened = await this.#cipher.open(n, this.#buffer.take(step));
      if (n < this.geometry.endChunk) yield opened;
      else this.#end ??= opened;
    }
  }

  /** After the last part: the end of the file. @throws AttachmentError when this is not the file */
  async finish(): Promise<Bytes> {
    if (this.#n === this.geometry.chunks) throw new UsageError("file_opened", "the file is opened already");
    if (this.#taken !== this.geometry.sealed) {
      throw new AttachmentError("length", "the ciphertext is cut short");
    }
    const n = this.#n++;
    if (!equal(this.#hash.digest(), this.#named)) {
      throw new AttachmentError("hash", "this is not the ciphertext that the event names");
    }
    const last = await this.#cipher.open(n, this.#buffer.take(this.#buffer.length));
    return this.#end ?? last;
  }
}

/**
 * Chunk by chunk in any order, for media that is played from the middle.
 *
 * Each chunk is what was sealed there under this file's key. The hash of the whole is not looked at: a member, who
 * knows the key, could put another file there with the server's help; whoever reads the whole finds out.
 */
export class ChunkOpener {
  readonly geometry: Geometry;
  readonly #cipher: ChunkCipher;

  constructor(descriptor: FileDescriptor) {
    this.geometry = geometryOf(descriptor);
    this.#cipher = new ChunkCipher(descriptor.key, this.geometry);
  }

  /** What chunk `n`, the bytes of `geometry.chunkRange(n)`, holds of the file. @throws AttachmentError */
  open(n: number, sealed: Bytes): Promise<Bytes> {
    return this.#cipher.open(n, sealed);
  }
}
