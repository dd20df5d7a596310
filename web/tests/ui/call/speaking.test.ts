import { describe, expect, it } from "vitest";
import { loudness } from "../../../src/ui/call/level";
import { listen, SILENCE, type Voices } from "../../../src/ui/call/speaking";

const levels = (all: Record<string, number>): Map<string, number> => new Map(Object.entries(all));
const heardAfter = (...looks: Record<string, number>[]): Voices =>
  looks.reduce<Voices>((voices, look) => listen(voices, levels(look)), SILENCE);

describe("who speaks", () => {
  it("S1 is marked at the first loud look, and nobody who is quiet", () => {
    expect([...heardAfter({ ada: 0.2, ben: 0.001 }).speaking]).toEqual(["ada"]);
  });

  it("S2 stays marked between two words, and not for long after the last", () => {
    expect(heardAfter({ ada: 0.2 }, { ada: 0 }, { ada: 0 }).speaking.has("ada")).toBe(true);
    const quiet = Array.from({ length: 15 }, () => ({ ada: 0 }));
    expect(heardAfter({ ada: 0.2 }, ...quiet).speaking.has("ada")).toBe(false);
  });

  it("S3 a level at the border does not flicker", () => {
    expect(
      heardAfter({ ada: 0.03 }, { ada: 0.012 }, { ada: 0.012 }, { ada: 0.012 }).speaking.has("ada"),
    ).toBe(true);
    expect(heardAfter({ ada: 0.012 }).speaking.has("ada")).toBe(false);
  });

  it("S4 whoever is gone is forgotten", () => {
    expect(heardAfter({ ada: 0.5, ben: 0.5 }, { ben: 0.5 }).levels.has("ada")).toBe(false);
  });
});

describe("the level of a microphone", () => {
  it("S5 goes from nothing to full on a scale that shows quiet speech", () => {
    expect(loudness(new Float32Array(1024))).toBe(0);
    expect(loudness(new Float32Array(1024).fill(1))).toBe(1);
    expect(loudness(new Float32Array(1024).fill(0.01))).toBeCloseTo(1 / 3);
    expect(loudness(new Float32Array(1024).fill(1e-9))).toBe(0);
  });
});
