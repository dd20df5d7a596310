import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Box, GAP, plan } from "../../../src/ui/call/layout";

const SLACK = 0.01;
const inside = (box: Box, width: number, height: number): boolean =>
  box.x >= -SLACK &&
  box.y >= -SLACK &&
  box.x + box.width <= width + SLACK &&
  box.y + box.height <= height + SLACK;
const apart = (a: Box, b: Box): boolean =>
  a.x + a.width + GAP <= b.x + SLACK ||
  b.x + b.width + GAP <= a.x + SLACK ||
  a.y + a.height + GAP <= b.y + SLACK ||
  b.y + b.height + GAP <= a.y + SLACK;
const area = ({ width, height }: Box): number => width * height;
const columns = (count: number, width: number, height: number): number =>
  new Set(plan(count, width, height, false).tiles.map(({ x }) => Math.round(x))).size;

describe("the tiles of a call", () => {
  it("L1 lie in the window, apart from one another, for any number in any window", () => {
    const shapes = fc.tuple(
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 300, max: 3840 }),
      fc.integer({ min: 240, max: 2160 }),
      fc.boolean(),
    );
    fc.assert(
      fc.property(shapes, ([count, width, height, sharing]) => {
        const { tiles, screen } = plan(count, width, height, sharing);
        const all = [...tiles, ...(screen === null ? [] : [screen])];
        expect(tiles).toHaveLength(count);
        expect(screen !== null).toBe(sharing);
        for (const box of all) expect(inside(box, width, height)).toBe(true);
        all.forEach((one, index) => {
          for (const other of all.slice(index + 1)) expect(apart(one, other)).toBe(true);
        });
        // Everybody is as large as everybody else, and nobody is a sliver.
        expect(new Set(tiles.map((tile) => tile.width.toFixed(3))).size).toBe(1);
        expect(tiles[0]!.width / tiles[0]!.height).toBeGreaterThan(0.74);
        expect(tiles[0]!.width / tiles[0]!.height).toBeLessThan(1.78);
        expect(Math.min(tiles[0]!.width, tiles[0]!.height)).toBeGreaterThan(20);
      }),
      { seed: 5, numRuns: 500 },
    );
  });

  it("L2 fill what there is", () => {
    for (const [count, width, height] of [
      [1, 1280, 720],
      [2, 390, 700],
      [4, 1280, 720],
      [6, 390, 700],
      [9, 1600, 900],
      [12, 390, 700],
      [12, 1280, 720],
    ] as const) {
      const used = plan(count, width, height, false).tiles.reduce((sum, tile) => sum + area(tile), 0);
      expect(used / (width * height), `${count} in ${width} × ${height}`).toBeGreaterThan(0.6);
    }
  });

  it("L3 stand above one another on a phone and side by side on a desk", () => {
    expect(columns(2, 390, 700)).toBe(1);
    expect(columns(2, 1280, 700)).toBe(2);
    expect(columns(12, 1280, 700)).toBeGreaterThan(3);
  });

  it("L4 leave a shared screen the most of the window, beside or above the people", () => {
    for (const [width, height] of [
      [390, 700],
      [1280, 700],
      [2560, 1200],
    ] as const) {
      const { screen, tiles } = plan(6, width, height, true);
      // What is shown on it is nearly as large as it could be without anybody beside it.
      const shown = (box: { width: number; height: number }) => Math.min(box.width, (box.height * 16) / 9);
      expect(shown(screen!) / shown({ width, height })).toBeGreaterThan(0.75);
      expect(area(tiles[0]!)).toBeLessThan(area(screen!) / 4);
    }
    expect(plan(3, 390, 700, true).tiles[0]!.y).toBeGreaterThan(290);
    expect(plan(3, 1600, 700, true).tiles[0]!.x).toBeGreaterThan(1000);
  });

  it("L5 of a window that is not there yet are nothing, and not negative", () => {
    for (const { width, height } of plan(3, 0, 0, true).tiles) expect(width + height).toBe(0);
  });
});
