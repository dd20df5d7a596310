/**
 * What is said aloud, one text after the other in one place of the page. A text that is replaced at once may not be
 * read, so what comes soon after another is said together with whatever else comes until then.
 */
export const PACE_MS = 1_000;
/** Lines that wait: beyond these the oldest are not said. */
export const MAX_WAITING = 16;

export class Saying {
  readonly #show: (text: string) => void;
  #waiting: readonly string[] = [];
  #last = "";
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(show: (text: string) => void) {
    this.#show = show;
  }

  say(lines: readonly string[]): void {
    this.#waiting = [...this.#waiting, ...lines].slice(-MAX_WAITING);
    if (this.#timer === undefined) this.#next();
  }

  #next(): void {
    this.#timer = undefined;
    if (this.#waiting.length === 0) return;
    const text = this.#waiting.join(" ");
    this.#waiting = [];
    // The same once more is only read when it is not the same text.
    this.#last = text === this.#last ? `${text}\u00a0` : text;
    this.#show(this.#last);
    this.#timer = setTimeout(() => this.#next(), PACE_MS);
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}
