import { describe, expect, it } from "vitest";
import { ROOM_SUITE } from "../../src/mls/suite";
import { Walk } from "./randomWalk";

/** `./run soak` asks for more. */
const STEPS = Number(process.env.COLLEGIUM_WALK_STEPS ?? "45");

describe("a seeded random walk: all members agree after every step, and whoever is gone reads nothing", () => {
  it.each([
    [ROOM_SUITE, "first"],
    [ROOM_SUITE, "second"],
    [ROOM_SUITE, "third"],
    [1, "fourth"],
    [1, "fifth"],
  ])("suite %i, seed %s", (suite, seed) => {
    const walk = new Walk(suite, seed);
    for (let i = 0; i < STEPS; i++) walk.step();
    console.info(`${seed}: ${[...walk.done].map(([name, count]) => `${count} ${name}`).join(", ")}`);
    expect(walk.size).toBeGreaterThan(0);
  });
});
