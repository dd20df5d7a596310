import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { systemRng } from "../../src/bytes/bytes";
import { RecoveryCodeError } from "../../src/identity/errors";
import {
  formatRecoveryCode,
  newRecoveryCode,
  parseRecoveryCode,
  RECOVERY_GROUPS,
  recoveryGroups,
  sameRecoveryGroup,
} from "../../src/identity/recoveryCode";
import { UsageError } from "../../src/mls/errors";
import { codeOf, seeded } from "./people";

const CODE = newRecoveryCode(seeded("recovery code"));
const TEXT = formatRecoveryCode(CODE);
const codes = fc.uint8Array({ minLength: 15, maxLength: 15 });

/** Put another letter at a place of the bare text (hyphens not counted). */
function withLetter(text: string, at: number, letter: string): string {
  const bare = text.replaceAll("-", "");
  return bare.slice(0, at) + letter + bare.slice(at + 1);
}

describe("e6: the recovery code", () => {
  it("threats 37: it is 120 bits from the random source, all of them used", () => {
    const asked: number[] = [];
    const drawn = newRecoveryCode((length) => {
      asked.push(length);
      return systemRng(length);
    });
    expect(asked).toEqual([15]);
    expect(drawn.length * 8).toBe(120);
    const texts = new Set<string>();
    for (let bit = 0; bit < 120; bit++) {
      const other = CODE.slice();
      other[bit >> 3]! ^= 0x80 >> (bit & 7);
      texts.add(recoveryGroups(other).slice(0, 6).join(""));
    }
    expect(texts.size).toBe(120);
  });

  it("threats 37: a random source that gives less makes no code", () => {
    expect(() => newRecoveryCode(() => new Uint8Array(14))).toThrow(UsageError);
  });

  it("is shown as seven groups of four letters that cannot be confused", () => {
    expect(recoveryGroups(CODE)).toHaveLength(RECOVERY_GROUPS);
    expect(TEXT).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){6}[0-9A-HJKMNP-TV-Z]{4}$/);
    expect(formatRecoveryCode(new Uint8Array(15)).slice(0, 29)).toBe("0000-0000-0000-0000-0000-0000");
    expect(formatRecoveryCode(new Uint8Array(15).fill(255)).slice(0, 29)).toBe(
      "ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ",
    );
    // The highest bit comes first: 5 bits of 1, then zeros.
    expect(formatRecoveryCode(Uint8Array.of(0xf8, ...new Uint8Array(14))).slice(0, 4)).toBe("Z000");
    expect(formatRecoveryCode(Uint8Array.of(0x07, 0xc0, ...new Uint8Array(13))).slice(0, 4)).toBe("0Z00");
  });

  it("round trip: what is shown gives the same code", () => {
    fc.assert(
      fc.property(codes, (code) => {
        expect(parseRecoveryCode(formatRecoveryCode(code))).toEqual(code);
      }),
      { seed: 6, numRuns: 300 },
    );
  });

  it("forgives case, spaces, dashes of any kind, and letters that look alike", () => {
    const zeros = formatRecoveryCode(new Uint8Array(15));
    const ones = formatRecoveryCode(Uint8Array.of(0x08, 0x42, 0x10, 0x84, 0x21, ...new Uint8Array(10)));
    expect(ones.startsWith("1111-1111-0000")).toBe(true);
    expect(parseRecoveryCode(zeros.replaceAll("0", "o"))).toEqual(new Uint8Array(15));
    const said = ones.replace("1111-1111", "IiLl—l1–I i").toLowerCase();
    expect(formatRecoveryCode(parseRecoveryCode(said))).toBe(ones);
    for (const text of [
      TEXT.toLowerCase(),
      TEXT.replaceAll("-", ""),
      ` ${TEXT.replaceAll("-", " \u00a0")}\r\n`,
      TEXT.replaceAll("-", "‑"),
      TEXT.replaceAll("-", "\u00ad-"),
      TEXT.replace(/[0-9A-Z]/g, (c) => String.fromCharCode(c.charCodeAt(0) + 0xfee0)), // full-width letters
    ]) {
      expect(parseRecoveryCode(text), text).toEqual(CODE);
    }
  });

  it("says which group has a letter that no code has", () => {
    for (const [at, letter] of [
      [0, "U"],
      [6, "*"],
      [27, "Ä"],
    ] as const) {
      const error = (() => {
        try {
          parseRecoveryCode(withLetter(TEXT, at, letter));
        } catch (caught) {
          return caught as RecoveryCodeError;
        }
        return null;
      })();
      expect(error?.code).toBe("recovery_code_letters");
      expect(error?.fault).toBe("caller");
      expect(error?.group).toBe(Math.floor(at / 4) + 1);
    }
  });

  it("says that letters are missing or too many", () => {
    for (const text of ["", TEXT.slice(0, -1), `${TEXT}0`, TEXT.slice(0, 29), "*".repeat(100_000)]) {
      expect(codeOf(() => parseRecoveryCode(text))).toBe("recovery_code_length");
    }
  });

  it("says that the letters do not belong together: any one letter changed, any two neighbours swapped", () => {
    const bare = TEXT.replaceAll("-", "");
    for (let at = 0; at < bare.length; at++) {
      const other = bare[at] === "7" ? "8" : "7";
      expect(codeOf(() => parseRecoveryCode(withLetter(bare, at, other)))).toBe("recovery_code_checksum");
      if (at > 0 && bare[at] !== bare[at - 1]) {
        const swapped = bare.slice(0, at - 1) + bare[at]! + bare[at - 1]! + bare.slice(at + 1);
        expect(codeOf(() => parseRecoveryCode(swapped))).toBe("recovery_code_checksum");
      }
    }
  });

  it("compares a group that was typed back as forgivingly", () => {
    const zeros = recoveryGroups(new Uint8Array(15))[0]!;
    expect(sameRecoveryGroup(" oO-o0 ", zeros)).toBe(true);
    expect(sameRecoveryGroup("0001", zeros)).toBe(false);
    expect(sameRecoveryGroup("000", zeros)).toBe(false);
    expect(sameRecoveryGroup("", zeros)).toBe(false);
  });

  it("refuses codes of another length", () => {
    expect(() => formatRecoveryCode(new Uint8Array(16))).toThrow(UsageError);
  });

  it("invariant: any text is a code or raises RecoveryCodeError", () => {
    const texts = fc.oneof(
      fc.string({ unit: "binary", maxLength: 60 }),
      fc.string({
        unit: fc.constantFrom(..."0123456789ABCDEFGHJKMNPQRSTVWXYZilou- "),
        minLength: 26,
        maxLength: 32,
      }),
    );
    fc.assert(
      fc.property(texts, (text) => {
        try {
          expect(parseRecoveryCode(text)).toHaveLength(15);
        } catch (error) {
          expect(error).toBeInstanceOf(RecoveryCodeError);
        }
      }),
      { seed: 6, numRuns: 500 },
    );
  });
});
