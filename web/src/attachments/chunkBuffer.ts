/** Cuts parts of any length into pieces of the lengths that are asked for, with no more than one piece kept back. */

import type { Bytes } from "./chunkCipher";

export class ChunkBuffer {
  #parts: Uint8Array[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** The part is copied when it is taken: until then it stays as it is. */
  push(part: Uint8Array): void {
    if (part.length === 0) return;
    this.#parts.push(part);
    this.#length += part.length;
  }

  /** The first `length` bytes, of which there are so many. The rest of them zeros, where there are fewer. */
  take(length: number): Bytes {
    const out = new Uint8Array(length);
    let at = 0;
    while (at < length && this.#parts.length > 0) {
      const part = this.#parts[0]!;
      const used = part.subarray(0, length - at);
      out.set(used, at);
      at += used.length;
      if (used.length === part.length) this.#parts.shift();
      else this.#parts[0] = part.subarray(used.length);
    }
    this.#length -= at;
    return out;
  }
}
