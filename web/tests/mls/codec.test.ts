import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EMPTY, fromHex, toHex } from "../../src/bytes/bytes";
import { decode, encode, encodeVarint, MAX_VECTOR_LENGTH, Reader, Writer } from "../../src/mls/codec";
import { DecodeError, UsageError } from "../../src/mls/errors";
import { eachVectorFile } from "../vectors";

eachVectorFile<{ vlbytes_header: string; length: number }>("mls/deserialization", (entries) => {
  for (const { vlbytes_header: header, length } of entries) {
    expect(decode(fromHex(header), (reader) => reader.varint())).toBe(length);
    expect(toHex(encodeVarint(length))).toBe(header);
  }
  return { checked: entries.length };
});

type Sample = {
  a: number;
  b: number;
  c: number;
  d: bigint;
  fixed: Uint8Array;
  data: Uint8Array;
  list: number[];
  maybe: Uint8Array | undefined;
};

const sample: fc.Arbitrary<Sample> = fc.record({
  a: fc.integer({ min: 0, max: 0xff }),
  b: fc.integer({ min: 0, max: 0xffff }),
  c: fc.integer({ min: 0, max: 0xffffffff }),
  d: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fixed: fc.uint8Array({ minLength: 5, maxLength: 5 }),
  data: fc.uint8Array({ maxLength: 300 }),
  list: fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 100 }),
  maybe: fc.option(fc.uint8Array({ maxLength: 70 }), { nil: undefined }),
});

function write(value: Sample): Uint8Array {
  return encode((w) =>
    w
      .uint8(value.a)
      .uint16(value.b)
      .uint32(value.c)
      .uint64(value.d)
      .bytes(value.fixed)
      .opaque(value.data)
      .vector(value.list, (inner, item) => inner.uint16(item))
      .optional(value.maybe, (inner, bytes) => inner.opaque(bytes)),
  );
}

function read(reader: Reader): Sample {
  return {
    a: reader.uint8(),
    b: reader.uint16(),
    c: reader.uint32(),
    d: reader.uint64(),
    fixed: reader.bytes(5),
    data: reader.opaque(),
    list: reader.vector((inner) => inner.uint16()),
    maybe: reader.optional((inner) => inner.opaque()),
  };
}

describe("codec", () => {
  it("reads what it wrote", () => {
    fc.assert(
      fc.property(sample, (value) => {
        expect(decode(write(value), read)).toEqual(value);
      }),
    );
  });

  it("invariant: any bytes parse or raise DecodeError, and what parses is written the same", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        let value: Sample;
        try {
          value = decode(bytes, read);
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
          return;
        }
        expect(write(value)).toEqual(bytes);
      }),
      { numRuns: 2000 },
    );
  });

  it("v003: a structure cut short or lengthened raises DecodeError", () => {
    fc.assert(
      fc.property(sample, fc.nat(), (value, at) => {
        const bytes = write(value);
        expect(() => decode(bytes.slice(0, at % bytes.length), read)).toThrow(DecodeError);
        expect(() => decode(new Uint8Array([...bytes, 0]), read)).toThrow(DecodeError);
      }),
    );
  });

  it.each(["4000", "403f", "80000000", "80003fff", "c0", "c000000000000000", "40", "800000", ""])(
    "v002: refuses the length header %s",
    (hex) => expect(() => new Reader(fromHex(hex)).varint()).toThrow(DecodeError),
  );

  it("v003: refuses a vector longer than its bytes, or than its limit", () => {
    expect(() => new Reader(fromHex("0501020304")).opaque()).toThrow(DecodeError);
    expect(() => new Reader(fromHex("bfffffff")).opaque()).toThrow(DecodeError);
    expect(() => new Reader(fromHex("03010203")).opaque(2)).toThrow(DecodeError);
    expect(new Reader(fromHex("03010203")).opaque(3)).toEqual(fromHex("010203"));
    expect(() => new Reader(fromHex("03010203")).vector((r) => r.uint8(), 2)).toThrow(DecodeError);
    expect(new Reader(fromHex("03010203")).vector((r) => r.uint8(), 3)).toEqual([1, 2, 3]);
  });

  it("refuses items that cross the end of their vector, or are empty", () => {
    expect(() => new Reader(fromHex("0301020304")).vector((r) => r.uint16())).toThrow(DecodeError);
    expect(() => new Reader(fromHex("0101")).vector(() => 0)).toThrow(DecodeError);
  });

  it("v001: refuses an optional value that is neither there nor not", () => {
    expect(() => new Reader(fromHex("0201")).optional((r) => r.uint8())).toThrow(DecodeError);
    expect(new Reader(fromHex("00")).optional((r) => r.uint8())).toBeUndefined();
  });

  it("gives copies, the bytes as they came, and the rest", () => {
    const bytes = fromHex("0201020304");
    const reader = new Reader(bytes);
    const value = reader.opaque();
    value.fill(0);
    expect(toHex(reader.since(0))).toBe("020102");
    expect(toHex(reader.rest())).toBe("0304");
    expect(reader.done).toBe(true);
    expect(toHex(bytes)).toBe("0201020304");
    expect(reader.rest()).toEqual(EMPTY);
  });

  it("blames the caller for values that a field cannot hold", () => {
    const writer = new Writer();
    for (const bad of [-1, 256, 0.5, Number.NaN]) expect(() => writer.uint8(bad)).toThrow(UsageError);
    expect(() => writer.uint32(2 ** 32)).toThrow(UsageError);
    expect(() => writer.uint64(2n ** 64n)).toThrow(UsageError);
    expect(() => writer.uint64(-1)).toThrow(UsageError);
    expect(() => encodeVarint(MAX_VECTOR_LENGTH + 1)).toThrow(UsageError);
    expect(writer.finish()).toEqual(EMPTY);
  });
});
