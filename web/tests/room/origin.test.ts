import { describe, expect, test } from "vitest";
import { namesOf } from "../../src/room/origin";

const call = new Uint8Array(16).fill(1);
const meeting = new Uint8Array(16).fill(2);

describe("the names by which words about a sitting say what it belonged to", () => {
  test("a ring by its call, and nothing of its words", () => {
    expect(namesOf({ kind: "ring", call, by: new Uint8Array(16), why: "A case" })).toEqual({ ring: call });
  });

  test("an occurrence by the start that its rule gives it, also where it was moved", () => {
    const origin = { kind: "meeting", meeting, occurrence: "2026-03-03T18:00", title: "Circle" } as const;
    expect(namesOf({ ...origin, start: "2026-03-04T19:00" })).toEqual({
      meeting,
      occurrence: "2026-03-03T18:00",
    });
  });

  test("neither: no name", () => {
    expect(namesOf(null)).toEqual({});
  });
});
