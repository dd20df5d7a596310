import { describe, expect, it } from "vitest";
import { UsageError } from "../../src/mls/errors";
import { drawKid, epochByteOf, KINDS, kindOf, leafOf } from "../../src/sframe/kid";

const FILLED = (length: number) => new Uint8Array(length).fill(0xff);
const whole = (kid: { high: number; low: number }) => (BigInt(kid.high) << 32n) | BigInt(kid.low);

describe("E35 the KID", () => {
  it("is kind, 46 random bits, leaf and the low byte of the epoch", () => {
    expect(KINDS).toEqual(["audio", "camera", "screen", "screen_audio"]);
    const random = () => Uint8Array.of(0xc1, 0x02, 0x03, 0x04, 0x05, 0x06);
    // The two upper bits of what was drawn give way to the kind.
    expect(whole(drawKid("audio", 0x9a, 0x1bcn, random))).toBe(0x0102030405069abcn);
    expect(whole(drawKid("camera", 0x9a, 0x1bcn, random))).toBe(0x4102030405069abcn);
    expect(whole(drawKid("screen", 0x9a, 0x1bcn, random))).toBe(0x8102030405069abcn);
    expect(whole(drawKid("screen_audio", 0x9a, 0x1bcn, random))).toBe(0xc102030405069abcn);
    expect(whole(drawKid("screen_audio", 255, 255n, FILLED))).toBe(2n ** 64n - 1n);
  });

  it("says what it was made of", () => {
    for (const kind of KINDS) {
      const { high, low } = drawKid(kind, 200, 2n ** 40n + 7n, FILLED);
      expect([kindOf(high), leafOf(low), epochByteOf(low)]).toEqual([kind, 200, 7]);
    }
  });

  it("has room for 256 leaves, and takes no short draw", () => {
    expect(() => drawKid("audio", 256, 0n, FILLED)).toThrow(UsageError);
    expect(() => drawKid("audio", -1, 0n, FILLED)).toThrow(UsageError);
    expect(() => drawKid("audio", 1.5, 0n, FILLED)).toThrow(UsageError);
    expect(() => drawKid("audio", 0, 0n, () => new Uint8Array(5))).toThrow(UsageError);
  });
});
