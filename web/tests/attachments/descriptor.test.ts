import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeDescriptor,
  descriptorFields,
  encodeDescriptor,
  type FileDescriptor,
  MAX_DESCRIPTOR,
} from "../../src/attachments/descriptor";
import { toHex } from "../../src/bytes/bytes";
import { encodeCanonical } from "../../src/room/canonical";
import { RoomDataError } from "../../src/room/errors";
import { content } from "./files";

const whole: FileDescriptor = {
  key: content("key", 32),
  size: 2 ** 31,
  chunkSize: 65_536,
  hash: content("hash", 32),
  name: "Grüße 👋.pdf",
  type: "application/vnd.oasis.opendocument.text",
};

describe("a file's descriptor", () => {
  it("is read as it was written", () => {
    expect(decodeDescriptor(encodeDescriptor(whole))).toEqual(whole);
    const longest = { ...whole, name: "👋".repeat(255), type: `a/${"b".repeat(125)}` };
    expect(decodeDescriptor(encodeDescriptor(longest))).toEqual(longest);
    expect(encodeDescriptor(longest).length).toBeLessThan(MAX_DESCRIPTOR);
  });

  it.each([
    ["a short key", { key: content("key", 31) }],
    ["a long hash", { hash: content("hash", 33) }],
    ["a size beyond 2 GiB", { size: 2 ** 31 + 1 }],
    ["a negative size", { size: -1 }],
    ["tiny chunks", { chunk_size: 4095 }],
    ["huge chunks", { chunk_size: 1024 * 1024 + 1 }],
    ["no name", { name: "" }],
    ["a name that is a path", { name: "../notes.pdf" }],
    ["a name that is a path elsewhere", { name: "..\\notes.pdf" }],
    ["a name that leads up", { name: ".." }],
    ["a name that turns around", { name: "fdp.\u202etxt" }],
    ["a name of two lines", { name: "a\nb" }],
    ["a long name", { name: "a".repeat(256) }],
    ["no type", { type: "" }],
    ["a type with parameters", { type: "text/html; charset=x" }],
    ["a type in capitals", { type: "Text/HTML" }],
    ["a type and a line", { type: "text/html\n" }],
    ["a long type", { type: `a/${"b".repeat(126)}` }],
    ["a missing field", { type: undefined }],
    ["a field more", { note: "x" }],
  ])("%s: refused", (_, fields) => {
    const bytes = encodeCanonical({ ...descriptorFields(whole), ...fields });
    expect(() => decodeDescriptor(bytes)).toThrow(RoomDataError);
  });

  it("any bytes are one in its one spelling, or a RoomDataError", () => {
    const good = encodeDescriptor(whole);
    const mutated = fc
      .tuple(fc.integer({ min: 0, max: good.length - 1 }), fc.integer({ min: 0, max: 255 }))
      .map(([at, value]) => {
        const bytes = good.slice();
        bytes[at] = value;
        return bytes;
      });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), mutated), (bytes) => {
        try {
          expect(toHex(encodeDescriptor(decodeDescriptor(bytes)))).toBe(toHex(bytes));
        } catch (cause) {
          expect(cause).toBeInstanceOf(RoomDataError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
