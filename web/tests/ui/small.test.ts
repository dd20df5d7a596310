import { describe, expect, it } from "vitest";
import { oneEmoji } from "../../src/ui/emoji";
import { characters } from "../../src/ui/limits";
import { initials, tint } from "../../src/ui/people";
import { afterSent, type Draft } from "../../src/ui/room/drafts";
import { missing } from "../../src/ui/support";

describe("small things", () => {
  it("S1 an emoji is one as people see it", () => {
    for (const text of ["👍", "❤️", "👨‍👩‍👧‍👦", "🇦🇹", "👋🏽", "1️⃣", " 🙏 "])
      expect(oneEmoji(text), text).toBe(text.trim());
    for (const text of ["", "a", "👍👍", "ok", "1", "👍x", `👍${"\u200d👍".repeat(20)}`])
      expect(oneEmoji(text), text).toBeNull();
  });

  it("S2 initials leave titles out", () => {
    expect(initials("Anna Berger")).toBe("AB");
    expect(initials("Dr. Carla Nielsen")).toBe("CN");
    expect(initials("Prof. Dr. med. Jan Peter Vogt")).toBe("JV");
    expect(initials("ада")).toBe("А");
    expect(initials("李 小龙")).toBe("李小");
    expect(initials("Dr.")).toBe("D");
    expect(initials("🦦")).toBe("·");
  });

  it("S3 a tint is one of eight and stays", () => {
    const all = Array.from({ length: 200 }, (_, i) => tint(`account-${i}`));
    expect(new Set(all).size).toBe(8);
    expect(tint("account-1")).toBe(all[1]);
  });

  it("S4 characters are counted as people count them", () => {
    expect(characters("a🦦b")).toBe(3);
  });

  it("S5 says what a browser lacks", () => {
    const whole = {
      isSecureContext: true,
      crypto: { subtle: {} },
      indexedDB: {},
      Worker: {},
      navigator: { locks: {} },
      HTMLDialogElement: {},
      HTMLElement: { prototype: { showPopover: () => undefined } },
    };
    expect(missing(whole)).toBeNull();
    expect(missing({ ...whole, isSecureContext: false })).toBe("insecure");
    for (const name of [
      "crypto",
      "indexedDB",
      "Worker",
      "navigator",
      "HTMLDialogElement",
      "HTMLElement",
    ] as const) {
      expect(missing({ ...whole, [name]: undefined }), name).toBe("unsupported");
    }
  });

  it("S6 what was typed while a message was being stored stays", () => {
    const sent: Draft = { text: "one", mode: { kind: "edit", target: "x", before: "on" } };
    expect(afterSent(sent, sent)).toEqual({ text: "", mode: { kind: "new" } });
    expect(afterSent({ ...sent, text: "one two" }, sent)).toEqual({ text: " two", mode: { kind: "new" } });
    const other: Draft = { text: "another thought", mode: { kind: "new" } };
    expect(afterSent(other, sent)).toBe(other);
  });
});
