/**
 * Which counters of one KID were seen (E36): each once, and none that is WINDOW or more behind the highest.
 *
 * Bits in a ring of 32-bit words. A frame is looked up before it is decrypted and marked after: what does not open
 * must not move the window.
 */

export const WINDOW = 4096;

const WORDS = WINDOW / 32;

export class ReplayWindow {
  readonly #bits = new Uint32Array(WORDS);
  #highest = -1;

  /** Whether a frame with this counter (an integer from 0 to 2^32 - 1) may still come. */
  isFresh(ctr: number): boolean {
    if (ctr > this.#highest) return true;
    if (ctr <= this.#highest - WINDOW) return false;
    return (this.#bits[wordOf(ctr)]! & bitOf(ctr)) === 0;
  }

  /** Whether it was fresh; from now on it is not. */
  mark(ctr: number): boolean {
    if (!this.isFresh(ctr)) return false;
    this.#advance(ctr);
    this.#bits[wordOf(ctr)]! |= bitOf(ctr);
    return true;
  }

  #advance(ctr: number): void {
    if (ctr <= this.#highest) return;
    if (ctr - this.#highest >= WINDOW) this.#bits.fill(0);
    // The places of the skipped counters still hold bits of counters that are now behind the window.
    else for (let skipped = this.#highest + 1; skipped <= ctr; skipped++) this.#clear(skipped);
    this.#highest = ctr;
  }

  #clear(ctr: number): void {
    this.#bits[wordOf(ctr)]! &= ~bitOf(ctr);
  }
}

const wordOf = (ctr: number): number => (ctr % WINDOW) >>> 5;
const bitOf = (ctr: number): number => 1 << (ctr & 31);
