import type { Asked, MeetingView, RingView } from "../../../src/engine/callApi";
import { anna, ben, carla, dov, inRoom, me, NOW, open } from "./scenes";
import type { Script } from "./scriptedEngine";

/** Calls that ring and meetings that are planned, in every state. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

type State = Asked["state"];
const asked = (
  person: { accountId: string; name: string },
  state: State,
  due: number | null = null,
): Asked => ({
  accountId: person.accountId,
  name: person.name,
  state,
  due,
});

const ring = (more: Partial<RingView> = {}): RingView => ({
  callId: "ring-1",
  roomId: "room-1",
  title: "Thursday circle",
  by: anna.name,
  mine: false,
  at: NOW - 30_000,
  urgency: "now",
  why: "I come out of a session that frightens me, and the next one begins at three.",
  also: [],
  asked: [
    asked(me, "reached"),
    asked(ben, "seen"),
    asked(carla, "away"),
    asked(dov, "later", NOW + 5 * MINUTE),
  ],
  joining: 0,
  coming: 1,
  needed: 2,
  enough: false,
  enoughAt: null,
  write: false,
  answer: "reached",
  rings: false,
  mayWithdraw: false,
  mayEnd: false,
  ...more,
});

const mine = (more: Partial<RingView> = {}): RingView =>
  ring({
    by: me.name,
    mine: true,
    answer: null,
    mayWithdraw: true,
    mayEnd: true,
    asked: [
      asked(anna, "joining"),
      asked(ben, "later", NOW + 15 * MINUTE),
      asked(carla, "seen"),
      asked(dov, "reached"),
    ],
    joining: 1,
    coming: 2,
    enoughAt: NOW + 15 * MINUTE,
    ...more,
  });

const other = (more: Partial<RingView> = {}): RingView =>
  ring({
    callId: "ring-2",
    by: carla.name,
    urgency: "today",
    at: NOW - 2 * HOUR,
    why: "A report to the insurance that I would rather not write alone. Half an hour is enough.",
    asked: [
      asked(me, "seen"),
      asked(anna, "cannot"),
      asked(ben, "later", NOW + 4 * HOUR),
      asked(dov, "away"),
    ],
    answer: "seen",
    needed: 1,
    enoughAt: NOW + 4 * HOUR,
    ...more,
  });

const person = (
  of: { accountId: string; name: string },
  coming: MeetingView["people"][number]["coming"],
) => ({
  accountId: of.accountId,
  name: of.name,
  mine: of.accountId === me.accountId,
  coming,
});

const meeting = (more: Partial<MeetingView> = {}): MeetingView => ({
  meetingId: "meeting-1",
  occurrence: "2026-05-21T18:00",
  roomId: "room-1",
  group: "Thursday circle",
  title: "Consultation",
  by: anna.name,
  begins: Date.UTC(2026, 4, 21, 17),
  ends: Date.UTC(2026, 4, 21, 18, 30),
  start: "2026-05-21T18:00",
  zone: "Europe/Lisbon",
  minutes: 90,
  rule: "FREQ=WEEKLY;INTERVAL=2",
  moved: false,
  due: false,
  people: [
    person(me, "yes"),
    person(anna, "yes"),
    person(ben, "maybe"),
    person(carla, null),
    person(dov, "no"),
  ],
  ...more,
});

const later = meeting({
  occurrence: "2026-06-04T18:00",
  start: "2026-06-05T20:00",
  begins: Date.UTC(2026, 5, 5, 19),
  ends: Date.UTC(2026, 5, 5, 20, 30),
  moved: true,
  people: [person(me, null), person(anna, null)],
});
const single = meeting({
  meetingId: "meeting-2",
  title: "Whitsun walk, with a long name that says where we meet and what to bring along this time",
  rule: null,
  zone: "Europe/Berlin",
  occurrence: "2026-05-25T10:00",
  start: "2026-05-25T10:00",
  begins: Date.UTC(2026, 4, 25, 8),
  ends: Date.UTC(2026, 4, 25, 12),
  minutes: 240,
  people: [person(me, "no")],
});
const due = meeting({
  occurrence: "2026-05-20T14:38",
  begins: NOW + 8 * MINUTE,
  ends: NOW + 98 * MINUTE,
  due: true,
});
const many = [meeting(), single, later];
const listed: readonly string[] = ["Meetings of this group"];

const ringing = (...rings: RingView[]): Partial<Parameters<typeof open>[0]> => ({ rings });

export const ringScenes: Readonly<Record<string, Script>> = {
  ringing: inRoom({ rings: [ring({ rings: true })] }, ringing(ring({ rings: true }))),
  "ringing-home": { app: open(ringing(ring({ rings: true }))) },
  "ringing-also": {
    app: open(
      ringing(
        ring({
          rings: true,
          also: [
            { by: dov.name, why: "I have the same family in mind, I think. May I say something first?" },
          ],
        }),
      ),
    ),
  },
  "ringing-two": {
    app: open(
      ringing(
        ring({ rings: true }),
        ring({
          rings: true,
          callId: "ring-3",
          roomId: "room-3",
          title: "Balint",
          by: "Dr. Esra Yıldız-Hohenwarter",
        }),
      ),
    ),
  },
  "ringing-time": { app: open(ringing(ring({ rings: true }))), press: ["At a time…"] },
  "ringing-refused": {
    app: open(ringing(ring({ rings: true }))),
    fails: { answerRing: "ring_over" },
    press: ["I can’t"],
  },
  "ring-call": { ...inRoom({}), press: ["Call the group"] },
  "ring-call-missing": { ...inRoom({}), press: ["Call the group", "Call now"] },
  "ring-call-alone": {
    ...inRoom({ members: [{ ...me, devices: 1, founder: true, online: true }] }),
    press: ["Call the group"],
  },
  "ring-mine": inRoom({ rings: [mine()] }, ringing(mine())),
  "ring-mine-enough": inRoom({
    rings: [
      mine({
        enough: true,
        joining: 2,
        asked: [asked(anna, "joining"), asked(ben, "joining"), asked(carla, "cannot"), asked(dov, "away")],
      }),
    ],
  }),
  "ring-mine-write": inRoom({
    rings: [
      mine({
        write: true,
        joining: 0,
        coming: 0,
        enoughAt: null,
        asked: [anna, ben, carla, dov].map((one) => asked(one, "cannot")),
      }),
    ],
  }),
  "ring-withdraw": { ...inRoom({ rings: [mine()] }), press: ["Take the call back"] },
  "ring-answered": inRoom({
    rings: [
      ring({
        answer: "later",
        asked: [
          asked(me, "later", NOW + 15 * MINUTE),
          asked(ben, "joining"),
          asked(carla, "cannot"),
          asked(dov, "later", NOW - MINUTE),
        ],
        joining: 1,
        coming: 3,
        enoughAt: NOW + 15 * MINUTE,
      }),
    ],
  }),
  "ring-several": inRoom({
    rings: [mine(), other(), other({ callId: "ring-4", urgency: "when_you_can", by: ben.name })],
  }),
  "ring-elsewhere": {
    app: open({ ...ringing(mine(), other({ roomId: "room-3", title: "Balint" })), meetings: [due] }),
    path: "/settings",
  },
  "meeting-due": inRoom({ meetings: [due] }, { meetings: [due] }),
  "meetings-home": { app: open({ meetings: [due, ...many] }) },
  "meetings-none": { ...inRoom({}), press: ["Meetings"] },
  meetings: { ...inRoom({ meetings: many }), press: listed },
  "meetings-plan": { ...inRoom({}), press: ["Meetings", "Plan a meeting"] },
  "meetings-plan-zone": { ...inRoom({}), press: ["Meetings", "Plan a meeting", "Another time zone"] },
  "meetings-plan-refused": {
    ...inRoom({}),
    fails: { planMeeting: "plan_invalid" },
    press: ["Meetings", "Plan a meeting", "Plan it"],
  },
  "meetings-move": { ...inRoom({ meetings: many }), press: [...listed, "Move…"] },
  "meetings-cancel": { ...inRoom({ meetings: many }), press: [...listed, "Call off…"] },
  "meetings-cancelled": { ...inRoom({ meetings: many }), press: [...listed, "Call off…", "Call it off"] },
  "meetings-offline": { ...inRoom({ meetings: many }), fails: { meetings: "offline" }, press: listed },
};
