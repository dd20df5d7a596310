/** When a device is given the keys of a call, when it must not encrypt, and how the keys go again (E14, E19, E35 to E37). */

import { describe, expect, it } from "vitest";
import { EMPTY, equal, toHex } from "../../../src/bytes/bytes";
import { epoch, exportSecret, type Group } from "../../../src/mls/group";
import { CORE_ROW, CommandError, type Effect, loadRoom, roomRows } from "../../../src/room/core";
import { decodeOne, encode } from "../../../src/wire/cbor";
import { expectConverged, expectMedia, expectStored } from "./invariants";
import { type Device, ROOM, roomOf, World } from "./world";

const baseKeyOf = (group: Group): Uint8Array => exportSecret(group, "SFrame 1.0 Base Key", EMPTY, 32);
const commits = (world: World): number =>
  world.ds.room(ROOM).log.filter(({ entry }) => entry?.kind === "commit").length;
const commitsIn = (effect: Effect) =>
  effect.kind === "send" ? effect.frames.filter((one) => one.t === "send" && one.kind === "commit") : [];
const given = (device: Device): bigint[] =>
  device.effects.flatMap((effect) => (effect.kind === "media" ? [effect.epoch] : []));
const codeOf = (run: () => void): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof CommandError) return error.code;
    throw error;
  }
  return "taken";
};

/** Two people in a call. */
function inCall(seed: string, ...people: string[]): { world: World; devices: Device[] } {
  const world = new World(seed);
  const devices = roomOf(world, ...people);
  world.run(60_000);
  devices[0]!.call(true);
  world.run(2_000);
  for (const one of devices.slice(1)) one.call(false);
  world.run(2_000);
  for (const one of devices) expect(one.sending).toBe(true);
  return { world, devices };
}

/** For one device the log is another from its next entry on, and the one after that shows it (E19). */
function fork(world: World, victim: Device, author: Device): void {
  const next = victim.state!.log.n + 1;
  victim.tamper = (frame) =>
    frame.t === "entry" && frame.n === next ? { ...frame, time: frame.time + 1 } : frame;
  author.post("one");
  world.run(500);
  victim.tamper = null;
  author.post("two");
  world.run(500);
  expect(victim.view().state).toBe("paused");
}

