import { describe, expect, it } from "vitest";
import { u64 } from "../../src/bytes/bytes";
import { type Heads, headAt, headsFrom, judgeSeen, withHead } from "../../src/room/core/heads";

/** A head that shows its position. */
const head = (n: number): Uint8Array => Uint8Array.from([...u64(n), ...new Uint8Array(40).fill(7)]);
const short = (n: number): Uint8Array => head(n).slice(0, 16);

function grown(from: number, to: number): Heads {
  let heads = headsFrom(from, head(from));
  for (let n = from + 1; n <= to; n++) heads = withHead(heads, n, head(n));
  return heads;
}

describe("the history of heads", () => {
  it("E19 keeps the last 8,192 positions at least, and not all", () => {
    const heads = grown(100, 20_000);
    for (const n of [20_000, 19_999, 15_872, 15_871, 20_000 - 8_191])
      expect(headAt(heads, n)).toEqual(short(n));
    expect(headAt(heads, 20_001)).toBe(null);
    expect(headAt(heads, 100)).toBe(null);
    expect(heads.length).toBeLessThanOrEqual(17);
  });

  it("one more position changes one chunk", () => {
    const before = grown(0, 1_030);
    const after = withHead(before, 1_031, head(1_031));
    expect(after.slice(0, -1)).toEqual(before.slice(0, -1));
    expect(after.every((chunk, i) => i === after.length - 1 || chunk === before[i])).toBe(true);
  });

  it("E19 what an author had seen is the same, unknown, another, or impossible", () => {
    const heads = grown(50, 100);
    const seen = (n: number, of = n): { n: number; head: Uint8Array } => ({ n, head: short(of) });
    expect(judgeSeen(heads, seen(100), 101, 90)).toBe("same");
    expect(judgeSeen(heads, seen(90), 101, 90)).toBe("same");
    expect(judgeSeen(heads, seen(49), 101, 40)).toBe("unknown");
    expect(judgeSeen(heads, seen(95, 96), 101, 90)).toBe("differs");
    expect(judgeSeen(heads, seen(101), 101, 90)).toBe("impossible");
    expect(judgeSeen(heads, seen(89), 101, 90)).toBe("impossible");
  });
});
