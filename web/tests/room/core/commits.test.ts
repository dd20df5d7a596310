import { describe, expect, it } from "vitest";
import { equal } from "../../../src/bytes/bytes";
import { epoch } from "../../../src/mls/group";
import { newInvite } from "../../../src/room/invites";
import { expectConverged } from "./invariants";
import { HOUR, ROOM, roomOf, World } from "./world";

const DAY = 24 * HOUR;

describe("commits", () => {
  it("E21 two commits at once: one wins, the other is made anew and holds as well", () => {
    const world = new World("race");
    const [anna, ben] = roomOf(world, "anna", "ben");
    anna!.command({ kind: "rename", title: "By Anna" });
    const { open } = newInvite(ben!.rng, ben!.me.accountId, world.now);
    ben!.command({ kind: "invite", invite: open });
    world.run(2_000);
    for (const one of [anna!, ben!]) {
      expect(one.view().title).toBe("By Anna");
      expect(one.view().invites.length).toBe(1);
      expect(one.told()).toEqual([]);
    }
    expect(ben!.effects.filter(({ kind }) => kind === "invited").length).toBe(1);
    expectConverged(world);
  });

  it("E17 messages that race with a commit are encrypted again, and come once each", () => {
    const world = new World("stale");
    const [anna, ben] = roomOf(world, "anna", "ben");
    anna!.command({ kind: "rename", title: "New" });
    const said = Array.from({ length: 20 }, (_, i) => `racing ${i}`);
    for (const text of said) ben!.post(text);
    world.run(5_000);
    expect(anna!.texts()).toEqual(said);
    expect(ben!.texts()).toEqual(said);
    const sent = ben!.effects.flatMap((one) => (one.kind === "send" ? one.frames : []));
    // A late answer to the first attempt makes no third one.
    expect(sent.filter((frame) => frame.t === "send" && frame.kind === "message").length).toBeLessThan(50);
    expectConverged(world);
  });

  it("E17 what was sealed before a commit and is not in the log is not sent as it was", () => {
    const world = new World("sealed before");
    const [anna, ben] = roomOf(world, "anna", "ben");
    ben!.meddle = () => null;
    ben!.post("lost on the way");
    const first = ben!.state!.outbox[0]!.sealed!.payload;
    ben!.disconnect();
    ben!.meddle = null;
    anna!.command({ kind: "rename", title: "Meanwhile" });
    world.run(1_000);
    const before = ben!.effects.length;
    ben!.connect();
    world.run(2_000);
    expect(anna!.texts()).toEqual(["lost on the way"]);
    const sent = ben!.effects.slice(before).flatMap((one) => (one.kind === "send" ? one.frames : []));
    expect(sent.some((frame) => frame.t === "send" && equal(frame.payload, first))).toBe(false);
    expectConverged(world);
  });

  it("E14 what somebody may not do is refused at once", () => {
    const world = new World("refused");
    const [, ben] = roomOf(world, "anna", "ben");
    const nobody = new Uint8Array(16);
    expect(() => ben!.command({ kind: "remove_member", accountId: nobody })).toThrow();
    expect(() => ben!.command({ kind: "rename", title: "" })).toThrow("title");
    expect(() => ben!.command({ kind: "withdraw_invite", inviteId: nobody })).toThrow();
    expect(ben!.state?.intents).toEqual([]);
  });

  it("E28 an invite that was withdrawn lets nobody in", () => {
    const world = new World("withdrawn");
    const [anna] = roomOf(world, "anna", "ben");
    const fragment = anna!.invite();
    world.run(1_000);
    anna!.command({ kind: "withdraw_invite", inviteId: anna!.view().invites[0]!.inviteId });
    world.run(1_000);
    expect(anna!.effects.filter(({ kind }) => kind === "withdraw_token").length).toBe(1);
    const cleo = world.device("cleo");
    cleo.accept(fragment);
    world.run(60_000);
    expect(cleo.state).toBe(null);
    expect(anna!.view().members.length).toBe(2);
    expectConverged(world);
  });

  it("E28 any member's device admits when the inviter is away", () => {
    const world = new World("away");
    const [anna, ben] = roomOf(world, "anna", "ben");
    const fragment = anna!.invite();
    world.run(1_000);
    anna!.disconnect();
    const cleo = world.device("cleo");
    cleo.accept(fragment);
    world.run(30_000);
    expect(cleo.state?.stage).toBe("member");
    expect(ben!.view().members.length).toBe(3);
    anna!.connect();
    world.run(60_000);
    expectConverged(world);
  });

  it("E26 a device updates its keys within a week of the first event, and an idle one does not", () => {
    const world = new World("update");
    const [anna, ben] = roomOf(world, "anna", "ben");
    world.sleep(8 * DAY);
    const before = epoch(anna!.group);
    world.sleep(8 * DAY);
    expect(epoch(anna!.group)).toBe(before);
    anna!.post("an event");
    world.run(1_000);
    world.sleep(8 * DAY);
    expect(epoch(anna!.group)).toBe(before + 2n);
    expectConverged(world);
    expect(ben!.told()).toEqual([]);
  });

  it("E8 a certificate is renewed before it runs out", () => {
    const world = new World("renewal");
    const [anna, ben] = roomOf(world, "anna", "ben");
    const before = ben!.state!.membership!.me;
    world.sleep(160 * DAY);
    const after = ben!.state!.membership!.me;
    expect(after.notAfter).toBeGreaterThan(before.notAfter);
    expect(after.certificateSerial).toBeGreaterThan(before.certificateSerial);
    world.sleep(60 * DAY);
    ben!.post("still here");
    world.run(1_000);
    expect(anna!.texts()).toEqual(["still here"]);
    expectConverged(world);
  });

  it("a server that cannot store is asked again, and nothing is lost", () => {
    const world = new World("storage");
    const [anna, ben] = roomOf(world, "anna", "ben");
    world.ds.refusing = 3;
    for (let i = 0; i < 6; i++) anna!.post(`message ${i}`);
    world.run(10_000);
    expect(ben!.texts().length).toBe(6);
    world.ds.refusing = 1;
    anna!.command({ kind: "rename", title: "Later" });
    world.run(10_000);
    expect([...ben!.texts()].sort()).toEqual(Array.from({ length: 6 }, (_, i) => `message ${i}`));
    expect(ben!.view().title).toBe("Later");
    expectConverged(world);
  });
});