describe("a call begins", () => {
  it("E37 with a commit of its starter, and no key is given before that is merged", () => {
    const world = new World("start");
    const [anna, ben] = roomOf(world, "anna", "ben");
    world.run(60_000);
    const before = epoch(anna!.group);
    const leafKey = anna!.group.tree.leaf(anna!.group.ownLeaf)!.encryptionKey;
    anna!.call(true);
    expect(anna!.state!.staged?.purpose).toEqual({ kind: "before_call" });
    expect(anna!.view().call?.media).toBe("waiting");
    expect(given(anna!)).toEqual([]);
    world.run(2_000);
    expect(given(anna!)).toEqual([before + 1n]);
    expect(anna!.group.tree.leaf(anna!.group.ownLeaf)!.encryptionKey).not.toEqual(leafKey);
    expect(anna!.state!.chores.called).toBe(true);
    // Whoever comes in later has them at once: the epoch is the call's.
    ben!.call(false);
    expect(given(ben!)).toEqual([before + 1n]);
    expect(ben!.keys!.baseKey).toEqual(anna!.keys!.baseKey);
    expect(ben!.keys!.baseKey).toEqual(baseKeyOf(anna!.group));
    expect([anna!, ben!].map(({ keys }) => keys!.ownLeaf)).toEqual([0, 1]);
    expect([...anna!.keys!.leaves]).toEqual(
      [anna!, ben!].map(({ me: { deviceId, accountId } }, leaf) => [leaf, { deviceId, accountId }]),
    );
    world.run(1_000);
    expectConverged(world);
  });

  /** Anna begins a call: the server names her in it, and her commit is on its way. */
  function begunWithoutACommit(seed: string): { world: World; devices: [Device, Device, Device] } {
    const world = new World(seed);
    const devices = roomOf(world, "anna", "ben", "cleo") as [Device, Device, Device];
    world.run(60_000);
    devices[0].meddle = (frame) => (frame.kind === "commit" ? null : frame);
    devices[0].call(true);
    world.run(500);
    return { world, devices };
  }

  it("E37 whoever comes before the starter's commit is there waits for it", () => {
    const { world, devices } = begunWithoutACommit("early second");
    const [anna, ben, cleo] = devices;
    const before = epoch(anna.state!.membership!.group);
    const count = commits(world);
    ben.call(false);
    cleo.call(false);
    world.run(1_000);
    expect([ben.state!.media.stage, given(ben), given(cleo)]).toEqual(["waiting", [], []]);
    anna.meddle = null;
    anna.reconnect();
    world.run(1_000);
    for (const one of devices) expect([given(one), one.told()]).toEqual([[before + 1n], []]);
    world.run(30_000);
    expect(commits(world)).toBe(count + 1);
    expectConverged(world);
  });

  it("E37 where the starter is gone before its commit, one of the others makes it", () => {
    const { world, devices } = begunWithoutACommit("starter gone");
    const [anna, ben, cleo] = devices;
    const before = epoch(ben.state!.membership!.group);
    const count = commits(world);
    ben.call(false);
    cleo.call(false);
    anna.disconnect();
    world.run(3_000);
    expect([given(ben), given(cleo)]).toEqual([[], []]);
    world.run(4_000);
    expect([given(ben), given(cleo)]).toEqual([[before + 1n], [before + 1n]]);
    expect(commits(world)).toBe(count + 1);
  });

  it("E37 a begin that cannot be is waited for once", () => {
    // By a server that says of the call that it began tomorrow.
    const world = new World("tomorrow");
    const [anna, ben] = roomOf(world, "anna", "ben") as [Device, Device];
    world.run(60_000);
    ben.tamper = (frame) =>
      frame.t === "call_state" && frame.since != null
        ? { ...frame, since: world.now + 24 * 3_600_000 }
        : frame;
    anna.call(true);
    world.run(1_000);
    const count = commits(world);
    ben.call(false);
    world.run(60_000);
    expect([ben.sending, commits(world)]).toEqual([true, count + 1]);
    world.run(60_000);
    expect(commits(world)).toBe(count + 1);
  });

  it("E37 anybody's commit does, while this device is level", () => {
    const world = new World("start by another");
    const [anna, ben] = roomOf(world, "anna", "ben");
    world.run(60_000);
    const before = commits(world);
    anna!.meddle = (frame) => (frame.kind === "commit" ? null : frame);
    anna!.call(true);
    ben!.command({ kind: "rename", title: "By Ben" });
    world.run(1_000);
    expect(given(anna!)).toEqual([epoch(ben!.group)]);
    expect(commits(world)).toBe(before + 1);
    expect(anna!.state!.staged).toBe(null);
  });

  it("E37 a commit that is only caught up with does not: it may be from days before", () => {
    const world = new World("start after absence");
    const [anna, ben] = roomOf(world, "anna", "ben");
    world.run(60_000);
    anna!.disconnect();
    ben!.command({ kind: "rename", title: "Long ago" });
    world.run(1_000);
    const before = epoch(ben!.group);
    anna!.call(true);
    anna!.connect();
    world.run(2_000);
    expect(given(anna!)).toEqual([before + 1n]);
  });

  it("who comes in is given no keys of an epoch that may be over", () => {
    const world = new World("not level");
    const [anna, ben] = roomOf(world, "anna", "ben");
    world.run(60_000);
    ben!.disconnect();
    anna!.command({ kind: "rename", title: "Meanwhile" });
    world.run(1_000);
    ben!.call(false);
    expect(given(ben!)).toEqual([]);
    ben!.connect();
    world.run(1_000);
    expect(given(ben!)).toEqual([epoch(anna!.group)]);
  });

  it("a commit of one's own for something else does as well: there is no second one", () => {
    const world = new World("start with an intent");
    const [anna] = roomOf(world, "anna", "ben");
    world.run(60_000);
    const before = commits(world);
    anna!.disconnect();
    anna!.command({ kind: "rename", title: "And a call" });
    anna!.call(true);
    anna!.connect();
    world.run(2_000);
    expect(commits(world)).toBe(before + 1);
    expect(anna!.sending).toBe(true);
  });

  it("a start that is taken back leaves nothing", () => {
    const world = new World("taken back");
    const [anna] = roomOf(world, "anna", "ben");
    world.run(60_000);
    const before = commits(world);
    anna!.disconnect();
    anna!.call(true);
    anna!.hangUp(true);
    expect(anna!.state!.media).toEqual({ stage: "off" });
    anna!.connect();
    world.run(60_000);
    expect(commits(world)).toBe(before);
    expect(given(anna!)).toEqual([]);
    expectConverged(world);
  });

  it("a start that the server refuses is none", () => {
    const world = new World("refused");
    const [anna] = roomOf(world, "anna", "ben");
    world.run(60_000);
    anna!.tamper = (frame) => {
      if (frame.t !== "cursors" || anna!.state!.staged === null) return frame;
      return { t: "refused", room: ROOM, id: anna!.state!.staged.id, code: "not_found", message: "" };
    };
    anna!.meddle = () => null;
    anna!.call(true);
    world.devices[1]!.post("a frame to carry it");
    world.run(2_000);
    expect(anna!.effects).toContainEqual({ kind: "dropped", command: "media_on", code: "not_found" });
    expect(anna!.effects).toContainEqual({ kind: "media_end" });
    expect(anna!.state!.media.stage).toBe("off");
    expect(given(anna!)).toEqual([]);
  });

  it("E24 a newcomer waits until its head is known", () => {
    const world = new World("newcomer in call");
    const [anna] = roomOf(world, "anna", "ben");
    world.run(60_000);
    anna!.call(true);
    const fragment = anna!.invite();
    world.run(2_000);
    const cleo = world.device("cleo");
    // Nothing of Anna's but the commit leaves her device.
    anna!.meddle = (frame) => (frame.kind === "commit" ? frame : null);
    cleo.accept(fragment);
    world.run(5_000);
    expect(cleo.state!.newcomer).not.toBe(null);
    cleo.call(false);
    world.run(100);
    expect(cleo.state!.media.stage).toBe("waiting");
    expect(given(cleo)).toEqual([]);
    world.run(20_000);
    expect(cleo.state!.newcomer).toBe(null);
    expect(cleo.keys!.baseKey).toEqual(anna!.keys!.baseKey);
  });

  it("is refused to whoever may not send, and why is said", () => {
    const world = new World("refusals");
    const [anna, ben, cleo] = roomOf(world, "anna", "ben", "cleo");
    fork(world, ben!, anna!);
    expect(codeOf(() => ben!.command({ kind: "media_on", rekey: false }))).toBe("paused");
    cleo!.disconnect();
    cleo!.command({ kind: "leave" });
    expect(codeOf(() => cleo!.command({ kind: "media_on", rekey: true }))).toBe("leaving");
    cleo!.connect();
    world.run(1_000);
    expect(codeOf(() => cleo!.command({ kind: "media_on", rekey: true }))).toBe("not_a_member");
    expect(codeOf(() => cleo!.command({ kind: "media_off", rekey: true }))).toBe("taken");
    const laptop = world.device("anna", "laptop");
    laptop.recover(anna!.pin());
    expect(codeOf(() => laptop.command({ kind: "media_on", rekey: false }))).toBe("rejoining");
  });
});

