import { describe, expect, it } from "vitest";
import { ROOM_SUITE } from "../../src/mls/suite";
import { Walk } from "./randomWalk";

/** `./run soak` walks further. */
const SOAK = process.env.COLLEGIUM_SOAK === "1";
const STEPS = SOAK ? 600 : 40;

describe("a seeded random walk: all members agree after every step, and whoever is gone reads nothing", () => {
  it.each([
    [ROOM_SUITE, "first"],
    [ROOM_SUITE, "second"],
    [ROOM_SUITE, "third"],
    [1, "fourth"],
    [1, "fifth"],
  ])(
    "suite %i, seed %s",
    (suite, seed) => {
      const walk = new Walk(suite, seed);
      for (let i = 0; i < STEPS; i++) walk.step();
      console.info(`${seed}: ${[...walk.done].map(([name, count]) => `${count} ${name}`).join(", ")}`);
      expect(walk.size).toBeGreaterThan(0);
    },
    SOAK ? 3_600_000 : 300_000,
  );
});
