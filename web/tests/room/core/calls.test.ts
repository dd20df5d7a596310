/** Calls and meetings in a room: said, folded alike, shown, given to newcomers (E24), stored (E39). */

import { describe, expect, it } from "vitest";
import { StorageError } from "../../../src/mls/errors";
import type { CallEvent } from "../../../src/room/callBodies";
import { ringView } from "../../../src/room/calls";
import { CommandError, loadRoom, type RoomState } from "../../../src/room/core";
import { RING_WAITS_MS } from "../../../src/room/core/outbox";
import { FOLD_VERSION, FORMER_FOLD_VERSION } from "../../../src/room/fold";
import { occurrences } from "../../../src/room/meetings";
import { accountsOf } from "../../../src/room/roster";
import { withSystem } from "../../../src/room/timeline";
import { decodeOne } from "../../../src/wire/cbor";
import { id } from "../../identity/people";
import { expectConverged, expectStored } from "./invariants";
import { type Device, roomOf, World } from "./world";

const CALL = id("call");
const MEETING = id("meeting");
const SITTING = id("sitting");
const MINUTE = 60_000;
const ring = { call: CALL, urgency: "now" as const, why: "A client does not answer", wanted: 2 };
const plan = {
  ...{ meeting: MEETING, title: "Balint", start: "2027-03-02T18:00", zone: "Europe/Lisbon", minutes: 90 },
  rule: "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU",
};
const RING: CallEvent = { type: "ring", body: ring };
const PLAN: CallEvent = { type: "meeting", body: plan };
const CANCEL: CallEvent = { type: "meeting_cancel", body: { meeting: MEETING } };

const answer = (body: Omit<Extract<CallEvent, { type: "ring_answer" }>["body"], "call">): CallEvent => ({
  type: "ring_answer",
  body: { call: CALL, ...body },
});

function say(device: Device, ...events: readonly CallEvent[]): void {
  for (const event of events) device.command({ kind: "say", event });
}

const rang = (device: Device): number => device.effects.filter(({ kind }) => kind === "rang").length;

function lines(device: Device): readonly string[] {
  return device.view().items.flatMap((item) => (item.kind === "system" ? [item.code] : []));
}