describe("a call goes on", () => {
  it("E36 every merge gives the keys of the new epoch, to those alone who are in it", () => {
    const { world, devices } = inCall("switches", "anna", "ben", "cleo");
    const [anna, ben, cleo] = devices as [Device, Device, Device];
    const first = anna.keys!;
    const fragment = anna.invite();
    world.run(1_000);
    const dora = world.device("dora");
    dora.accept(fragment);
    world.run(20_000);
    dora.call(false);
    world.run(1_000);
    for (const one of [anna, ben, cleo, dora]) {
      expect(one.keys!.epoch).toBe(epoch(anna.group));
      expect(one.keys!.leaves.size).toBe(4);
      expect(one.sending).toBe(true);
    }
    const second = anna.keys!;
    expect(second.epoch).toBe(first.epoch + 2n);
    const held = cleo.group;
    anna.command({ kind: "remove_member", accountId: cleo.me.accountId });
    world.run(1_000);
    expect([cleo.keys, cleo.state!.membership, cleo.state!.media.stage]).toEqual([null, null, "off"]);
    expect(cleo.effects.filter(({ kind }) => kind === "media_end").length).toBe(1);
    for (const one of [anna, ben, dora]) {
      expect(one.keys!.epoch).toBe(second.epoch + 1n);
      expect([...one.keys!.leaves.values()].some(({ deviceId }) => equal(deviceId, cleo.me.deviceId))).toBe(
        false,
      );
      expect(one.keys!.baseKey).not.toEqual(second.baseKey);
    }
    // What Cleo's device held is wiped: it gives no key of any epoch.
    for (const { baseKey } of [first, second, anna.keys!]) expect(baseKeyOf(held)).not.toEqual(baseKey);
    expectConverged(world);
  });

  it("E14 nothing is encrypted between a leave and its commit, and who goes is unheard at once", () => {
    const { world, devices } = inCall("hold", "anna", "ben", "cleo");
    const [anna, ben, cleo] = devices as [Device, Device, Device];
    const before = anna.keys!;
    for (const one of [anna, cleo]) one.meddle = (frame) => (frame.kind === "commit" ? null : frame);
    const benLeaf = ben.group.ownLeaf;
    ben.command({ kind: "leave" });
    expect(ben.keys).toBe(null); // at once, whatever the server says
    world.run(3_000);
    for (const one of [anna, cleo]) {
      expect([one.sending, one.gone, one.view().call?.media]).toEqual([false, [benLeaf], "held"]);
      expect(one.keys!.epoch).toBe(before.epoch);
      expectMedia(one);
    }
    for (const one of [anna, cleo]) {
      one.meddle = null;
      one.reconnect();
    }
    world.run(5_000);
    for (const one of [anna, cleo]) {
      expect([one.sending, one.keys!.epoch, one.gone]).toEqual([true, before.epoch + 1n, [benLeaf]]);
      expect([...one.keys!.leaves.keys()]).not.toContain(benLeaf);
    }
    expectConverged(world);
  });

  it("E14 whoever comes in while a leave waits is given nothing before its commit", () => {
    const world = new World("leave first");
    const [anna, ben, cleo] = roomOf(world, "anna", "ben", "cleo");
    world.run(60_000);
    for (const one of [anna!, cleo!]) one.meddle = (frame) => (frame.kind === "commit" ? null : frame);
    ben!.command({ kind: "leave" });
    world.run(1_000);
    const before = epoch(cleo!.group);
    cleo!.call(false);
    world.run(1_000);
    expect(given(cleo!)).toEqual([]);
    for (const one of [anna!, cleo!]) one.meddle = null;
    anna!.reconnect();
    world.run(5_000);
    expect(given(cleo!)).toEqual([before + 1n]);
  });

  it("E19 nothing is encrypted while the room is paused, also not for a new epoch; then both go on", () => {
    const { world, devices } = inCall("pause", "anna", "ben", "cleo");
    const [anna, ben] = devices as [Device, Device, Device];
    const before = ben.keys!;
    fork(world, ben, anna);
    expect([ben.sending, ben.keys!.epoch, ben.gone]).toEqual([false, before.epoch, []]);
    expect(ben.effects.filter(({ kind }) => kind === "media_hold").length).toBe(1);
    ben.command({ kind: "resume" });
    expect([ben.sending, ben.keys!.epoch, toHex(ben.keys!.baseKey)]).toEqual([
      true,
      before.epoch,
      toHex(before.baseKey),
    ]);
    // Once more, and this time the epoch goes on meanwhile.
    world.run(1_000);
    anna.command({ kind: "resume" });
    fork(world, devices[2]!, anna);
    const cleo = devices[2]!;
    anna.command({ kind: "rename", title: "Meanwhile" });
    world.run(2_000);
    expect(epoch(cleo.group)).toBe(before.epoch + 1n);
    expect([cleo.sending, cleo.keys!.epoch]).toEqual([false, before.epoch]);
    cleo.command({ kind: "resume" });
    expect([cleo.sending, cleo.keys!.epoch]).toEqual([true, before.epoch + 1n]);
  });

  it("E39 a copy of this device ends its part; after the rejoin the person comes in again", () => {
    const { world, devices } = inCall("copy", "anna", "ben", "cleo");
    const [, ben] = devices as [Device, Device, Device];
    const copy = new Map(ben.rows);
    ben.post("one");
    world.run(1_000);
    ben.rows = copy;
    ben.crash();
    ben.call(false);
    world.run(5_000);
    expect(ben.told()).toContain("copy ben");
    expect(ben.keys).toBe(null);
    expect(ben.state!.media.stage).toBe("off");
    world.run(30_000);
    expect(ben.state!.stage).toBe("member");
    expect(ben.keys).toBe(null);
    ben.call(false);
    world.run(1_000);
    expect(ben.keys!.epoch).toBe(epoch(ben.group));
    expectConverged(world);
  });

  it("E18 a commit that this device cannot complete ends its part", () => {
    const { world, devices } = inCall("stuck", "anna", "ben", "cleo");
    const [anna, ben, cleo] = devices as [Device, Device, Device];
    // What Anna's path holds for Cleo opens with no key of hers.
    const membership = cleo.state!.membership!;
    const privateTree = new Map([...membership.group.privateTree].map(([at, key]) => [at, key.map(() => 7)]));
    const group = { ...membership.group, privateTree };
    cleo.state = { ...cleo.state!, membership: { ...membership, group } };
    anna.command({ kind: "rename", title: "Renamed" });
    world.run(60);
    expect([cleo.told(), cleo.state!.stage]).toEqual([["stuck anna"], "rejoining"]);
    expect(cleo.state!.membership).not.toBe(null);
    expect([cleo.keys, cleo.state!.media.stage]).toEqual([null, "off"]);
    world.run(60_000);
    expect([cleo.state!.stage, cleo.keys, anna.sending, ben.sending]).toEqual(["member", null, true, true]);
  });

  it("a lost connection changes nothing, and what was missed is caught up with", () => {
    const { world, devices } = inCall("reconnect", "anna", "ben");
    const [anna, ben] = devices as [Device, Device];
    const before = ben.keys!;
    ben.disconnect();
    anna.command({ kind: "rename", title: "Meanwhile" });
    world.run(1_000);
    expect([ben.sending, ben.keys!.epoch]).toEqual([true, before.epoch]);
    ben.connect();
    world.run(1_000);
    expect([ben.sending, ben.keys!.epoch]).toEqual([true, before.epoch + 1n]);
    expect(ben.effects.some(({ kind }) => kind === "media_hold" || kind === "media_end")).toBe(false);
    expectConverged(world);
  });
});

