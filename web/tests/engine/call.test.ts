/** Engines that call one another through a real server and its media unit (E35 to E37); the media itself is the page's. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { KeysMessage } from "../../src/sframe/lines";
import { Device, linkOf } from "./device";
import { House } from "./house";

let house: House;
let anna: Device;
let bert: Device;
let roomId: string;

beforeAll(async () => {
  house = await House.open({ units: 1 });
  anna = await Device.fresh(house);
  await anna.join(house.founderLink(), "Anna");
  await anna.tab.until("online", () => anna.tab.open.connection === "online");
  roomId = await anna.engine.startGroup({ title: "Thursday group" });
  await anna.tab.group("Thursday group");
  await anna.engine.openRoom(roomId);
  const { url } = await anna.engine.createInvite(roomId);
  bert = await Device.fresh(house);
  await bert.join(linkOf(url), "Bert");
  await bert.tab.group("Thursday group");
  await bert.engine.openRoom(roomId);
  await bert.tab.until("ready", () => bert.tab.rooms.get(roomId)?.provisional === false);
}, 60_000);
afterAll(() => house?.close());

/** What stands for the media worker: the keys as they come. */
class Keys {
  readonly said: KeysMessage[] = [];
  readonly #wakes: (() => void)[] = [];
  readonly port: MessagePort;

  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.port = port2;
    port1.onmessage = ({ data }) => {
      this.said.push(data);
      for (const wake of this.#wakes.splice(0)) wake();
    };
  }

