/** Who comes to a call and when, in words; what a person's time means; and the sound. */

import { describe, expect, it } from "vitest";
import type { Asked, RingView } from "../../src/engine/callApi";
import { ringingIn } from "../../src/ui/offline/woken";
import { answerAt, dueWords, isOpen, nextClock, progressWords, stateWords } from "../../src/ui/ring/arrivals";
import { RING_LASTS_S, tones } from "../../src/ui/ring/bell";
import { words } from "../../src/words/words";

const berlin = { locale: "en-GB", timeZone: "Europe/Berlin" };
const NOW = Date.parse("2026-05-20T12:00:00Z");
const MINUTE = 60_000;

const asked = (state: Asked["state"], due: number | null = null): Asked => ({
  accountId: "a",
  name: "Anna",
  state,
  due,
});
const ring = (more: Partial<RingView>): RingView => ({
  ...{ callId: "c", roomId: "r", title: "t", by: "Anna", mine: false, at: NOW, urgency: "now", why: "w" },
  ...{ also: [], asked: [], joining: 0, coming: 0, needed: 2, enough: false, enoughAt: null, write: false },
  ...{ answer: null, rings: true, mayWithdraw: false, mayEnd: false },
  ...more,
});

describe("arrivals", () => {
  it("are counted down, and named by the clock", () => {
    expect(dueWords(NOW + 5 * MINUTE, NOW, berlin)).toBe("in 5 minutes (14:05)");
    // Stamped by the server's clock, which is some milliseconds ahead.
    expect(dueWords(NOW + 5 * MINUTE + 40, NOW, berlin)).toBe("in 5 minutes (14:05)");
    expect(dueWords(NOW + 50_000, NOW, berlin)).toBe("in 1 minute (14:00)");
    expect(dueWords(NOW + 60 * MINUTE, NOW, berlin)).toBe("in 1 hour (15:00)");
    expect(dueWords(NOW + 150 * MINUTE, NOW, berlin)).toBe("in 2 h 30 min (16:30)");
    expect(dueWords(NOW + 24 * 60 * MINUTE, NOW, berlin)).toMatch(/^on Thursday 21 May.* 14:00$/);
  });

  it("that did not come are said so", () => {
    expect(stateWords(asked("later", NOW + 15 * MINUTE), NOW, berlin)).toBe("comes in 15 minutes (14:15)");
    expect(stateWords(asked("later", NOW - MINUTE), NOW, berlin)).toBe("wanted to come at 13:59");
    expect(stateWords(asked("away"), NOW, berlin)).toBe("not reached yet");
  });

  it("add up to what is wanted", () => {
    expect(progressWords(ring({}), NOW, berlin)).toBe("Nobody has joined yet. Wanted: 2.");
    const some = ring({ joining: 1, coming: 2, enoughAt: NOW + 5 * MINUTE });
    expect(progressWords(some, NOW, berlin)).toBe(
      "1 has joined, 1 more to come. Wanted: 2. Enough will be there in 5 minutes (14:05).",
    );
    expect(progressWords(ring({ joining: 2, enough: true }), NOW, berlin)).toBe(
      "2 are there: you can begin.",
    );
  });
});

describe("an answer", () => {
  it("at a time is the next one that this device's clock shows, or the day that was chosen", () => {
    const at = nextClock("17:05", NOW)!;
    expect(new Date(at).getHours()).toBe(17);
    expect(new Date(at).getMinutes()).toBe(5);
    expect(at).toBeGreaterThan(NOW);
    expect(at).toBeLessThanOrEqual(NOW + 25 * 60 * MINUTE);
    const here = new Date(NOW);
    const same = `${String(here.getHours()).padStart(2, "0")}:${String(here.getMinutes()).padStart(2, "0")}`;
    expect(nextClock(same, NOW)! - NOW).toBeGreaterThan(22 * 60 * MINUTE);
    for (const none of ["", "24:00", "7:5", "noon"]) expect(nextClock(none, NOW)).toBeNull();
    const day = { kind: "at", time: new Date("2026-05-23T10:00").getTime() };
    expect(answerAt("2026-05-23T10:00", NOW)).toEqual(day);
    expect(answerAt("2026-05-19T10:00", NOW)).toBeNull();
    expect(answerAt("T", NOW)).toBeNull();
  });

  it("is open until something is said that others can count on", () => {
    expect(isOpen(ring({}))).toBe(true);
    expect(isOpen(ring({ answer: "seen" }))).toBe(true);
    for (const answer of ["joining", "later", "cannot"] as const)
      expect(isOpen(ring({ answer }))).toBe(false);
    expect(isOpen(ring({ mine: true }))).toBe(false);
  });

  it("is what the notification of a woken page depends on", () => {
    expect(ringingIn([])).toEqual(words.woken);
    expect(ringingIn([ring({}), ring({ answer: "cannot" })])).toEqual(words.woken);
    expect(ringingIn([ring({ answer: "later" }), ring({ mine: true })])).toEqual(words.wokenAnswered);
  });
});

it("the sound stops by itself, with the ringing", () => {
  const all = tones();
  expect(all.length).toBe(80);
  expect(Math.max(...all.map(({ at, length }) => at + length))).toBeLessThan(RING_LASTS_S);
  expect(tones(-1)).toEqual([]);
});
