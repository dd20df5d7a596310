import { describe, expect, it } from "vitest";
import { expectConverged, expectStored } from "./invariants";
import { roomOf, World } from "./world";

describe("two people", () => {
  it("E24 an invite is accepted; the newcomer has the state, which nobody else could confirm", () => {
    const world = new World("two");
    const [anna, ben] = roomOf(world, "anna", "ben");
    expect(ben!.state?.stage).toBe("member");
    expect(ben!.state?.newcomer).toBe(null);
    expect(ben!.view().provisional).toBe(false);
    anna!.post("hello Ben");
    world.run(1_000);
    ben!.post("hello Anna");
    world.run(1_000);
    for (const one of [anna!, ben!]) {
      expect(one.texts()).toEqual(["hello Ben", "hello Anna"]);
      expect(one.view().members.map(({ name }) => name)).toEqual(["anna", "ben"]);
      expect(one.told()).toEqual([]);
      expectStored(one);
    }
    expectConverged(world);
  });

  it("a message is queued, on the server, delivered", () => {
    const world = new World("delivery");
    const [anna, ben] = roomOf(world, "anna", "ben");
    const delivery = (): string => {
      const item = anna!.view().items.at(-1)!;
      return item.kind === "post" ? item.delivery : item.kind;
    };
    ben!.disconnect();
    anna!.disconnect();
    anna!.post("for later");
    expect(delivery()).toBe("queued");
    anna!.connect();
    world.run(1_000);
    expect(delivery()).toBe("server");
    ben!.connect();
    world.run(1_000);
    expect(delivery()).toBe("delivered");
  });

  it("edits, deletions, reactions and replies are shown at once and agree everywhere", () => {
    const world = new World("edits");
    const [anna, ben] = roomOf(world, "anna", "ben");
    anna!.post("first");
    anna!.post("second");
    anna!.post("third");
    world.run(1_000);
    const first = anna!.postId("first");
    const second = anna!.postId("second");
    ben!.command({ kind: "react", target: first, emoji: "👍", on: true });
    ben!.command({ kind: "post", text: "an answer", replyTo: first });
    anna!.command({ kind: "edit", target: first, text: "first, better" });
    anna!.command({ kind: "delete", target: second });
    expect(anna!.texts()).toEqual(["first, better", "", "third"]);
    world.run(1_000);
    anna!.command({ kind: "react", target: first, emoji: "👍", on: true });
    ben!.command({ kind: "react", target: first, emoji: "👍", on: false });
    world.run(1_000);
    for (const one of [anna!, ben!]) {
      expect(one.texts()).toEqual(["first, better", "", "third", "an answer"]);
      const items = one.view().items.filter((item) => item.kind === "post");
      expect(items[0]!.reactions.map(({ emoji, who }) => [emoji, who])).toEqual([["👍", ["anna"]]]);
      expect(items[3]!.replyTo?.text).toBe("first, better");
      expect(items[1]!.deleted).toBe(true);
    }
    expect(() => ben!.command({ kind: "edit", target: first, text: "mine" })).toThrow("not_yours");
    expectConverged(world);
  });

  it("E38 who is here and who writes is shown, and is over by itself", () => {
    const world = new World("typing");
    const [anna, ben] = roomOf(world, "anna", "ben");
    world.run(60_000);
    expect(ben!.view().members.map(({ online }) => online)).toEqual([true, true]);
    anna!.command({ kind: "typing" });
    world.run(1_000);
    expect(ben!.view().typing).toEqual([anna!.me.accountId]);
    anna!.post("there");
    world.run(1_000);
    expect(ben!.view().typing).toEqual([]);
    anna!.disconnect();
    world.run(200_000);
    expect(ben!.view().members.map(({ online }) => online)).toEqual([false, true]);
  });

  it("two hundred messages while away are all there, in order; unread until they were read", () => {
    const world = new World("away");
    const [anna, ben] = roomOf(world, "anna", "ben");
    ben!.command({ kind: "mark_read", n: ben!.state!.log.n });
    ben!.disconnect();
    const said = Array.from({ length: 200 }, (_, i) => `message ${i}`);
    for (const text of said) anna!.post(text);
    world.run(20_000);
    ben!.connect();
    world.run(5_000);
    expect(ben!.texts()).toEqual(said);
    expect(ben!.view(100).older).toBe(true);
    expect(ben!.view().unread).toBe(200);
    ben!.command({ kind: "mark_read", n: ben!.state!.log.n });
    expect(ben!.view().unread).toBe(0);
    expect(
      Object.keys(Object.fromEntries(ben!.rows)).filter((name) => name.startsWith("timeline/")).length,
    ).toBe(1);
    expectConverged(world);
    expectStored(ben!);
  });

  it("E23 of what was deleted the head remains, and the room goes on", () => {
    const world = new World("gap");
    const [anna, ben] = roomOf(world, "anna", "ben");
    ben!.disconnect();
    anna!.post("nobody kept this");
    anna!.post("nor this");
    world.run(1_000);
    world.ds.collect(anna!.state!.roomId, anna!.state!.log.n);
    anna!.post("but this");
    world.run(1_000);
    ben!.connect();
    world.run(1_000);
    expect(ben!.texts()).toEqual(["but this"]);
    expect(ben!.lines().filter((code) => code === "unreadable").length).toBe(2);
    ben!.post("I am back");
    world.run(1_000);
    expect(anna!.texts().at(-1)).toBe("I am back");
    expect([...anna!.told(), ...ben!.told()]).toEqual([]);
    expectConverged(world);
  });
});

describe("three people", () => {
  it("E24 what a newcomer was given is provisional until a second member has confirmed it", () => {
    const world = new World("three");
    const [anna, ben] = roomOf(world, "anna", "ben");
    anna!.post("before Cleo");
    const fragment = anna!.invite();
    world.run(1_000);
    ben!.disconnect();
    const cleo = world.device("cleo");
    cleo.accept(fragment);
    world.run(5_000);
    expect(cleo.state?.newcomer).toBe(null);
    expect(cleo.view().provisional).toBe(true);
    ben!.connect();
    world.run(60_000);
    expect(cleo.view().provisional).toBe(false);
    cleo.post("hello");
    world.run(1_000);
    expect(cleo.texts()).toEqual(["hello"]);
    expect(ben!.texts()).toEqual(["before Cleo", "hello"]);
    expect(ben!.view().members.map(({ name }) => name)).toEqual(["anna", "ben", "cleo"]);
    expect(world.devices.flatMap((one) => one.told())).toEqual([]);
    expectConverged(world);
  });

  it("E24 when the adder is gone before it posts the snapshot, another member does", () => {
    const world = new World("adder gone");
    const [anna, ben] = roomOf(world, "anna", "ben");
    const fragment = anna!.invite();
    world.run(1_000);
    const cleo = world.device("cleo");
    // Nothing of Anna's but the commit leaves her device.
    anna!.meddle = (frame) => (frame.kind === "commit" ? frame : null);
    cleo.accept(fragment);
    world.run(5_000);
    expect(cleo.state?.newcomer).not.toBe(null);
    world.run(15_000);
    expect(cleo.state?.newcomer).toBe(null);
    expect(cleo.state?.provisional?.poster).toEqual(ben!.me.accountId);
    expect(cleo.view().provisional).toBe(true);
    anna!.meddle = null;
    anna!.reconnect();
    world.run(60_000);
    expect(cleo.view().provisional).toBe(false);
    expectConverged(world);
  });
});
