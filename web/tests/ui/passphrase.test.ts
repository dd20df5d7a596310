import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PASSPHRASE_MIN as ENGINE_MIN } from "../../src/engine/api";
import { isEnough, PASSPHRASE_MIN, passphraseFeedback } from "../../src/ui/passphrase";

const level = (text: string): string => passphraseFeedback(text).level;

describe("advice about a passphrase", () => {
  it("P1 asks for twelve characters and says how many are missing", () => {
    expect(passphraseFeedback("")).toEqual({ level: "empty" });
    expect(passphraseFeedback("lantern")).toEqual({ level: "short", left: 5 });
    expect(passphraseFeedback("lantern otte")).toEqual({ level: "fair" });
  });

  it("P2 counts what people see, not code units", () => {
    expect(passphraseFeedback("🦦🦦🦦")).toEqual({ level: "short", left: 9 });
    expect(passphraseFeedback("e\u0301e\u0301e\u0301")).toEqual({ level: "short", left: 9 });
  });

  it("P3 refuses what only repeats or counts", () => {
    for (const text of [
      "aaaaaaaaaaaaaaaa",
      "abcabcabcabcabc",
      "passwordaaaa",
      "1234567890123",
      "abcdefghijklm",
      "zyxwvutsrqpon",
      "123123123123",
    ]) {
      expect(isEnough(passphraseFeedback(text)), text).toBe(text === "passwordaaaa");
    }
  });

  it("P4 calls several words or a long text strong", () => {
    expect(level("lantern otter")).toBe("fair");
    expect(level("quiet harbour lantern seven")).toBe("good");
    expect(level("one two six ten")).toBe("good");
    expect(level("word word word word")).not.toBe("good");
    expect(level("k7#Lq9!zP2w@Xv5$Rt8&")).toBe("good");
  });

  it("P5 never accepts what the engine refuses", () => {
    expect(PASSPHRASE_MIN).toBeGreaterThanOrEqual(ENGINE_MIN);
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 40 }), (text) => {
        const found = passphraseFeedback(text);
        if (isEnough(found)) expect([...text.normalize("NFKC")].length).toBeGreaterThanOrEqual(ENGINE_MIN);
      }),
      { seed: 3, numRuns: 500 },
    );
  });

  it("P6 answers quickly whatever is pasted", () => {
    expect(level("ab".repeat(512))).toBe("simple");
    expect(level(`${"a".repeat(500)}b`.repeat(2))).toBe("simple");
  });
});