describe("calls and meetings", () => {
  it("a call is shown as what it was called for, also when its ring is over", () => {
    const world = new World("called");
    const [anna, ben] = roomOf(world, "anna", "ben") as [Device, Device];
    const began = world.now;
    const attended = (of: Partial<Extract<CallEvent, { type: "attended" }>["body"]>): CallEvent => ({
      type: "attended",
      body: { sitting: SITTING, began, ended: world.now, ...of },
    });
    const last = () => anna.view().items.at(-1);
    say(anna, RING, { type: "ring_end", body: { call: CALL, outcome: "met" } });
    world.run(1_000);
    say(ben, attended({}));
    world.run(1_000);
    expect(last()).toMatchObject({ code: "call" });
    say(ben, attended({ ring: CALL }));
    // The first word that names something decides.
    say(anna, attended({ ring: id("another call") }));
    world.run(1_000);
    expect(last()).toMatchObject({ code: "call_rung", by: "anna", about: ring.why, detail: "1" });
    expectStored(anna);
    expectConverged(world);
  });

  it("a call of a meeting is shown by its title, and stays so when the meeting is called off", () => {
    const world = new World("met");
    const [anna, ben] = roomOf(world, "anna", "ben") as [Device, Device];
    const occurrence = "2027-03-16T18:00";
    const moved = { meeting: MEETING, occurrence, start: "2027-03-17T18:30", minutes: 60 };
    say(anna, PLAN, { type: "meeting_change", body: moved });
    const span = { began: world.now, ended: world.now };
    say(ben, { type: "attended", body: { sitting: SITTING, ...span, meeting: MEETING, occurrence } });
    world.run(1_000);
    say(anna, CANCEL);
    world.run(1_000);
    const line = ben.view().items.find((one) => one.kind === "system" && one.code === "call_meeting");
    expect(line).toMatchObject({ who: "ben", about: "Balint, 2027-03-17 18:30" });
    expectStored(ben);
  });

  it("a call is rung, answered and met", () => {
    const world = new World("ring");
    const [anna, ben, cleo] = roomOf(world, "anna", "ben", "cleo") as [Device, Device, Device];
    say(anna, RING);
    world.run(1_000);
    expect([rang(anna), rang(ben), rang(cleo)]).toEqual([0, 1, 1]);
    say(ben, answer({ kind: "ringing" }), answer({ kind: "joining" }));
    say(cleo, answer({ kind: "in", minutes: 15 }));
    world.run(1_000);
    expectConverged(world);
    const [open] = cleo.state!.fold.rings;
    const view = ringView(open!, accountsOf(cleo.state!.membership!.roster), world.now);
    expect([view.joining, view.coming, view.needed, view.enough]).toEqual([1, 2, 2, false]);
    say(ben, { type: "ring_end", body: { call: CALL, outcome: "met" } });
    world.run(1_000);
    expect(anna.state!.fold.rings).toEqual([]);
    expectConverged(world);
  });

  it("what happens is told in lines", () => {
    const world = new World("lines");
    const [anna, ben] = roomOf(world, "anna", "ben") as [Device, Device];
    const began = world.now - 42 * MINUTE;
    say(anna, RING, { type: "ring_end", body: { call: CALL, outcome: "withdrawn" } }, PLAN);
    const moved = { occurrence: "2027-03-16T18:00", start: "2027-03-17T18:30", minutes: 60 };
    say(anna, { type: "meeting_change", body: { meeting: MEETING, ...moved } });
    world.run(1_000);
    say(ben, { type: "meeting_cancel", body: { meeting: MEETING, occurrence: "2027-03-30T18:00" } }, CANCEL);
    say(ben, { type: "attended", body: { sitting: SITTING, began, ended: world.now } }, CANCEL);
    say(anna, { type: "attended", body: { sitting: SITTING, began: began + MINUTE, ended: world.now } });
    world.run(1_000);
    for (const one of [anna, ben]) {
      expect(lines(one).slice(-7)).toEqual([
        "rang",
        "rang_off",
        "meeting",
        "meeting_moved",
        "meeting_cancelled",
        "meeting_ended",
        "call",
      ]);
      expectStored(one);
    }
    const shown = anna.view().items.at(-1);
    expect(shown).toMatchObject({ kind: "system", code: "call", detail: "42" });
    expect(shown?.kind === "system" && shown.who.split(", ").sort()).toEqual(["anna", "ben"]);
    expectConverged(world);
  });

  it("E24 a newcomer is given what rings and what is planned", () => {
    const world = new World("newcomer");
    const [anna, ben] = roomOf(world, "anna", "ben") as [Device, Device];
    say(anna, RING, PLAN);
    world.run(1_000);
    say(ben, answer({ kind: "joining" }));
    say(ben, { type: "meeting_answer", body: { meeting: MEETING, coming: "yes" } });
    world.run(1_000);
    const cleo = world.device("cleo");
    cleo.accept(anna.invite());
    world.run(30_000);
    expect(cleo.state!.fold.rings).toEqual(anna.state!.fold.rings);
    expect(cleo.state!.fold.rings).toHaveLength(1);
    const { meetings } = cleo.state!.fold;
    const march = [Date.UTC(2027, 2, 1), Date.UTC(2027, 2, 10)] as const;
    expect(occurrences(meetings, ...march).map(({ start }) => start)).toEqual(["2027-03-02T18:00"]);
    say(cleo, answer({ kind: "cannot" }));
    world.run(1_000);
    expectConverged(world);
  });

  it("who leaves rings and comes no more", () => {
    const world = new World("leaves");
    const [anna, ben] = roomOf(world, "anna", "ben", "cleo") as [Device, Device];
    say(ben, RING, PLAN, { type: "meeting_answer", body: { meeting: MEETING, coming: "yes" } });
    world.run(1_000);
    ben.command({ kind: "leave" });
    world.run(30_000);
    expect(anna.state!.fold.rings).toEqual([]);
    expect(anna.state!.fold.meetings[0]!.answers).toEqual([]);
    expectConverged(world);
  });

  it.each([
    [RING_WAITS_MS - MINUTE, 1],
    [RING_WAITS_MS, 0],
  ])("a ring that could not be sent for %i ms", (away, sent) => {
    const world = new World("late");
    const [anna, ben] = roomOf(world, "anna", "ben") as [Device, Device];
    anna.disconnect();
    say(anna, RING, PLAN);
    world.run(away);
    anna.connect();
    world.run(5_000);
    expect(ben.state!.fold.rings).toHaveLength(sent);
    expect(ben.state!.fold.meetings).toHaveLength(1);
    const dropped = anna.effects.filter(({ kind }) => kind === "dropped");
    expect(dropped).toEqual(sent ? [] : [{ kind: "dropped", command: "say", code: "ring_late" }]);
    expectConverged(world);
  });

  it("nothing out of bounds is said", () => {
    const world = new World("bounds");
    const [anna] = roomOf(world, "anna") as [Device];
    for (const event of [
      { type: "ring", body: { ...ring, why: "" } },
      { type: "ring", body: { ...ring, wanted: 12 } },
      { type: "meeting", body: { ...plan, start: "2027-03-03T18:00" } },
      { type: "meeting", body: { ...plan, zone: "../etc" } },
      answer({ kind: "in", minutes: 7 }),
    ] as const) {
      expect(() => say(anna, event)).toThrow(new CommandError("out_of_bounds"));
    }
  });
});

