import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../src/bytes/bytes";
import { DecodeError, UsageError } from "../../src/mls/errors";
import { decodeHeader, encodeHeader, MAX_HEADER_LENGTH } from "../../src/sframe/header";

const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
/** Of every length alike: a number drawn from all 64 bits nearly always has eight bytes. */
const anyLength = fc
  .tuple(u64, fc.integer({ min: 0, max: 64 }))
  .map(([value, bits]) => value >> BigInt(bits));

describe("the SFrame header", () => {
  it("is read as it was written", () => {
    fc.assert(
      fc.property(anyLength, anyLength, fc.uint8Array({ maxLength: 8 }), (kid, ctr, rest) => {
        const written = encodeHeader(kid, ctr);
        expect(written.length).toBeLessThanOrEqual(MAX_HEADER_LENGTH);
        expect(decodeHeader(new Uint8Array([...written, ...rest]))).toEqual({
          kid,
          ctr,
          length: written.length,
        });
      }),
    );
  });

  it("is, of any bytes, one in its one spelling or a DecodeError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), (data) => {
        try {
          const { kid, ctr, length } = decodeHeader(data);
          expect(toHex(encodeHeader(kid, ctr))).toBe(toHex(data.subarray(0, length)));
        } catch (cause) {
          expect(cause).toBeInstanceOf(DecodeError);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    ["nothing", ""],
    ["a KID cut short", "9001"],
    ["a counter cut short", "0901"],
    ["a KID that stands in the config byte", "8007"],
    ["a counter that stands in the config byte", "0807"],
    ["a KID with a zero in front", "9000ff"],
    ["a KID of eight bytes with a zero in front", "f000ffffffffffffff"],
    ["a counter with zeros in front", "0b00000100"],
  ])("RFC 9605 §4.3: %s is refused", (_, data) => {
    expect(() => decodeHeader(fromHex(data))).toThrow(DecodeError);
  });

  it("holds no more than 64 bits", () => {
    expect(() => encodeHeader(2n ** 64n, 0n)).toThrow(UsageError);
    expect(() => encodeHeader(0n, 2n ** 64n)).toThrow(UsageError);
    expect(() => encodeHeader(-1n, 0n)).toThrow(UsageError);
    expect(() => encodeHeader(0n, -1n)).toThrow(UsageError);
  });
});
