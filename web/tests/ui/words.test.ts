import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ERROR_CODES } from "../../src/engine/api";
import { systemText } from "../../src/ui/room/systemText";
import { alarmWords } from "../../src/words/alarmWords";
import { listed } from "../../src/words/en";
import { alarms } from "../../src/words/enAlarms";
import * as later from "../../src/words/laterWords";
import { errorWords, failureWords, words } from "../../src/words/words";

const SOURCES = join(import.meta.dirname, "../../src");

/** Every source file below a folder. */
function sources(folder: string): string[] {
  return readdirSync(join(SOURCES, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => readFileSync(join(SOURCES, folder, name), "utf8"));
}

/** All texts of the catalogue; functions are called with placeholders. */
function texts(value: unknown, path: string): [string, string][] {
  if (typeof value === "string") return [[path, value]];
  if (typeof value === "function") {
    const made = (value as (...all: unknown[]) => unknown)("Anna", "Ben", 3, "Cleo", 5);
    return typeof made === "string" ? [[path, made]] : [];
  }
  if (typeof value === "object" && value !== null) {
    return Object.entries(value).flatMap(([key, one]) => texts(one, `${path}.${key}`));
  }
  return [];
}

describe("the catalogue", () => {
  it("W1 has words for every code that a call can be refused with", () => {
    const without = ERROR_CODES.filter((code) => !Object.hasOwn(words.errors, code));
    expect(without).toEqual([]);
  });

  it("W2 has no words for refusals that nobody makes: the engine's codes and the page's own", () => {
    const page = ["passkey_cancelled", "passkey_prf", "passkey_failed"];
    const known = new Set<string>([...ERROR_CODES, ...page]);
    expect(Object.keys(words.errors).filter((code) => !known.has(code))).toEqual([]);
  });

  it("W3 has words for every alarm that the rooms and the engine raise", () => {
    const surface = readFileSync(join(SOURCES, "room/core/surface.ts"), "utf8");
    const union = /export type AlarmCode =([\s\S]*?);/.exec(surface)?.[1] ?? "";
    const ofRooms = [...union.matchAll(/\| "([a-z_]+)"/g)].map((found) => found[1]!);
    expect(ofRooms.length).toBeGreaterThan(5);
    const ofEngine = sources("engine").flatMap((text) =>
      [...text.matchAll(/\balarm\(\s*"([a-z_]+)"/g)].map((found) => found[1]!),
    );
    const ofPeople = ["identity_changed", "root_changed", "identity_blocked"];
    const all = new Set([...ofRooms, ...ofEngine, ...ofPeople]);
    expect([...all].filter((code) => !Object.hasOwn(alarms, code))).toEqual([]);
  });

  it("W4 has words for every line that a timeline shows by itself", () => {
    const timeline = readFileSync(join(SOURCES, "room/timeline.ts"), "utf8");
    const union = /export type SystemCode =([\s\S]*?);/.exec(timeline)?.[1] ?? "";
    const codes = [...union.matchAll(/\| "([a-z_]+)"/g)].map((found) => found[1]!);
    expect(codes.length).toBeGreaterThanOrEqual(10);
    const item = { kind: "system", id: "1", n: 1, at: 0, who: "Anna", by: "Ben", detail: "Balint" } as const;
    const without = codes.filter((code) => systemText({ ...item, code }) === later.systemWords.other(code));
    expect(without).toEqual([]);
  });

  it("W5 names an unknown code, so that it can be looked up", () => {
    expect(errorWords("brand_new")).toContain("(brand_new)");
    expect(errorWords("constructor")).toContain("(constructor)");
    expect(
      systemText({ kind: "system", id: "1", n: 1, at: 0, code: "x_y", who: "", by: "", detail: "" }),
    ).toContain("x_y");
    expect(alarmWords("brand_new", null).text).toBe(alarms.other.text());
    expect(failureWords("toString").text).toBe(words.failures.unexpected.text);
  });

  it("W6 says names where they are known, and speaks of a colleague where not", () => {
    expect(alarmWords("fork", "Anna").text).toContain("Anna");
    expect(alarmWords("fork", null).text).toMatch(/^A colleague’s device/);
    expect(alarmWords("fork", null).todo).toContain("Call that colleague");
  });

  it("W7 is typed with care: true apostrophes, no empty texts, no jargon", () => {
    const all = texts({ ...words, alarms, ...later }, "words");
    expect(all.length).toBeGreaterThan(250);
    for (const [path, text] of all) {
      expect(text, path).not.toMatch(/\w'\w|undefined|\[object/);
      expect(text, path).not.toMatch(
        /\b(MLS|epoch|commit|KeyPackage|ciphertext|PRF|token|WebAuthn|credential)\b/i,
      );
    }
    const empty = all.filter(([path, text]) => text.trim() === "" && !/\.(empty|ready)$/.test(path));
    expect(empty).toEqual([]);
  });

  it("W8 lists names as people do", () => {
    expect(listed([])).toBe("");
    expect(listed(["Anna"])).toBe("Anna");
    expect(listed(["Anna", "Ben"])).toBe("Anna and Ben");
    expect(listed(["Anna", "Ben", "Carla"])).toBe("Anna, Ben and Carla");
  });
});
