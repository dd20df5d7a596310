import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CHUNK_SIZE, Geometry, MAX_SIZE, paddedSize } from "../../src/attachments/geometry";
import { UsageError } from "../../src/mls/errors";

describe("how a file lies in its ciphertext", () => {
  it.each([
    [0, 4096],
    [1, 4096],
    [4096, 4096],
    [4097, 4352],
    [65_536, 65_536],
    [65_537, 67_584],
    [1_000_000, 1_015_808],
    [100_000_000, 100_663_296],
    [2 ** 31 - 1, 2 ** 31],
    [2 ** 31, 2 ** 31],
  ])("THREATS 22: %i bytes are padded to %i", (size, padded) => {
    expect(paddedSize(size)).toBe(padded);
  });

  it("padding is a sixteenth at most, and few sizes remain", () => {
    fc.assert(
      fc.property(fc.integer({ min: 4096, max: MAX_SIZE }), (size) => {
        const padded = paddedSize(size);
        expect(padded).toBeGreaterThanOrEqual(size);
        expect(padded - size).toBeLessThanOrEqual(size / 16);
        expect(paddedSize(padded)).toBe(padded);
      }),
    );
    const sizes = new Set<number>();
    for (let size = 1; size < 2 ** 20; size += 97) sizes.add(paddedSize(size));
    expect(sizes.size).toBeLessThan(220);
  });

  it("chunks cover the ciphertext and the file, each byte once", () => {
    const sizes = fc.oneof(
      fc.integer({ min: 0, max: MAX_SIZE }),
      fc.integer({ min: 0, max: 300_000 }),
      fc.constantFrom(0, 1, 4096, 65_535, 65_536, 65_537, 131_072, MAX_SIZE),
    );
    fc.assert(
      fc.property(sizes, fc.integer({ min: 4096, max: 1024 * 1024 }), (size, chunkSize) => {
        const geometry = new Geometry(size, chunkSize);
        expect(geometry.chunks).toBeGreaterThan(0);
        expect(geometry.chunkRange(0)[0]).toBe(0);
        expect(geometry.chunkRange(geometry.chunks - 1)[1]).toBe(geometry.sealed);
        const middle = Math.floor(geometry.chunks / 2);
        if (middle > 0) expect(geometry.chunkRange(middle - 1)[1]).toBe(geometry.chunkRange(middle)[0]);
        expect(geometry.contentLength(geometry.endChunk)).toBe(size - geometry.endChunk * chunkSize);
        if (size > 0) expect(geometry.chunkOf(size - 1)).toBe(geometry.endChunk);
        for (let n = geometry.endChunk + 1; n < Math.min(geometry.chunks, geometry.endChunk + 3); n++) {
          expect(geometry.contentLength(n)).toBe(0);
        }
      }),
    );
  });

  it.each([
    ["too long", MAX_SIZE + 1, CHUNK_SIZE],
    ["negative", -1, CHUNK_SIZE],
    ["broken", 1.5, CHUNK_SIZE],
    ["chunks too small", 1, 4095],
    ["chunks too big", 1, 1024 * 1024 + 1],
  ])("%s: refused", (_, size, chunkSize) => {
    expect(() => new Geometry(size, chunkSize)).toThrow(UsageError);
  });

  it("there is no chunk and no byte beyond the end", () => {
    const geometry = new Geometry(100_000);
    expect(geometry.chunks).toBe(2);
    for (const n of [-1, 2, 0.5]) expect(() => geometry.chunkRange(n)).toThrow(UsageError);
    for (const offset of [-1, 100_000, 0.5]) expect(() => geometry.chunkOf(offset)).toThrow(UsageError);
  });
});
