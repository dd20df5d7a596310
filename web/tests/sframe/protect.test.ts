import { describe, expect, it } from "vitest";
import { EMPTY, toHex, utf8 } from "../../src/bytes/bytes";
import { AeadError, DecodeError, SuiteError, UsageError } from "../../src/mls/errors";
import { protect, unprotect } from "../../src/sframe/protect";
import { sframeSuite } from "../../src/sframe/suites";
import { bytes } from "./call";

const BASE_KEY = bytes("base key", 32);
const METADATA = utf8("metadata");

describe.each([1, 2, 3, 4, 5])("SFrame suite %i", (number) => {
  const suite = sframeSuite(number);
  const sealed = protect(suite, BASE_KEY, 0x1234n, 99n, METADATA, utf8("a frame"));
  const open = (data: Uint8Array, metadata = METADATA, key = BASE_KEY) =>
    unprotect(suite, () => key, metadata, data);

  it("opens what it sealed, and an empty frame", () => {
    expect(toHex(open(sealed).plaintext)).toBe(toHex(utf8("a frame")));
    expect(open(protect(suite, BASE_KEY, 0n, 0n, METADATA, EMPTY)).plaintext.length).toBe(0);
    expect(sealed.length).toBe(1 + 2 + 1 + 7 + suite.nt);
  });

  it("refuses a change of any byte, other metadata, another key, and less than a tag", () => {
    for (let i = 0; i < sealed.length; i++) {
      const broken = sealed.slice();
      broken[i]! ^= 1;
      // In the config byte a change may leave no header at all.
      expect(() => open(broken), `byte ${i}`).toThrow(i === 0 ? undefined : AeadError);
    }
    expect(() => open(sealed, utf8("metadat"))).toThrow(AeadError);
    expect(() => open(sealed, METADATA, bytes("another", 32))).toThrow(AeadError);
    expect(() => open(sealed.subarray(0, 4 + suite.nt - 1))).toThrow(AeadError);
    expect(() => open(EMPTY)).toThrow(DecodeError);
  });

  it("takes keys and nonces of its lengths alone", () => {
    expect(() => suite.seal(new Uint8Array(31), new Uint8Array(12), EMPTY, EMPTY)).toThrow(UsageError);
    expect(() => suite.seal(new Uint8Array(suite.nk), new Uint8Array(8), EMPTY, EMPTY)).toThrow(UsageError);
  });
});

it("there are five suites", () => {
  expect(() => sframeSuite(0)).toThrow(SuiteError);
  expect(() => sframeSuite(6)).toThrow(SuiteError);
});
