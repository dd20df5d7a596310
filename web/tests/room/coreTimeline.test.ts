import { describe, expect, it } from "vitest";
import {
  EMPTY_TIMELINE,
  findPost,
  itemCount,
  latest,
  SEGMENT_ITEMS,
  type Timeline,
  unreadAbove,
  withSaid,
  withSystem,
} from "../../src/room/timeline";

const id = (n: number): Uint8Array => Uint8Array.from({ length: 16 }, (_, i) => (n >> (8 * (i % 4))) & 0xff);
const ANNA = id(1_000_001);
const BEN = id(1_000_002);

function posts(count: number): Timeline {
  let timeline = EMPTY_TIMELINE;
  for (let n = 1; n <= count; n++) {
    timeline = withSaid(timeline, { kind: "post", id: id(n), text: `${n}`, replyTo: null }, ANNA, n, n * 10);
  }
  return timeline;
}

describe("the timeline", () => {
  it("is kept in segments, and one change touches one of them", () => {
    const before = posts(2 * SEGMENT_ITEMS + 10);
    expect(before.map((segment) => segment.length)).toEqual([SEGMENT_ITEMS, SEGMENT_ITEMS, 10]);
    const after = withSaid(before, { kind: "edit", target: id(3), text: "three" }, ANNA, 600, 6_000);
    expect(after[0]).not.toBe(before[0]);
    expect(after[1]).toBe(before[1]);
    expect(after[2]).toBe(before[2]);
    expect(findPost(after, id(3))).toMatchObject({ text: "three", editedAt: 6_000, n: 3 });
  });

  it("only authors edit and delete; what is deleted stays so", () => {
    let timeline = posts(2);
    timeline = withSaid(timeline, { kind: "edit", target: id(1), text: "not mine" }, BEN, 3, 3);
    timeline = withSaid(timeline, { kind: "delete", target: id(1) }, BEN, 4, 4);
    expect(findPost(timeline, id(1))).toMatchObject({ text: "1", deleted: false });
    timeline = withSaid(timeline, { kind: "react", target: id(1), emoji: "👍", on: true }, BEN, 5, 5);
    timeline = withSaid(timeline, { kind: "delete", target: id(1) }, ANNA, 6, 6);
    timeline = withSaid(timeline, { kind: "edit", target: id(1), text: "again" }, ANNA, 7, 7);
    expect(findPost(timeline, id(1))).toMatchObject({ text: "", deleted: true, reactions: [] });
  });

  it("a reaction counts once for each account", () => {
    let timeline = posts(1);
    const react = (who: Uint8Array, on: boolean): void => {
      timeline = withSaid(timeline, { kind: "react", target: id(1), emoji: "👍", on }, who, 2, 2);
    };
    react(ANNA, true);
    react(ANNA, true);
    react(BEN, true);
    expect(findPost(timeline, id(1))!.reactions).toEqual([{ emoji: "👍", who: [ANNA, BEN] }]);
    react(ANNA, false);
    react(ANNA, false);
    react(BEN, false);
    expect(findPost(timeline, id(1))!.reactions).toEqual([]);
  });

  it("the same post does not come twice, and what is about nothing changes nothing", () => {
    const before = posts(3);
    expect(withSaid(before, { kind: "post", id: id(2), text: "other", replyTo: null }, BEN, 9, 9)).toBe(
      before,
    );
    expect(withSaid(before, { kind: "delete", target: id(77) }, ANNA, 9, 9)).toBe(before);
  });

  it("counts and gives the latest", () => {
    const line = { id: id(900), n: 900, at: 1, code: "renamed", who: null, by: ANNA, detail: "" } as const;
    const timeline = withSystem(posts(SEGMENT_ITEMS + 5), line);
    expect(itemCount(timeline)).toBe(SEGMENT_ITEMS + 6);
    expect(itemCount(EMPTY_TIMELINE)).toBe(0);
    expect(latest(timeline, 8).map(({ n }) => n)).toEqual([249, 250, 251, 252, 253, 254, 255, 900]);
    expect(latest(timeline, 10_000).length).toBe(SEGMENT_ITEMS + 6);
    expect(unreadAbove(timeline, 200, BEN)).toBe(55);
    expect(unreadAbove(timeline, 200, ANNA)).toBe(0);
  });
});