describe("the former version", () => {
  /** A stored room as the former program had it: its fold knew neither rings nor meetings. */
  function former(device: Device, changes: Record<string, unknown> = {}): RoomState {
    const rows = Object.fromEntries([...device.rows].map(([name, row]) => [name, decodeOne(row, 2 ** 24)]));
    const core = rows.core as Record<string, unknown>;
    const { rings: _, meetings: __, ...fold } = core.fold as Record<string, unknown>;
    const before = { ...core, format: 1, fold: { ...fold, version: FORMER_FOLD_VERSION }, ...changes };
    return loadRoom({ ...rows, core: before });
  }

  it("E39 a room that it stored is read", () => {
    const world = new World("former store");
    const [anna] = roomOf(world, "anna", "ben") as [Device];
    anna.post("Hello");
    world.run(1_000);
    const loaded = former(anna);
    expect(loaded.fold).toEqual(anna.state!.fold);
    expect(loaded.fold.version).toBe(FOLD_VERSION);
    expect(loaded.whole).toBe(true);
  });

  it("E23 what it passed without knowing it is missing from the fold", () => {
    const world = new World("former unread");
    const [anna] = roomOf(world, "anna", "ben") as [Device];
    const { timeline } = anna.state!;
    const line = { id: id("unknown"), n: 9, at: world.now, who: null, by: null, detail: "" };
    anna.state = { ...anna.state!, timeline: withSystem(timeline, { ...line, code: "newer_version" }) };
    anna.post("Hello");
    world.run(1_000);
    expect(anna.stored().whole).toBe(true);
    expect(former(anna).whole).toBe(false);
  });

  it("E39 a store of another program is refused", () => {
    const world = new World("other store");
    const [anna] = roomOf(world, "anna") as [Device];
    for (const format of [0, 3]) expect(() => former(anna, { format })).toThrow(StorageError);
  });

  it("E24 a state of it is taken and confirmed, and confirms nothing", () => {
    const world = new World("former state");
    const [anna, ben] = roomOf(world, "anna", "ben") as [Device, Device];
    // Anna's program is the former one: what it posts has neither rings nor meetings.
    const old = (state: RoomState): RoomState => ({
      ...state,
      fold: { ...state.fold, version: FORMER_FOLD_VERSION, meetings: [] },
    });
    anna.state = old(anna.state!);
    say(ben, PLAN);
    world.run(1_000);
    anna.state = old(anna.state!);
    const cleo = world.device("cleo");
    cleo.accept(anna.invite());
    world.run(90_000);
    expect(cleo.state!.newcomer).toBeNull();
    expect(cleo.state!.fold.version).toBe(FOLD_VERSION);
    expect(cleo.told()).toEqual([]);
    // Ben has confirmed the part that the former version knew.
    expect(cleo.state!.provisional).toBeNull();
    // Of the rest Cleo has no word, so its state is given to nobody.
    expect(cleo.state!.whole).toBe(false);
    expect(cleo.state!.fold.meetings).toEqual([]);
    expect(ben.state!.whole).toBe(true);
  });
});
