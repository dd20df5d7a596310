/**
 * How a file lies in its ciphertext: chunks of one size, each with its tag, the last one shorter.
 *
 *   stream     = file ‖ zeros, up to the padded size
 *   ciphertext = chunk 0 ‖ tag ‖ chunk 1 ‖ tag ‖ …
 */

import { UsageError } from "../mls/errors";

/** Bytes of a file: 2 GiB. */
export const MAX_SIZE = 2 ** 31;
/** What we write. A chunk is what has to be in memory, and what a player fetches to begin in the middle. */
export const CHUNK_SIZE = 64 * 1024;
export const MIN_CHUNK_SIZE = 4 * 1024;
export const MAX_CHUNK_SIZE = 1024 * 1024;
export const TAG_LENGTH = 16;

const SMALLEST = 4 * 1024;

/**
 * THREATS 22: sizes say less when there are few of them.
 *
 * Rounded up so that only a length's leading bits differ, as many as tell how long it is itself (the Padmé scheme): a
 * sixteenth more at most, a thirty-second for a megabyte. What is small is 4 KiB.
 */
export function paddedSize(size: number): number {
  if (size <= SMALLEST) return SMALLEST;
  const exponent = bitLength(size) - 1;
  const step = 2 ** (exponent - bitLength(exponent));
  return Math.ceil(size / step) * step;
}

/** Of a number up to 2^31, as MAX_SIZE has it. */
const bitLength = (value: number): number => 32 - Math.clz32(value);

/** Of one file. Sizes in bytes. */
export class Geometry {
  readonly size: number;
  readonly chunkSize: number;
  readonly padded: number;
  readonly chunks: number;
  /** The ciphertext, tags and all. */
  readonly sealed: number;
  /** The chunk that the file ends in. The last chunk may be all padding. */
  readonly endChunk: number;

  /** @throws UsageError beyond the bounds */
  constructor(size: number, chunkSize: number = CHUNK_SIZE) {
    const sizeFits = Number.isInteger(size) && size >= 0 && size <= MAX_SIZE;
    if (!sizeFits || !(chunkSize >= MIN_CHUNK_SIZE && chunkSize <= MAX_CHUNK_SIZE)) {
      throw new UsageError("file_size", `no file of ${size} bytes in chunks of ${chunkSize}`);
    }
    this.size = size;
    this.chunkSize = chunkSize;
    this.padded = paddedSize(size);
    this.chunks = Math.ceil(this.padded / chunkSize);
    this.sealed = this.padded + this.chunks * TAG_LENGTH;
    this.endChunk = Math.floor(Math.max(0, size - 1) / chunkSize);
  }

  /** Of the plaintext of chunk `n`. */
  chunkLength(n: number): number {
    return Math.min(this.chunkSize, this.padded - n * this.chunkSize);
  }

  /** How much of chunk `n` is file; the rest is padding. */
  contentLength(n: number): number {
    return Math.max(0, Math.min(this.chunkSize, this.size - n * this.chunkSize));
  }

  /** Where chunk `n` lies in the ciphertext: from, and up to. @throws UsageError when there is none */
  chunkRange(n: number): readonly [number, number] {
    if (!Number.isInteger(n) || n < 0 || n >= this.chunks) {
      throw new UsageError("chunk_number", `there is no chunk ${n}`);
    }
    const start = n * (this.chunkSize + TAG_LENGTH);
    return [start, start + this.chunkLength(n) + TAG_LENGTH];
  }

  /** In which chunk a byte of the file lies. @throws UsageError beyond the end */
  chunkOf(offset: number): number {
    if (!Number.isInteger(offset) || offset < 0 || offset >= this.size) {
      throw new UsageError("file_offset", `there is no byte ${offset}`);
    }
    return Math.floor(offset / this.chunkSize);
  }
}
