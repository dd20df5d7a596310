import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ReplayWindow, WINDOW } from "../../src/sframe/replayWindow";

/** The rule itself, with a set. */
class Model {
  readonly #seen = new Set<number>();
  #highest = -1;

  mark(ctr: number): boolean {
    if (ctr <= this.#highest - WINDOW || this.#seen.has(ctr)) return false;
    this.#seen.add(ctr);
    this.#highest = Math.max(this.#highest, ctr);
    return true;
  }
}

describe("E36 the window of a KID", () => {
  it("takes each counter once, and none that is 4,096 behind the highest", () => {
    const window = new ReplayWindow();
    expect(WINDOW).toBe(4096);
    expect(window.mark(0)).toBe(true);
    expect(window.mark(0)).toBe(false);
    expect(window.mark(5000)).toBe(true);
    expect(window.isFresh(5000 - WINDOW)).toBe(false);
    expect(window.mark(5000 - WINDOW)).toBe(false);
    expect(window.mark(5000 - WINDOW + 1)).toBe(true);
    expect(window.mark(5000 - WINDOW + 1)).toBe(false);
    expect(window.mark(2 ** 32 - 1)).toBe(true);
    expect(window.mark(2 ** 32 - 1)).toBe(false);
    expect(window.mark(2 ** 32 - 2)).toBe(true);
  });

  it("asking changes nothing", () => {
    const window = new ReplayWindow();
    window.mark(10);
    expect(window.isFresh(9000)).toBe(true);
    expect(window.mark(9)).toBe(true);
  });

  it("is the rule, for any order of counters", () => {
    const jump = fc.oneof(
      fc.integer({ min: -8, max: 8 }),
      fc.integer({ min: -2 * WINDOW, max: 2 * WINDOW }),
      fc.constantFrom(WINDOW - 1, WINDOW, WINDOW + 1, 1 - WINDOW, -WINDOW),
    );
    fc.assert(
      fc.property(fc.array(jump, { maxLength: 200 }), (jumps) => {
        const [window, model] = [new ReplayWindow(), new Model()];
        let at = 10_000;
        for (const by of jumps) {
          at = Math.max(0, at + by);
          expect(window.mark(at)).toBe(model.mark(at));
        }
      }),
      { numRuns: 300 },
    );
  });
});
