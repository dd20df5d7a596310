/** Devices that were away for long, and what newcomers are told (E10, E23, E24). */

import { describe, expect, it } from "vitest";
import { toHex } from "../../../src/bytes/bytes";
import { epoch } from "../../../src/mls/group";
import { expectConverged } from "./invariants";
import { HOUR, ROOM, roomOf, World } from "./world";

const DAY = 24 * HOUR;

describe("a long absence", () => {
  it("E23 a commit that was deleted unread: the device asks to be added again, and comes back", () => {
    const world = new World("lost commit");
    const [anna, ben] = roomOf(world, "anna", "ben");
    ben!.disconnect();
    anna!.command({ kind: "rename", title: "Renamed" });
    world.run(1_000);
    anna!.post("not kept");
    world.run(1_000);
    world.ds.collect(ROOM, anna!.state!.log.n);
    anna!.post("kept");
    world.run(1_000);
    ben!.connect();
    ben!.post("written while away");
    world.run(60_000);
    expect(ben!.view().title).toBe("Renamed");
    expect(anna!.texts()).toEqual(["not kept", "kept", "written while away"]);
    expect(ben!.texts()).toEqual(["written while away"]);
    expect([...anna!.told(), ...ben!.told()]).toEqual([]);
    expectConverged(world);
  });

  it("E23 the same when nothing follows the commit that was deleted", () => {
    const world = new World("lost last commit");
    const [anna, ben] = roomOf(world, "anna", "ben");
    ben!.disconnect();
    anna!.command({ kind: "rename", title: "Renamed" });
    world.run(1_000);
    world.ds.collect(ROOM, anna!.state!.log.n);
    ben!.connect();
    world.run(60_000);
    expect(ben!.view().title).toBe("Renamed");
    expectConverged(world);
  });

  it("E22 a newcomer whom a recovered device cannot know does not answer it for ever", () => {
    // The pin list is from before Dora came, and her leaf is the first.
    const world = new World("stranger first");
    const [anna, ben, cleo] = roomOf(world, "anna", "ben", "cleo");
    const pin = cleo!.pin();
    cleo!.disconnect();
    anna!.command({ kind: "leave" });
    world.run(10_000);
    const fragment = ben!.invite();
    world.run(1_000);
    const dora = world.device("dora");
    dora.accept(fragment);
    world.run(20_000);
    expect(dora.state!.membership!.group.ownLeaf).toBe(0);
    const tablet = world.device("cleo", "tablet");
    tablet.recover(pin);
    world.run(60_000);
    // E25: she may be whoever the server likes.
    expect([tablet.state!.stage, tablet.told()]).toEqual(["rejoining", ["welcome"]]);
    expect(ben!.state!.log.maker.accountId).toEqual(dora.me.accountId);
    world.run(6 * HOUR);
    expect(tablet.state!.stage).toBe("member");
    expect(ben!.state!.log.maker.deviceId).toEqual(ben!.me.deviceId);
    expectConverged(world);
  });

  it("E22 whoever asks again is answered by their own other device first", () => {
    const world = new World("own first");
    const [, , cleo] = roomOf(world, "anna", "ben", "cleo");
    const tablet = world.device("cleo", "tablet");
    tablet.recover(cleo!.pin());
    world.run(10_000);
    expect(tablet.state!.stage).toBe("member");
    expect(cleo!.state!.log.maker.deviceId).toEqual(cleo!.me.deviceId);
    expectConverged(world);
  });

  it("E10 a device whose certificate has run out is removed; nothing happens before", () => {
    const world = new World("expired");
    const [anna, ben, cleo] = roomOf(world, "anna", "ben", "cleo");
    cleo!.disconnect();
    world.sleep(160 * DAY);
    expect(anna!.view().members.length).toBe(3);
    world.sleep(25 * DAY);
    expect(anna!.view().members.map(({ name }) => name)).toEqual(["anna", "ben"]);
    cleo!.connect();
    world.run(5_000);
    expect(cleo!.state!.stage).toBe("removed");
    expect(ben!.told()).toEqual([]);
    expectConverged(world);
  });

  it("E10 a device whose own clock is a day ahead removes nobody, and is understood", () => {
    const world = new World("clock");
    const [anna, ben] = roomOf(world, "anna", "ben");
    ben!.reconnect();
    ben!.clockOff = DAY;
    ben!.command({ kind: "rename", title: "From the future" });
    ben!.post("tomorrow");
    world.run(2_000);
    expect(anna!.view().title).toBe("From the future");
    expect(anna!.texts()).toEqual(["tomorrow"]);
    expect(anna!.told()).toEqual([]);
    expectConverged(world);
  });

  it("E10 a device whose own clock is a year ahead removes nobody and does not renew without end", () => {
    const world = new World("year ahead");
    const [anna, ben] = roomOf(world, "anna", "ben");
    const before = epoch(anna!.group);
    ben!.clockOff = 365 * DAY;
    ben!.reconnect();
    ben!.post("next year");
    world.run(60_000);
    expect(epoch(anna!.group)).toBe(before + 1n); // its update after so long (E26)
    expect(anna!.texts()).toEqual(["next year"]);
    expect(anna!.view().members.map(({ name }) => name)).toEqual(["anna", "ben"]);
    expectConverged(world);
  });
});

