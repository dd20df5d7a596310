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
});