describe("after a call", () => {
  it("E37 the last to leave commits, and nobody else does", () => {
    const { world, devices } = inCall("last", "anna", "ben", "cleo");
    const [anna, ben, cleo] = devices as [Device, Device, Device];
    const { epoch: called, baseKey } = anna.keys!;
    const held = anna.group;
    anna.hangUp(false);
    cleo.hangUp(false);
    world.run(40_000);
    expect(epoch(ben.group)).toBe(called);
    expect([anna.keys, cleo.keys, ben.sending]).toEqual([null, null, true]);
    ben.hangUp(true);
    world.run(1_000);
    for (const one of devices) {
      expect(epoch(one.group)).toBe(called + 1n);
      expect(one.state!.log.maker.deviceId).toEqual(ben.me.deviceId);
      expect(one.state!.chores.called).toBe(false);
    }
    // The exporter of the call's epoch is wiped, and nothing that is left gives its key.
    expect([...held.secrets.exporter].every((byte) => byte === 0)).toBe(true);
    expect(baseKeyOf(held)).not.toEqual(baseKey);
    const before = commits(world);
    world.run(120_000);
    expect(commits(world)).toBe(before);
    expectConverged(world);
  });

  it("E37 the last to leave commits also where the server does not say that nobody is left", () => {
    const { world, devices } = inCall("silent server", "anna", "ben");
    const [anna, ben] = devices as [Device, Device];
    anna.hangUp(false);
    world.run(1_000);
    ben.tamper = (frame) => (frame.t === "call_state" ? null : frame);
    const before = epoch(ben.group);
    ben.hangUp(true);
    world.run(1_500);
    expect(epoch(ben.group)).toBe(before);
    world.run(1_500);
    expect(epoch(ben.group)).toBe(before + 1n);
  });

  it("E37 where the last was killed, one of the others does it after 30 seconds", () => {
    const { world, devices } = inCall("killed", "anna", "ben", "cleo");
    const [anna, ben, cleo] = devices as [Device, Device, Device];
    anna.hangUp(false);
    cleo.hangUp(false);
    world.run(1_000);
    const before = epoch(anna.group);
    const count = commits(world);
    const since = cleo.effects.length;
    ben.crash();
    world.run(29_000);
    expect(epoch(anna.group)).toBe(before);
    world.run(3_000);
    expect(epoch(anna.group)).toBe(before + 1n);
    expect(anna.state!.log.maker.deviceId).toEqual(anna.me.deviceId); // the first by turns
    world.run(60_000);
    expect(commits(world)).toBe(count + 1);
    const sent = cleo.effects.slice(since).flatMap((one) => (one.kind === "send" ? one.frames : []));
    expect(sent.some((frame) => frame.t === "send" && frame.kind === "commit")).toBe(false);
    expectConverged(world);
  });

  it("E37 whoever took itself for the last and was not waits like the others", () => {
    const { world, devices } = inCall("not the last", "anna", "ben");
    const [anna, ben] = devices as [Device, Device];
    const before = epoch(anna.group);
    anna.hangUp(true);
    world.run(1_000);
    ben.crash();
    world.run(20_000);
    expect(epoch(anna.group)).toBe(before);
    world.run(20_000);
    expect(epoch(anna.group)).toBe(before + 1n);
  });

  it("E37 whoever was given keys owes it without any word of the server", () => {
    const world = new World("no word");
    const [anna] = roomOf(world, "anna", "ben");
    world.run(60_000);
    anna!.tamper = (frame) => (frame.t === "call_state" ? null : frame);
    anna!.call(true);
    world.run(2_000);
    expect([anna!.sending, anna!.stored().chores.called]).toEqual([true, true]);
  });

  it("E37 where the first by turns is away, the next one does", () => {
    const { world, devices } = inCall("by turns", "anna", "ben", "cleo");
    const [anna, ben, cleo] = devices as [Device, Device, Device];
    anna.disconnect();
    world.ds.callLeave(ROOM, anna.me.deviceId);
    world.run(120_000);
    for (const one of [ben, cleo]) one.hangUp(false);
    const count = commits(world);
    world.run(50_000);
    expect(commits(world)).toBe(count + 1);
    expect(ben.state!.log.maker.deviceId).toEqual(ben.me.deviceId);
  });

  it("E37 devices that were all killed or offline owe it still when they come back", () => {
    const { world, devices } = inCall("all gone", "anna", "ben", "cleo");
    const count = commits(world);
    for (const one of devices) {
      one.crash();
      expect(one.state!.chores.called).toBe(true);
    }
    world.sleep(3_600_000);
    for (const one of devices) one.connect();
    world.run(60_000);
    expect(commits(world)).toBe(count + 1);
    expectConverged(world);
  });

  it("E37 as long as anybody is in it, nobody commits; who comes in meanwhile takes it over", () => {
    const { world, devices } = inCall("goes on", "anna", "ben", "cleo");
    const [anna, ben, cleo] = devices as [Device, Device, Device];
    const before = epoch(anna.group);
    anna.hangUp(false);
    cleo.hangUp(false);
    world.run(120_000);
    expect(epoch(anna.group)).toBe(before);
    ben.hangUp(false);
    world.run(20_000);
    anna.call(false);
    world.run(120_000);
    expect(epoch(anna.group)).toBe(before);
    anna.hangUp(true);
    world.run(1_000);
    expect(epoch(anna.group)).toBe(before + 1n);
  });

  it("E37 twelve who leave a call that never ends supersede it once, within minutes", () => {
    const people = [
      "anna",
      "ben",
      "cleo",
      "dora",
      "emil",
      "fanny",
      "greta",
      "hans",
      "ida",
      "jan",
      "kim",
      "lea",
    ];
    const { world, devices } = inCall("endless", ...people);
    const before = epoch(devices[0]!.state!.membership!.group);
    const count = commits(world);
    const since = devices.map(({ effects }) => effects.length);
    for (const one of devices) {
      // A server that does not say that anybody has left.
      one.tamper = (frame) => (frame.t === "call_state" ? null : frame);
      one.hangUp(false);
    }
    world.run(4 * 60_000);
    expect(epoch(devices[0]!.state!.membership!.group)).toBe(before);
    world.run(2 * 60_000);
    for (const one of devices) expect(epoch(one.state!.membership!.group)).toBe(before + 1n);
    expect(commits(world)).toBe(count + 1);
    // By turns: the others do not even try.
    const sent = devices.flatMap((one, i) => one.effects.slice(since[i]).flatMap(commitsIn));
    expect(sent).toHaveLength(1);
    world.run(3_600_000);
    expect(commits(world)).toBe(count + 1);
  });

  it("E37 whoever left a call that goes on has its keys for minutes at most", () => {
    const { world, devices } = inCall("goes on without", "anna", "ben", "cleo");
    const [anna, ben, cleo] = devices as [Device, Device, Device];
    const before = epoch(anna.state!.membership!.group);
    const count = commits(world);
    cleo.hangUp(false);
    world.run(6 * 60_000);
    expect(epoch(cleo.state!.membership!.group)).toBe(before + 1n);
    expect(cleo.state!.log.maker.deviceId).toEqual(cleo.me.deviceId);
    expect([anna.keys!.epoch, ben.keys!.epoch]).toEqual([before + 1n, before + 1n]);
    // It was given no keys since: the next ones are not for it to supersede.
    world.run(3_600_000);
    expect(commits(world)).toBe(count + 1);
  });

  it("E37 a call of which a device only heard is superseded after hours", () => {
    const world = new World("heard for hours");
    const [anna, ben] = roomOf(world, "anna", "ben") as [Device, Device];
    world.run(60_000);
    const count = commits(world);
    world.ds.callJoin(ROOM, ben.me.deviceId);
    world.run(5 * 3_600_000);
    expect(commits(world)).toBe(count);
    world.run(2 * 3_600_000);
    expect(commits(world)).toBe(count + 1);
    expect(anna.state!.log.maker.deviceId).toEqual(anna.me.deviceId);
  });

  it("E37 any commit after the call does", () => {
    const { world, devices } = inCall("another commit", "anna", "ben");
    const [anna, ben] = devices as [Device, Device];
    anna.hangUp(false);
    ben.hangUp(false);
    world.run(5_000);
    anna.command({ kind: "rename", title: "Afterwards" });
    world.run(1_000);
    const count = commits(world);
    world.run(120_000);
    expect(commits(world)).toBe(count);
    expectConverged(world);
  });

  it("E37 a commit during the call does not", () => {
    const { world, devices } = inCall("commit within", "anna", "ben", "cleo");
    devices[2]!.hangUp(false);
    world.run(1_000);
    devices[0]!.command({ kind: "rename", title: "Within" });
    world.run(1_000);
    expect(devices.map(({ state }) => state!.chores.called)).toEqual([true, true, true]);
    const count = commits(world);
    for (const one of devices) one.hangUp(false);
    world.run(60_000);
    expect(commits(world)).toBe(count + 1);
  });

  it("a call that the server only names is followed by a commit of whoever heard of it", () => {
    const world = new World("heard of");
    const [anna, ben] = roomOf(world, "anna", "ben");
    world.run(60_000);
    const before = epoch(anna!.group);
    world.ds.callJoin(ROOM, ben!.me.deviceId);
    world.run(1_000);
    expect(anna!.state!.chores.called).toBe(true);
    expectStored(anna!);
    world.ds.callLeave(ROOM, ben!.me.deviceId);
    world.run(60_000);
    expect(epoch(anna!.group)).toBe(before + 1n);
  });
});

