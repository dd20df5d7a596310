/** Who is in the room's call, and what they say of themselves by signals (E38). */

import { describe, expect, it } from "vitest";
import type { CallSignal } from "../../../src/room/ephemeral";
import type { CallState } from "../../../src/wire/generated";
import { type Device, ROOM, roomOf, World } from "./world";

function inCall(seed: string, ...people: string[]): { world: World; devices: Device[] } {
  const world = new World(seed);
  const devices = roomOf(world, ...people);
  world.run(60_000);
  devices[0]!.call(true);
  world.run(2_000);
  for (const one of devices.slice(1)) one.call(false);
  world.run(2_000);
  return { world, devices };
}

const sittingOf = (device: Device): Uint8Array => device.view().call!.sitting!;
const say = (device: Device, signal: CallSignal): void => device.command({ kind: "say_in_call", signal });
const media = (sitting: Uint8Array, mic: boolean, camera = false): CallSignal => ({
  kind: "call_media",
  sitting,
  mic,
  camera,
  screen: false,
});
const hand = (sitting: Uint8Array, since: number | null): CallSignal => ({
  kind: "hand",
  sitting,
  on: since !== null,
  since: since ?? 0,
});
/** Of each participant: the hand, and what is on. */
const shown = (device: Device): unknown[] =>
  (device.view().call?.participants ?? []).map((one) => [one.hand, one.mic, one.camera, one.screen]);
const reactions = (device: Device): string[] =>
  device.effects.flatMap((effect) =>
    effect.kind === "heard_in_call" && effect.signal.kind === "call_reaction" ? [effect.signal.emoji] : [],
  );
const signalsOf = (device: Device): number =>
  device.effects.flatMap((effect) =>
    effect.kind === "send" ? effect.frames.filter(({ t }) => t === "ephemeral") : [],
  ).length;

describe("who is in the call", () => {
  it("is shown by the server's word, of the members alone", () => {
    const { world, devices } = inCall("shown", "anna", "ben");
    const [anna, ben] = devices as [Device, Device];
    const { participants, since, sitting, media: mine } = anna.view().call!;
    expect(participants.map(({ accountId }) => accountId)).toEqual([anna.me.accountId, ben.me.accountId]);
    expect([sitting, since, mine]).toEqual([sittingOf(ben), world.ds.room(ROOM).call!.since, "on"]);
    const stranger = {
      device: new Uint8Array(16),
      session: new Uint8Array(16),
      since: 1,
      state: "here",
    } as const;
    const word: CallState = {
      t: "call_state",
      room: ROOM,
      call: sitting,
      since: 1,
      participants: [stranger],
    };
    anna.input({ kind: "frame", frame: word });
    expect(anna.view().call!.participants).toEqual([]);
    ben.hangUp(false);
    anna.hangUp(true);
    world.run(1_000);
    expect([anna.view().call, ben.view().call]).toEqual([null, null]);
  });

  it("is forgotten when the server has sent everything and said nothing of a call", () => {
    const { world, devices } = inCall("silence", "anna", "ben");
    const [anna, ben] = devices as [Device, Device];
    anna.hangUp(false);
    anna.disconnect();
    ben.hangUp(false);
    world.run(1_000);
    expect(anna.view().call!.participants.length).toBe(2); // what it heard last
    anna.connect();
    world.run(1_000);
    expect(anna.view().call).toBe(null);
  });
});

