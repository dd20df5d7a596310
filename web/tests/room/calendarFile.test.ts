/** The calendar file, read back by a library that knows RFC 5545 whole: the same instants, and nothing of what is said. */

import ICAL from "ical.js";
import { describe, expect, it } from "vitest";
import { utf8 } from "../../src/bytes/bytes";
import { calendarFile } from "../../src/room/calendarFile";
import type { MeetingEvent } from "../../src/room/callBodies";
import { foldMeeting, type Meetings, occurrences } from "../../src/room/meetings";
import type { Meeting } from "../../src/wire/generated";
import { id } from "../identity/people";

const ORIGIN = "https://collegium.example.org";
const ID = id("meeting");
const NOW = Date.UTC(2026, 2, 1, 12);
const DAY = 86_400_000;

function planned(changes: Partial<Meeting> = {}, ...more: readonly MeetingEvent[]): Meetings {
  const body: Meeting = {
    meeting: ID,
    title: "Case of Mr. Miller",
    start: "2026-03-03T18:00",
    zone: "Europe/Lisbon",
    minutes: 60,
    rule: "FREQ=WEEKLY;BYDAY=TU",
    ...changes,
  };
  return [{ type: "meeting", body } as const, ...more].reduce<Meetings>(
    (all, event, i) => foldMeeting(all, id("account"), i + 1, NOW, event),
    [],
  );
}

const moved: MeetingEvent = {
  type: "meeting_change",
  body: { meeting: ID, occurrence: "2026-04-07T18:00", start: "2026-04-08T19:30", minutes: 90 },
};
const cancelled: MeetingEvent = {
  type: "meeting_cancel",
  body: { meeting: ID, occurrence: "2026-10-06T18:00" },
};

/** The instants at which something begins, with its length in minutes, by the file's own VTIMEZONE alone. */
function readBack(text: string, high: number): readonly (readonly [number, number])[] {
  const calendar = new ICAL.Component(ICAL.parse(text));
  ICAL.TimezoneService.reset();
  for (const zone of calendar.getAllSubcomponents("vtimezone")) ICAL.TimezoneService.register(zone);
  const events = calendar.getAllSubcomponents("vevent").map((one) => new ICAL.Event(one));
  const found: [number, number][] = [];
  for (const event of events.filter((one) => !one.isRecurrenceException())) {
    for (const other of events) if (other.isRecurrenceException()) event.relateException(other);
    const all = event.iterator();
    for (let next = all.next(); next; next = all.next()) {
      const { startDate, item } = event.getOccurrenceDetails(next);
      if (startDate.toUnixTime() * 1000 >= high) break;
      found.push([startDate.toUnixTime() * 1000, item.duration.toSeconds() / 60]);
      if (!event.isRecurring()) break;
    }
  }
  return found.sort(([a], [b]) => a - b);
}

describe("the calendar file", () => {
  const rules = [
    "FREQ=WEEKLY;BYDAY=TU",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,FR;COUNT=30",
    "FREQ=WEEKLY;UNTIL=20261103",
    "FREQ=MONTHLY;BYDAY=1TU",
    "FREQ=DAILY;COUNT=200",
  ];
  const zones = ["Europe/Lisbon", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"];
  for (const zone of zones) {
    it.each(rules)(`is read as what takes place: ${zone}, %s`, (rule) => {
      const meetings = planned({ zone, rule }, moved, cancelled);
      const high = NOW + 300 * DAY;
      const expected = occurrences(meetings, NOW, high).map(({ begins: at, minutes }) => [at, minutes]);
      expect(expected.length).toBeGreaterThan(5);
      expect(readBack(calendarFile(meetings, ORIGIN), high)).toEqual(expected);
    });
  }

  it("is read as what takes place where another meeting takes the place of the rest", () => {
    const next: MeetingEvent = {
      type: "meeting",
      body: {
        ...{ meeting: id("next"), title: "B", start: "2026-07-08T17:00", zone: "Europe/Lisbon", minutes: 45 },
        ...{ rule: "FREQ=WEEKLY;BYDAY=WE", follows: ID, since: "2026-07-07T18:00" },
      },
    };
    const meetings = planned({}, next);
    const high = NOW + 200 * DAY;
    const expected = occurrences(meetings, NOW, high).map(({ begins: at, minutes }) => [at, minutes]);
    expect(new Set(expected.map(([, minutes]) => minutes))).toEqual(new Set([60, 45]));
    expect(readBack(calendarFile(meetings, ORIGIN), high)).toEqual(expected);
  });

  it("names nothing of what is said, in lines that every program takes", () => {
    const text = calendarFile(planned({}, moved), ORIGIN);
    expect(text).not.toContain("Miller");
    expect(text.match(/https?:\/\/\S+/g)?.every((one) => one === ORIGIN)).toBe(true);
    const lines = text.split("\r\n");
    expect(lines.at(-1)).toBe("");
    expect(lines.every((line) => utf8(line).length <= 75 && !/[\r\n]/.test(line))).toBe(true);
    const properties = new Set(lines.map((line) => line.split(/[:;]/)[0]));
    for (const told of ["DESCRIPTION", "LOCATION", "ATTENDEE", "ORGANIZER", "COMMENT"]) {
      expect(properties.has(told)).toBe(false);
    }
  });

  it("folds a long address between characters", () => {
    const origin = `https://${"ü".repeat(60)}.example.org`;
    const text = calendarFile(planned(), origin);
    expect(text.split("\r\n").every((line) => utf8(line).length <= 75)).toBe(true);
    expect(text.replaceAll("\r\n ", "")).toContain(`URL:${origin}\r\n`);
  });

  it("has a single meeting in UTC, and nothing of one that is cancelled", () => {
    const once = planned({ rule: null, start: "2026-07-07T18:00" });
    expect(calendarFile(once, ORIGIN)).toContain("DTSTART:20260707T170000Z\r\n");
    expect(calendarFile(once, ORIGIN)).not.toContain("VTIMEZONE");
    const off: MeetingEvent = {
      type: "meeting_cancel",
      body: { meeting: ID, occurrence: "2026-07-07T18:00" },
    };
    expect(calendarFile(planned({ rule: null, start: "2026-07-07T18:00" }, off), ORIGIN)).not.toContain(
      "VEVENT",
    );
  });

  it("leaves out what is planned in a zone that this machine does not know", () => {
    expect(calendarFile(planned({ zone: "Europe/Nowhere" }), ORIGIN)).not.toContain("VEVENT");
  });
});
