import { describe, expect, it } from "vitest";
import type { Incoming } from "../../../src/calls/connection";
import { CALM_AFTER_MS, HIDE_AFTER_MS, NOTHING, type Steady, steady } from "../../../src/calls/steady";

const track = {} as MediaStreamTrack;
const section = (more: Partial<Incoming> = {}): Incoming => ({
  mid: "4",
  device: "ben",
  kind: "camera",
  track,
  heard: false,
  refused: null,
  ...more,
});
const refusal = (why: "unencrypted" | "swapped" = "unencrypted"): Incoming =>
  section({ refused: { why, who: null } });
const good = section({ heard: true });

describe("what is shown of a section on which refused frames come", () => {
  it("S1 who was never shown is not shown, and the refusal is told once", () => {
    const one = refusal();
    const first = steady(NOTHING, [one], 0);
    expect(first.alarms).toEqual([one]);
    expect(first.shown).toEqual([one]);
    expect(steady(first, [one], 10).alarms).toEqual([]);
  });

  it("S2 who was shown is hidden when no good frame follows, and not before", () => {
    const shown = steady(NOTHING, [good], 0);
    const one = refusal();
    const refused = steady(shown, [one], 100);
    expect(refused.shown[0]).toMatchObject({ heard: true, refused: one.refused });
    expect(refused.due).toBe(100 + HIDE_AFTER_MS);
    expect(steady(refused, [one], 99 + HIDE_AFTER_MS).shown[0]?.heard).toBe(true);
    const hidden = steady(refused, [one], 100 + HIDE_AFTER_MS);
    expect(hidden.shown[0]?.heard).toBe(false);
    expect(hidden.due).toBeNull();
  });

  it("S3 frames that come by turns neither make it flicker nor raise the alarm again", () => {
    let state: Steady = steady(NOTHING, [good], 0);
    let alarms = 0;
    for (let turn = 1; turn <= 1_000; turn++) {
      state = steady(state, [turn % 2 === 0 ? good : refusal()], turn * 20);
      alarms += state.alarms.length;
      expect(state.shown[0]?.heard).toBe(true);
    }
    expect(alarms).toBe(1);
  });

  it("S4 another reason is told as well", () => {
    const first = steady(steady(NOTHING, [good], 0), [refusal()], 20);
    const second = refusal("swapped");
    expect(steady(steady(first, [good], 40), [second], 60).alarms).toEqual([second]);
  });

  it("S5 after a calm time it is forgotten, and told anew when it comes again", () => {
    const refused = steady(steady(NOTHING, [good], 0), [refusal()], 20);
    const again = steady(refused, [good], 40);
    expect(again.due).toBe(20 + CALM_AFTER_MS);
    expect(again.shown[0]).toMatchObject({ heard: true, refused: refused.shown[0]?.refused });
    const calm = steady(again, [good], 20 + CALM_AFTER_MS);
    expect(calm.shown[0]).toEqual(good);
    expect(calm.due).toBeNull();
    expect(steady(calm, [refusal()], 21 + CALM_AFTER_MS).alarms).toHaveLength(1);
  });

  it("S6 under another label nothing is left of it", () => {
    const refused = steady(steady(NOTHING, [good], 0), [refusal()], 20);
    const other = section({ device: "cleo" });
    expect(steady(refused, [other], 30).shown).toEqual([other]);
    expect(steady(refused, [], 30)).toMatchObject({ shown: [], due: null });
  });
});