describe("hands and media", () => {
  it("E38 are shown, also to whoever comes later or was away, and after a new epoch", () => {
    const { world, devices } = inCall("hands", "anna", "ben", "cleo");
    const [anna, ben, cleo] = devices as [Device, Device, Device];
    cleo.hangUp(false);
    world.run(1_000);
    const sitting = sittingOf(anna);
    const since = world.now;
    say(anna, media(sitting, true, true));
    say(ben, hand(sitting, since));
    world.run(1_500);
    const expected = [
      [null, true, true, false],
      [since, false, false, false],
    ];
    expect(shown(anna)).toEqual(expected);
    expect(shown(ben)).toEqual(expected);
    cleo.call(false);
    world.run(1_500);
    expect(shown(cleo).slice(0, 2)).toEqual(expected);
    // What was said while Ben was away, he hears when he is back.
    ben.disconnect();
    say(anna, media(sitting, false));
    say(cleo, hand(sitting, since + 1));
    world.run(1_500);
    ben.connect();
    world.run(47_000);
    const later = [
      [null, false, false, false],
      [since, false, false, false],
      [since + 1, false, false, false],
    ];
    for (const one of devices) expect(shown(one)).toEqual(later);
    anna.command({ kind: "rename", title: "A new epoch" });
    say(cleo, hand(sitting, null));
    world.run(2_000);
    for (const one of devices) expect(shown(one)[2]).toEqual([null, false, false, false]);
    expect(shown(anna)[1]).toEqual(later[1]);
  });

  it("E38 are forgotten when a device leaves, and a hand when the sitting ends", () => {
    const { world, devices } = inCall("forgotten", "anna", "ben");
    const [anna, ben] = devices as [Device, Device];
    const sitting = sittingOf(anna);
    say(ben, media(sitting, true));
    say(ben, hand(sitting, world.now));
    world.run(1_500);
    ben.hangUp(false);
    world.run(1_000);
    expect(anna.state!.call.heard.size).toBe(0);
    ben.call(false);
    world.run(2_000);
    expect(shown(anna)[1]).toEqual([null, false, false, false]);
    say(ben, hand(sitting, world.now));
    say(anna, hand(sitting, world.now));
    say(anna, media(sitting, true));
    world.run(2_000);
    // The server begins anew: it is another sitting, with the same people.
    for (const one of devices) world.ds.callLeave(ROOM, one.me.deviceId);
    world.run(100);
    expect([anna.state!.call.heard.size, anna.state!.call.sitting]).toEqual([0, null]);
    for (const one of devices) world.ds.callJoin(ROOM, one.me.deviceId);
    world.run(3_000);
    expect(sittingOf(anna)).not.toEqual(sitting);
    expect(shown(ben)[0]).toEqual([null, true, false, false]);
    expect(shown(anna)[1]).toEqual([null, false, false, false]);
    say(anna, hand(sittingOf(anna), world.now));
    world.run(2_000);
    expect(shown(anna)[0]).toEqual([world.now - 2_000, true, false, false]);
    const { participants } = anna.state!.call.sitting!;
    const frame: CallState = {
      t: "call_state",
      room: ROOM,
      call: new Uint8Array(16),
      since: 1,
      participants,
    };
    anna.input({ kind: "frame", frame });
    expect(shown(anna)[0]).toEqual([null, true, false, false]);
  });

  it("E38 that were lost on the way are said again in the next epoch", () => {
    const { world, devices } = inCall("lost", "anna", "ben");
    const [anna, ben] = devices as [Device, Device];
    ben.tamper = (frame) => (frame.t === "ephemeral" ? null : frame);
    say(anna, media(sittingOf(anna), true));
    world.run(2_000);
    ben.tamper = null;
    expect(shown(ben)[0]).toEqual([null, false, false, false]);
    ben.command({ kind: "rename", title: "A new epoch" });
    world.run(2_000);
    expect(shown(ben)[0]).toEqual([null, true, false, false]);
  });

  it("E38 are said once a second at the most, whatever a person does", () => {
    const { world, devices } = inCall("bounded", "anna", "ben");
    const [anna, ben] = devices as [Device, Device];
    const sitting = sittingOf(anna);
    world.run(10_000);
    const before = signalsOf(anna);
    for (let i = 0; i < 100; i++) {
      say(anna, media(sitting, i % 2 === 0));
      world.run(20);
    }
    world.run(2_000);
    expect(signalsOf(anna) - before).toBeLessThan(10);
    expect(shown(ben)[0]).toEqual([null, false, false, false]);
  });
});

describe("a reaction", () => {
  it("E38 reaches the others in the call once, and a flood of them is neither said nor shown", () => {
    const { world, devices } = inCall("reactions", "anna", "ben");
    const [anna, ben] = devices as [Device, Device];
    const sitting = sittingOf(anna);
    const clap: CallSignal = { kind: "call_reaction", sitting, emoji: "👏" };
    say(anna, clap);
    expect(() => say(anna, clap)).toThrow("too_often");
    world.run(1_000);
    expect([reactions(ben), reactions(anna)]).toEqual([["👏"], []]);
    say(anna, clap);
    world.run(1_000);
    expect(reactions(ben).length).toBe(2);
    // Somebody's device that does not keep to it.
    for (let i = 0; i < 20; i++) {
      anna.state = { ...anna.state!, call: { ...anna.state!.call, reacted: new Map() } };
      say(anna, clap);
      world.run(20);
    }
    world.run(1_000);
    expect(reactions(ben).length).toBeLessThan(6);
  });

  it("E38 is refused, as all signals, to whoever is in no call, and of another sitting counts for nothing", () => {
    const { world, devices } = inCall("refused", "anna", "ben");
    const [anna, ben] = devices as [Device, Device];
    const sitting = sittingOf(anna);
    const other = new Uint8Array(16);
    expect(() => say(anna, { kind: "call_reaction", sitting: other, emoji: "👏" })).toThrow("not_in_call");
    expect(() => say(anna, hand(other, 1))).toThrow("not_in_call");
    expect(() => say(anna, { kind: "call_reaction", sitting, emoji: "no emoji" })).toThrow("emoji");
    // Ben takes this for another sitting, and Anna for nobody who is in it.
    const { call } = ben.state!;
    ben.state = { ...ben.state!, call: { ...call, sitting: { ...call.sitting!, id: other } } };
    say(anna, hand(sitting, world.now));
    say(anna, { kind: "call_reaction", sitting, emoji: "👏" });
    world.run(1_500);
    expect([reactions(ben), ben.state!.call.heard.size]).toEqual([[], 0]);
    anna.hangUp(false);
    expect(() => say(anna, hand(sitting, 1))).toThrow("not_in_call");
    const gone = new World("gone");
    const [alone] = roomOf(gone, "anna");
    expect(() => say(alone!, hand(sitting, 1))).toThrow("not_in_call");
  });
});