describe("what is stored", () => {
  it("E37 says that there was a call, and no more: no base key, and no wish to be in it", () => {
    const { world, devices } = inCall("stored", "anna", "ben");
    const [anna] = devices as [Device, Device];
    const { put } = roomRows(null, anna.state!);
    for (const row of [...Object.values(put).map((row) => encode(row)), ...anna.rows.values()]) {
      for (const key of world.baseKeys.values()) {
        expect(Buffer.from(row).includes(Buffer.from(key))).toBe(false);
      }
    }
    expect(world.baseKeys.size).toBe(1);
    const loaded = anna.stored();
    expect([loaded.media, loaded.chores.called]).toEqual([{ stage: "off" }, true]);
  });

  it("a room that was stored before there were calls loads", () => {
    const world = new World("old store");
    const [anna] = roomOf(world, "anna", "ben");
    const { put } = roomRows(null, anna!.state!);
    const rows = Object.fromEntries(
      Object.entries(put).map(([name, value]) => [name, decodeOne(encode(value), 1 << 26)]),
    );
    const { called: _, ...chores } = (rows[CORE_ROW] as { chores: Record<string, unknown> }).chores;
    const loaded = loadRoom({ ...rows, [CORE_ROW]: { ...(rows[CORE_ROW] as object), chores } });
    expect(loaded.chores).toEqual({ ...anna!.state!.chores, called: false });
  });
});