describe("E22 what was said where the log is not followed any more", () => {
  it("stands there, and goes only once", () => {
    const world = new World("skipped");
    const [anna, ben] = roomOf(world, "anna", "ben");
    const first = ben!.state!.log.n + 1;
    let last = world.ds.room(ROOM).last + 1_000;
    // Nothing from here up to Ben's coming back ever reaches him.
    ben!.tamper = (frame) => {
      last = ben!.state!.newcomer?.c ?? last;
      return frame.t === "entry" && first <= frame.n && frame.n <= last ? null : frame;
    };
    ben!.post("on the server");
    world.run(1_000);
    const posts = ben!.view().items.filter((item) => item.kind === "post");
    expect(posts.at(-1)!.delivery).toBe("server");
    anna!.post("not for Ben");
    world.run(1_000);
    ben!.reconnect();
    world.run(240_000);
    expect(ben!.told()).toEqual(["log_broken"]);
    expect(ben!.state!.stage).toBe("member");
    expect(ben!.texts()).toEqual(["on the server"]);
    expect(ben!.state!.outbox).toEqual([]);
    anna!.command({ kind: "rename", title: "And on" });
    world.run(60_000);
    expect(anna!.texts()).toEqual(["on the server", "not for Ben"]);
    expect(ben!.texts()).toEqual(["on the server"]);
    expectConverged(world);
  });
});

describe("E24 what a newcomer is told", () => {
  it("another state than the others have is disputed, and stays provisional", () => {
    const world = new World("disputed");
    const [anna, ben] = roomOf(world, "anna", "ben");
    const fragment = anna!.invite();
    world.run(1_000);
    const { fold } = anna!.state!;
    const names = new Map([...fold.names, [toHex(ben!.me.accountId), "Benjamin"]]);
    anna!.state = { ...anna!.state!, fold: { ...fold, names } };
    const cleo = world.device("cleo");
    cleo.accept(fragment);
    world.run(30_000);
    expect(cleo.told()).toEqual(["snapshot_disputed ben"]);
    expect(cleo.view().provisional).toBe(true);
  });

  it("each account says one word about a snapshot, and not before it may have its own state", () => {
    const world = new World("one word");
    const [anna, ben] = roomOf(world, "anna", "ben", "cleo", "dora");
    world.run(120_000);
    expect(world.devices.every((one) => one.state!.provisional === null)).toBe(true);
    expect(world.devices.every((one) => one.state!.duties.length === 0)).toBe(true);
    // Profiles of four; per later Add one page, and a word of each that was there besides the adder.
    const messages = world.ds.room(ROOM).log.filter(({ entry }) => entry!.kind === "message").length;
    expect(messages).toBe(4 + 3 + (0 + 1 + 2));
    expect([...anna!.told(), ...ben!.told()]).toEqual([]);
    expectConverged(world);
  });

  it("an account with two devices says one word all the same", () => {
    const world = new World("one word of two devices");
    const [anna, ben] = roomOf(world, "anna", "ben");
    const laptop = world.device("ben", "laptop");
    laptop.recover(ben!.pin());
    world.run(30_000);
    const before = anna!.state!.log.n;
    const fragment = anna!.invite();
    world.run(1_000);
    const cleo = world.device("cleo");
    cleo.accept(fragment);
    world.run(120_000);
    // Anna's snapshot, Cleo's profile, and one word of Ben's: when one of his devices has spoken, the other is still.
    const log = world.ds.room(ROOM).log.slice(before);
    expect(log.filter(({ entry }) => entry!.kind === "message")).toHaveLength(3);
    expect(cleo.state!.provisional).toBe(null);
    expect([...ben!.state!.duties, ...laptop.state!.duties]).toEqual([]);
    expectConverged(world);
  });

  it("a state that nobody has confirmed confirms nothing", () => {
    const world = new World("unconfirmed");
    const [anna, ben] = roomOf(world, "anna", "ben");
    ben!.disconnect();
    const newcomers = [world.device("cleo"), world.device("dora")];
    for (const one of newcomers) {
      const fragment = anna!.invite();
      world.run(1_000);
      one.accept(fragment);
      world.run(60_000);
      // Ben alone was there besides whoever gave it, and he is away.
      expect(one.view().provisional).toBe(true);
    }
    ben!.connect();
    world.run(60_000);
    expect(newcomers.map((one) => one.view().provisional)).toEqual([false, false]);
    expectConverged(world);
  });

  it("where everyone who could confirm a state is gone, it stands", () => {
    const world = new World("witness gone");
    const [anna, ben] = roomOf(world, "anna", "ben");
    ben!.disconnect();
    const fragment = anna!.invite();
    world.run(1_000);
    const cleo = world.device("cleo");
    cleo.accept(fragment);
    world.run(60_000);
    expect(cleo.view().provisional).toBe(true);
    anna!.command({ kind: "remove_member", accountId: ben!.me.accountId });
    world.run(5_000);
    expect(cleo.view().members.map(({ name }) => name)).toEqual(["anna", "cleo"]);
    expect(cleo.view().provisional).toBe(false);
    expectConverged(world);
  });
});