describe("going", () => {
  it("E14 who leaves is gone for all before anything else is sent", () => {
    const world = new World("leave");
    const [anna, ben, cleo] = roomOf(world, "anna", "ben", "cleo");
    ben!.command({ kind: "leave" });
    world.run(60);
    anna!.post("after Ben");
    world.run(10_000);
    const kinds = world.ds.room(ROOM).log.map(({ entry }) => entry!.kind);
    expect(kinds.slice(kinds.indexOf("leave"))).toEqual(["leave", "commit", "message"]);
    expect(ben!.state?.stage).toBe("left");
    expect(ben!.state?.membership).toBe(null);
    expect([...ben!.rows.keys()].filter((name) => name === "epoch" || name === "ratchets")).toEqual([]);
    expect(ben!.texts()).toEqual([]);
    for (const one of [anna!, cleo!]) {
      expect(one.view().members.map(({ name }) => name)).toEqual(["anna", "cleo"]);
      expect(one.texts()).toEqual(["after Ben"]);
      expect(one.lines().at(-1)).toBe("left");
      expect(one.told()).toEqual([]);
    }
    expectConverged(world);
  });

  it("E14, E21 who leaves while a commit of their own is on its way goes after it, for all", () => {
    const world = new World("leave behind a commit");
    const [anna, ben, cleo] = roomOf(world, "anna", "ben", "cleo");
    ben!.command({ kind: "rename", title: "One last thing" });
    ben!.command({ kind: "leave" });
    world.run(10_000);
    expect(ben!.state!.stage).toBe("left");
    for (const one of [anna!, cleo!]) {
      expect(one.view().title).toBe("One last thing");
      expect(one.view().members.map(({ name }) => name)).toEqual(["anna", "cleo"]);
      expect(one.lines().at(-1)).toBe("left");
      expect(one.told()).toEqual([]);
    }
    expectConverged(world);
  });

  it("E14 a person leaves with all devices", () => {
    const world = new World("leave all");
    const [anna, ben] = roomOf(world, "anna", "ben");
    const laptop = world.device("ben", "laptop");
    laptop.recover(ben!.pin());
    world.run(20_000);
    expect(anna!.view().members.map(({ devices }) => devices)).toEqual([1, 2]);
    laptop.command({ kind: "leave" });
    world.run(10_000);
    expect(laptop.state!.stage).toBe("left");
    expect(ben!.state!.stage).toBe("removed");
    expect(anna!.view().members.map(({ name }) => name)).toEqual(["anna"]);
    expect(anna!.lines().filter((line) => line === "left").length).toBe(1);
    expectConverged(world);
  });

  it("E14 whoever sees a leave sends nothing before it is committed, also when others should do it", () => {
    const world = new World("leave first");
    const [anna, ben, cleo] = roomOf(world, "anna", "ben", "cleo");
    ben!.command({ kind: "leave" });
    anna!.disconnect();
    while (cleo!.state!.leaves.length === 0) world.run(1);
    cleo!.post("after Ben");
    expect(cleo!.state!.outbox[0]!.sealed).toBe(null);
    world.run(10_000);
    const kinds = world.ds.room(ROOM).log.map(({ entry }) => entry!.kind);
    expect(kinds.slice(kinds.indexOf("leave"))).toEqual(["leave", "commit", "message"]);
    anna!.connect();
    world.run(5_000);
    expect(anna!.texts()).toEqual(["after Ben"]);
    expectConverged(world);
  });

  it("E14 the founder removes alone; the removed reads nothing that follows", () => {
    const world = new World("remove");
    const [anna, ben, cleo] = roomOf(world, "anna", "ben", "cleo");
    anna!.post("while Cleo is here");
    world.run(1_000);
    const key = cleo!.group;
    anna!.command({ kind: "remove_member", accountId: cleo!.me.accountId });
    world.run(1_000);
    anna!.post("without Cleo");
    ben!.post("indeed");
    world.run(5_000);
    expect(cleo!.state?.stage).toBe("removed");
    expect(cleo!.state?.membership).toBe(null);
    expect(cleo!.texts()).toEqual(["while Cleo is here"]);
    expect(cleo!.lines().at(-1)).toBe("removed");
    // Its keys were wiped: the group that it had opens nothing, not even in memory.
    expect(key.secrets.exporter.every((byte) => byte === 0)).toBe(true);
    expect(() => cleo!.post("hello?")).toThrow("not_a_member");
    expect(ben!.texts()).toEqual(["while Cleo is here", "without Cleo", "indeed"]);
    expectConverged(world);
  });

  it("E14 others need half of the other members and at least two", () => {
    const world = new World("approvals");
    const [anna, ben, cleo, dora] = roomOf(world, "anna", "ben", "cleo", "dora");
    ben!.command({ kind: "remove_member", accountId: dora!.me.accountId });
    world.run(2_000);
    expect(cleo!.view().removals.map(({ name, approvals, needed }) => [name, approvals, needed])).toEqual([
      ["dora", 1, 2],
    ]);
    expect(cleo!.view().removals[0]!.approvedByMe).toBe(false);
    ben!.command({ kind: "withdraw_removal", accountId: dora!.me.accountId });
    world.run(2_000);
    expect(cleo!.view().removals).toEqual([]);
    ben!.command({ kind: "remove_member", accountId: dora!.me.accountId });
    world.run(2_000);
    cleo!.command({ kind: "remove_member", accountId: dora!.me.accountId });
    world.run(2_000);
    expect(dora!.state?.stage).toBe("removed");
    expect(anna!.view().members.length).toBe(3);
    expectConverged(world);
  });

  it("whoever was removed while away learns it when it comes back", () => {
    const world = new World("removed away");
    const [anna, ben, cleo] = roomOf(world, "anna", "ben", "cleo");
    cleo!.disconnect();
    anna!.post("one more");
    world.run(500);
    anna!.command({ kind: "remove_member", accountId: cleo!.me.accountId });
    world.run(1_000);
    ben!.post("not for Cleo");
    world.run(1_000);
    cleo!.connect();
    world.run(1_000);
    expect(cleo!.state?.stage).toBe("removed");
    expect(cleo!.texts()).toEqual(["one more"]);
    expectConverged(world);
  });

  it("whoever left can be invited again, and keeps what it had read", () => {
    const world = new World("again");
    const [anna, ben] = roomOf(world, "anna", "ben");
    anna!.post("before");
    world.run(1_000);
    ben!.command({ kind: "leave" });
    world.run(5_000);
    const fragment = anna!.invite();
    world.run(1_000);
    ben!.accept(fragment);
    world.run(15_000);
    expect(ben!.state?.stage).toBe("member");
    anna!.post("after");
    ben!.post("back");
    world.run(1_000);
    expect([...ben!.texts()].sort()).toEqual(["after", "back", "before"]);
    expectConverged(world);
  });

  it("E9 a lost device is revoked by its person's own statement", () => {
    const world = new World("revoked");
    const [anna, ben] = roomOf(world, "anna", "ben");
    const laptop = world.device("ben", "laptop");
    laptop.recover(ben!.pin());
    world.run(20_000);
    expect(anna!.view().members.map(({ devices }) => devices)).toEqual([1, 2]);
    ben!.revoke(laptop);
    world.run(5_000);
    expect(laptop.state?.stage).toBe("removed");
    expect(anna!.view().members.map(({ devices }) => devices)).toEqual([1, 1]);
    expectConverged(world);
  });
});