  async until(holds: (last: KeysMessage) => boolean): Promise<KeysMessage> {
    for (;;) {
      const last = this.said.at(-1);
      if (last !== undefined && holds(last)) return last;
      await new Promise<void>((wake) => this.#wakes.push(wake));
    }
  }
}

type Epoch = Extract<KeysMessage, { kind: "epoch" }>;
const isEpoch = (one: KeysMessage): one is Epoch => one.kind === "epoch";
const ring = (device: Device) => device.tab.open.rings[0];
const callOf = (device: Device) => device.tab.rooms.get(roomId)?.call ?? null;
const offers = (device: Device) => device.tab.heard.filter(({ kind }) => kind === "offer");

describe("a call", () => {
  let annas: Keys;
  let berts: Keys;

  test("rings everywhere, and its answers are seen by whoever rang", async () => {
    const why = "A client in crisis, I need a second head";
    const callId = await anna.engine.ring({ roomId, urgency: "now", why, wanted: 1 });
    await bert.tab.until("a ring", () => ring(bert)?.rings);
    expect(ring(bert)).toMatchObject({ callId, by: "Anna", why, mine: false, needed: 1 });
    await anna.tab.until("reached", () => ring(anna)?.asked[0]?.state === "reached");
    await bert.engine.ringSeen({ roomId, callId });
    await anna.tab.until("seen", () => ring(anna)?.asked[0]?.state === "seen");
    await bert.engine.answerRing({ roomId, callId, answer: { kind: "in", minutes: 5 } });
    await bert.tab.until("silence", () => ring(bert)?.rings === false);
    await anna.tab.until("an answer", () => ring(anna)?.asked[0]?.state === "later");
    expect(ring(anna)).toMatchObject({ coming: 1, enough: false });
    await bert.engine.answerRing({ roomId, callId, answer: { kind: "joining" } });
    await anna.tab.until("enough", () => ring(anna)?.enough);
  });

  test("e37: its starter commits before the first keys; whoever comes next has the same", async () => {
    annas = new Keys();
    berts = new Keys();
    await anna.engine.enterCall({ roomId, keys: annas.port });
    // At once, before the server has told of this sitting: it is said when it has.
    await anna.engine.callMedia({ mic: true, camera: true, screen: false });
    const first = (await annas.until(isEpoch)) as Epoch;
    await bert.tab.until("a call", () => callOf(bert)?.participants.length === 1);
    await bert.engine.enterCall({ roomId, keys: berts.port });
    const second = (await berts.until(isEpoch)) as Epoch;
    expect(second.epoch).toBe(first.epoch);
    expect(second.baseKey).toEqual(first.baseKey);
    expect(first.baseKey.some((byte) => byte !== 0)).toBe(true);
    expect([...first.leaves.values()].sort()).toEqual([...second.leaves.values()].sort());
    expect(second.ownLeaf).not.toBe(first.ownLeaf);
    await anna.tab.until("both", () => callOf(anna)?.participants.length === 2);
    // As many as were wanted are there: the ring is over for everyone, and nothing rings on.
    for (const device of [anna, bert]) await device.tab.until("no ring", () => ring(device) === undefined);
    const annaThere = () => callOf(bert)?.participants.find(({ name }) => name === "Anna");
    await bert.tab.until("what is on", () => annaThere()?.camera);
    expect(annaThere()).toMatchObject({ mic: true, camera: true, screen: false });
  });

  test("the unit's offers come to the tab that is in it, and to no other", async () => {
    await anna.tab.until("an offer", () => offers(anna).length > 0);
    expect(offers(anna)[0]).toMatchObject({ fresh: true, streams: [] });
    expect(callOf(anna)).toMatchObject({ thisTab: true });
  });

  test("hands, reactions and what is on are seen by the others", async () => {
    const of = (device: Device, name: string) =>
      callOf(device)?.participants.find((one) => one.name === name);
    await bert.engine.callMedia({ mic: true, camera: false, screen: false });
    await anna.tab.until("a microphone", () => of(anna, "Bert")?.mic);
    await bert.engine.raiseHand(true);
    await anna.tab.until("a hand", () => of(anna, "Bert")?.hand);
    await bert.engine.callReact("👏");
    await anna.tab.until("a reaction", () => of(anna, "Bert")?.reaction === "👏");
    await bert.engine.raiseHand(false);
    await anna.tab.until("no hand", () => of(anna, "Bert")?.hand === null);
  });

  test("a new epoch gives new keys to both", async () => {
    const before = annas.said.findLast(isEpoch)!.epoch;
    await anna.engine.rename({ roomId, title: "Friday group" });
    const [a, b] = (await Promise.all(
      [annas, berts].map((keys) => keys.until((last) => isEpoch(last) && last.epoch > before)),
    )) as [Epoch, Epoch];
    expect(a.baseKey).toEqual(b.baseKey);
  });

  test("who leaves is out of it; the last one's commit supersedes the keys, and the log says who was there", async () => {
    await bert.engine.leaveCall();
    await berts.until(({ kind }) => kind === "end");
    expect(bert.tab.heard.at(-1)).toEqual({ kind: "ended", code: "left" });
    await anna.tab.until("alone", () => callOf(anna)?.participants.length === 1);
    await anna.engine.leaveCall();
    await bert.tab.until("over", () => callOf(bert) === null);
    const line = await bert.tab.until("a line about it", () =>
      bert.tab.rooms.get(roomId)?.items.find((one) => one.kind === "system" && one.code === "call_rung"),
    );
    // Of the ring that led to it, which is over since.
    expect(line).toMatchObject({ by: "Anna", about: "A client in crisis, I need a second head" });
  });
});

test("nobody can: it goes on in writing, with the same words", async () => {
  const callId = await bert.engine.ring({ roomId, urgency: "today", why: "Has anyone an hour?", wanted: 1 });
  await anna.tab.until("a ring", () => ring(anna)?.callId === callId);
  expect(ring(anna)?.rings).toBe(false);
  await anna.engine.answerRing({ roomId, callId, answer: { kind: "cannot" } });
  await bert.tab.until(
    "the offer to write",
    () => bert.tab.open.rings.find((one) => one.callId === callId)?.write,
  );
  await bert.engine.writeInstead({ roomId, callId });
  await anna.tab.post(roomId, "Has anyone an hour?");
  await anna.tab.until("no ring", () => anna.tab.open.rings.every((one) => one.callId !== callId));
});

test("a meeting is planned, moved, answered and cancelled by anyone", async () => {
  const start = `${new Date().getUTCFullYear() + 1}-03-02T18:00`;
  const weekday = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"][new Date(`${start}Z`).getUTCDay()];
  const plan = {
    title: "Consultation",
    start,
    zone: "Europe/Lisbon",
    minutes: 90,
    rule: `FREQ=WEEKLY;INTERVAL=2;BYDAY=${weekday}`,
  };
  const meetingId = await anna.engine.planMeeting({ roomId, plan });
  const low = Date.parse(`${start}Z`) - 86_400_000;
  const seen = () => bert.engine.meetings({ roomId, low, high: low + 40 * 86_400_000 });
  await bert.tab.until("the log", () => bert.tab.open.groups.length === 1);
  const times = async (count: number) => {
    for (;;) {
      const found = await seen();
      if (found.length === count) return found;
      await new Promise((done) => setTimeout(done, 50));
    }
  };
  const [first, second] = await times(3);
  expect(first).toMatchObject({ meetingId, occurrence: start, minutes: 90, moved: false });
  await bert.engine.answerMeeting({ roomId, meetingId, occurrence: first!.occurrence, coming: "yes" });
  await bert.engine.cancelMeeting({ roomId, meetingId, occurrence: second!.occurrence });
  const left = await times(2);
  expect(left[0]!.people.find(({ mine }) => mine)?.coming).toBe("yes");
  const file = await bert.engine.calendarFile({ roomId, meetingId });
  expect(file).toContain("BEGIN:VCALENDAR");
  expect(file).not.toContain("Friday group");
  await expect(
    anna.engine.planMeeting({ roomId, plan: { ...plan, rule: "FREQ=SECONDLY" } }),
  ).rejects.toMatchObject({ code: "plan_invalid" });
});

test("a ring that comes while somebody leaves the group does not keep them there", async () => {
  bert.network(false);
  await bert.tab.until("no connection", () => bert.tab.open.connection !== "online");
  await bert.engine.leave(roomId);
  await anna.engine.ring({ roomId, urgency: "now", why: "Is anyone there?", wanted: 1 });
  await anna.tab.until("the ring", () => anna.tab.open.rings.some(({ why }) => why === "Is anyone there?"));
  bert.network(true);
  await bert.tab.until("gone", () => bert.tab.open.groups[0]?.state === "left");
});
