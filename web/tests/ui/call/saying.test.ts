import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { MAX_WAITING, PACE_MS, Saying } from "../../../src/ui/call/saying";

describe("what is said aloud", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("A1 the first at once, and what comes soon after together", () => {
    const said: string[] = [];
    const saying = new Saying((text) => said.push(text));
    saying.say([]);
    expect(said).toEqual([]);
    saying.say(["Ada came."]);
    saying.say(["Ben came."]);
    saying.say(["Ada left."]);
    expect(said).toEqual(["Ada came."]);
    vi.advanceTimersByTime(PACE_MS);
    expect(said).toEqual(["Ada came.", "Ben came. Ada left."]);
    vi.advanceTimersByTime(PACE_MS);
    saying.say(["Ben left."]);
    expect(said).toHaveLength(3);
  });

  it("A2 the same once more is another text, so that it is read again", () => {
    const said: string[] = [];
    const saying = new Saying((text) => said.push(text));
    for (let turn = 0; turn < 3; turn++) {
      saying.say(["Your microphone is off."]);
      vi.advanceTimersByTime(PACE_MS);
    }
    expect(said.map((text) => text.trim())).toEqual(new Array(3).fill("Your microphone is off."));
    expect(said[0]).not.toBe(said[1]);
    expect(said[1]).not.toBe(said[2]);
  });

  it("A3 no more waits than can be listened to, and nothing is said after the end", () => {
    const said: string[] = [];
    const saying = new Saying((text) => said.push(text));
    saying.say(["first"]);
    for (let line = 0; line < 2 * MAX_WAITING; line++) saying.say([`line ${line}.`]);
    vi.advanceTimersByTime(PACE_MS);
    expect(said[1]?.match(/line/g)).toHaveLength(MAX_WAITING);
    saying.say(["never"]);
    saying.close();
    vi.advanceTimersByTime(PACE_MS);
    expect(said).toHaveLength(2);
  });
});
