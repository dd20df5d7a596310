/** What a person may say and wish, what is refused by which code, and how it looks before it is in the log (E15, E17, E23). */

import { describe, expect, it } from "vitest";
import { equal } from "../../../src/bytes/bytes";
import { StorageError } from "../../../src/mls/errors";
import {
  askToJoin,
  CORE_ROW,
  type Command,
  CommandError,
  foundRoom,
  loadRoom,
  roomRows,
  rowNames,
  step,
} from "../../../src/room/core";
import { epochOf } from "../../../src/room/core/clearHeader";
import { MAX_OUTBOX } from "../../../src/room/core/outbox";
import { MAX_WELCOME } from "../../../src/room/welcomePayload";
import { decodeOne, encode } from "../../../src/wire/cbor";
import { id } from "../../identity/people";
import { expectConverged } from "./invariants";
import { type Device, ROOM, roomOf, World } from "./world";

function codeOf(run: () => void): string {
  try {
    run();
  } catch (error) {
    if (error instanceof CommandError) return error.code;
    throw error;
  }
  return "taken";
}

const refused = (device: Device, command: Command): string => {
  const before = device.state;
  const code = codeOf(() => device.command(command));
  // Whoever is refused has the room that they had.
  if (code !== "taken") expect(device.state).toBe(before);
  return code;
};

describe("what a person says", () => {
  const world = new World("said");
  const [anna, ben] = roomOf(world, "anna", "ben") as [Device, Device];
  ben.post("by Ben");
  world.run(1_000);
  const bens = anna.postId("by Ben");

  it("has bounds: its text, an emoji, a target, one's own name", () => {
    const long = "x".repeat(100_000);
    expect(refused(anna, { kind: "post", text: "", replyTo: null })).toBe("text");
    expect(refused(anna, { kind: "post", text: long, replyTo: null })).toBe("text");
    expect(refused(ben, { kind: "edit", target: bens, text: long })).toBe("text");
    expect(refused(anna, { kind: "react", target: bens, emoji: "yes", on: true })).toBe("emoji");
    expect(refused(anna, { kind: "react", target: bens.subarray(1), emoji: "👍", on: true })).toBe("target");
    expect(refused(anna, { kind: "rename", title: "" })).toBe("title");
    const nameless = { ...anna.env(), me: { ...anna.me, name: "" } };
    expect(codeOf(() => step(anna.state!, { kind: "command", command: { kind: "profile" } }, nameless))).toBe(
      "name",
    );
    expect(codeOf(() => foundRoom(nameless, { roomId: id("other"), title: "Other" }))).toBe("name");
    expect(codeOf(() => foundRoom(anna.env(), { roomId: id("other"), title: "" }))).toBe("title");
    const ask = { roomId: ROOM, fragment: anna.invite(), notAfter: world.now };
    expect(codeOf(() => askToJoin(nameless, ask))).toBe("name");
    world.run(1_000);
  });

  it("is changed and taken back by its author alone, also before it is in the log", () => {
    expect(refused(anna, { kind: "edit", target: bens, text: "another" })).toBe("not_yours");
    expect(refused(anna, { kind: "delete", target: bens })).toBe("not_yours");
    expect(refused(anna, { kind: "delete", target: id("nothing") })).toBe("not_yours");
    anna.disconnect();
    anna.post("on its way");
    const waiting = anna.postId("on its way");
    anna.command({ kind: "edit", target: waiting, text: "changed on its way" });
    anna.command({ kind: "post", text: "an answer to it", replyTo: waiting });
    const answer = anna.view().items.at(-1);
    expect(answer).toMatchObject({ delivery: "queued", replyTo: { name: "anna", text: "on its way" } });
    expect(anna.texts()).toEqual(["by Ben", "changed on its way", "an answer to it"]);
    anna.command({ kind: "post", text: "an answer to nothing", replyTo: id("nothing") });
    expect(anna.view().items.at(-1)).toMatchObject({ replyTo: null });
    anna.connect();
    world.run(2_000);
    expect(ben.texts()).toEqual(["by Ben", "changed on its way", "an answer to it", "an answer to nothing"]);
    anna.command({ kind: "delete", target: anna.postId("an answer to nothing") });
    world.run(1_000);
    expect(refused(anna, { kind: "edit", target: id("nothing"), text: "again" })).toBe("not_yours");
    expect(ben.texts()).not.toContain("an answer to nothing");
    expectConverged(world);
  });

  it("a new name is everybody's after one event", () => {
    const renamed = { ...anna.env(), me: { ...anna.me, name: "Anna B." } };
    anna.settle(step(anna.state!, { kind: "command", command: { kind: "profile" } }, renamed));
    world.run(1_000);
    expect(ben.view().members.map(({ name }) => name)).toContain("Anna B.");
  });

  it("who is typing and who is here is said, typing not too often, and no longer than until the message", () => {
    const accounts = (): readonly Uint8Array[] => ben.view().typing;
    anna.command({ kind: "presence" });
    anna.command({ kind: "typing" });
    world.run(200);
    expect(accounts().map((one) => equal(one, anna.me.accountId))).toEqual([true]);
    const sent = (): number =>
      anna.effects.filter((one) => one.kind === "send" && one.frames.some(({ t }) => t === "ephemeral"))
        .length;
    const before = sent();
    expect(before).toBeGreaterThan(0);
    anna.command({ kind: "typing" });
    expect(sent()).toBe(before);
    // A message says that its author types no more.
    anna.post("typed");
    world.run(500);
    expect(accounts()).toEqual([]);
    const online = (): boolean[] =>
      ben
        .view()
        .members.filter(({ accountId }) => equal(accountId, anna.me.accountId))
        .map(({ online }) => online);
    expect(online()).toEqual([true]);
  });
});

describe("bounds of what waits", () => {
  it("there are as many messages, and as many wishes, as may wait", () => {
    const world = new World("full");
    const [anna] = roomOf(world, "anna", "ben") as [Device, Device];
    anna.disconnect();
    const room = anna.state!;
    const out = { kind: "post", text: "one more", replyTo: null } as const;
    anna.command(out);
    const [waiting] = anna.state!.outbox;
    const full = { ...anna.state!, outbox: new Array(MAX_OUTBOX).fill(waiting) };
    expect(codeOf(() => step(full, { kind: "command", command: out }, anna.env()))).toBe("outbox_full");
    const wish = { kind: "rename", title: "Other" } as const;
    const wished = { ...room, intents: new Array(99).fill(wish) };
    const hundred = step(wished, { kind: "command", command: wish }, anna.env()).state;
    expect(hundred.intents).toHaveLength(100);
    expect(codeOf(() => step(hundred, { kind: "command", command: wish }, anna.env()))).toBe("too_many");
  });
});

describe("somebody leaves", () => {
  it("E14 says and wishes nothing any more, and asks once", () => {
    const world = new World("leaving");
    const [anna, ben] = roomOf(world, "anna", "ben") as [Device, Device];
    ben.disconnect();
    ben.command({ kind: "leave" });
    const { leaving } = ben.state!;
    ben.command({ kind: "leave" });
    expect(ben.state!.leaving?.id).toEqual(leaving!.id);
    expect(refused(ben, { kind: "post", text: "still here", replyTo: null })).toBe("leaving");
    expect(refused(ben, { kind: "rename", title: "Other" })).toBe("leaving");
    ben.connect();
    world.run(3_000);
    expect(ben.view().state).toBe("left");
    expect(refused(ben, { kind: "post", text: "gone", replyTo: null })).toBe("not_a_member");
    expect(refused(ben, { kind: "leave" })).toBe("not_a_member");
    expect(refused(ben, { kind: "media_off", rekey: false })).toBe("taken");
    expect(anna.view().members).toHaveLength(1);
  });

  /** Ben leaves, and what he sends meets the server as `meet` says. */
  function leaving(seed: string, meet: (world: World, people: Device[], times: number) => boolean) {
    const world = new World(seed);
    const people = roomOf(world, "anna", "ben");
    const sent: Uint8Array[] = [];
    people[1]!.meddle = (frame) => {
      if (frame.kind !== "leave") return frame;
      sent.push(frame.payload);
      return meet(world, people, sent.length) ? frame : null;
    };
    people[1]!.command({ kind: "leave" });
    world.run(120_000);
    expect(people[1]!.view().state).toBe("left");
    expect(people[0]!.view().members.map(({ name }) => name)).toEqual(["anna"]);
    return sent;
  }

  it("E17 a leave that a commit has overtaken is made anew", () => {
    const sent = leaving("overtaken", (world, [anna, ben], times) => {
      if (times > 1) return true;
      // Anna's commit is in the log first, and the server says so.
      anna!.command({ kind: "rename", title: "First" });
      world.at(world.now + 200, () => {
        const { id } = ben!.state!.leaving!;
        const after = world.ds.room(ROOM).log.length;
        ben!.input({ kind: "frame", frame: { t: "stale", room: ROOM, id, after } as never });
      });
      return false;
    });
    expect(sent).toHaveLength(2);
    expect(sent[0]).not.toEqual(sent[1]);
  });

  it("a leave that the server could not store goes again as it was", () => {
    const sent = leaving("unstored", (world, [, ben], times) => {
      if (times > 1) return true;
      world.at(world.now + 5, () => {
        const { id } = ben!.state!.leaving!;
        const refusal = { t: "refused", room: ROOM, id, code: "storage", message: "" } as const;
        ben!.input({ kind: "frame", frame: refusal });
      });
      return false;
    });
    expect(sent).toHaveLength(2);
    expect(sent[0]).toEqual(sent[1]);
  });
});

describe("the server's word", () => {
  it("ends the room for who was removed, and calls it leaving where somebody was about to", () => {
    const world = new World("cut off");
    const [, ben, cleo] = roomOf(world, "anna", "ben", "cleo") as [Device, Device, Device];
    const removed = { kind: "frame", frame: { t: "removed", room: ROOM, n: 99 } } as const;
    ben.input(removed as never);
    expect(ben.view().state).toBe("removed");
    cleo.disconnect();
    cleo.command({ kind: "leave" });
    cleo.input(removed as never);
    expect(cleo.view().state).toBe("left");
    const after = cleo.state;
    cleo.input(removed as never);
    expect(cleo.state).toBe(after);
  });

  it("about an earlier place counts for nothing to whoever came back since", () => {
    const world = new World("earlier place");
    const [anna] = roomOf(world, "anna", "ben") as [Device, Device];
    const cleo = world.device("cleo");
    const fragment = anna.invite();
    world.run(500);
    cleo.accept(fragment);
    while (cleo.state === null) world.run(10);
    const { c } = cleo.state!.newcomer!;
    const removed = (n: number) => ({ kind: "frame", frame: { t: "removed", room: ROOM, n } }) as never;
    expect(step(cleo.state!, removed(c - 1), cleo.env()).state.stage).toBe("member");
    expect(step(cleo.state!, removed(c), cleo.env()).state.stage).toBe("removed");
  });

  it("E20 that somebody is not served, who is in the group, is said and put right", () => {
    const world = new World("not served");
    const [anna, ben] = roomOf(world, "anna", "ben") as [Device, Device];
    anna.tamper = (frame) =>
      frame.t !== "ready"
        ? frame
        : {
            ...frame,
            rooms: frame.rooms.map((one) => ({
              ...one,
              list: one.list.filter((device) => !equal(device, ben.me.deviceId)),
            })),
          };
    const before = anna.alarms.length;
    anna.reconnect();
    world.run(500);
    expect(anna.alarms.slice(before).map(({ code }) => code)).toEqual(["routing"]);
    expect(anna.state!.dues.repair).not.toBeNull();
  });

  it("entries beyond their bound are not read, and garbage names no epoch", () => {
    const world = new World("huge entry");
    const [anna] = roomOf(world, "anna", "ben") as [Device, Device];
    const { n } = anna.state!.log;
    const payload = new Uint8Array(1024 * 1024 + 1);
    const entry = { t: "entry", room: ROOM, n: n + 1, kind: "message", id: id("e"), time: world.now };
    anna.input({ kind: "frame", frame: { ...entry, sender: id("s"), payload } as never });
    expect(anna.state!.log.n).toBe(n);
    expect(epochOf(payload.subarray(0, 100))).toBeNull();
  });

  it("E26 a Welcome beyond its bound is not opened", () => {
    const world = new World("huge welcome");
    const [anna] = roomOf(world, "anna") as [Device];
    const cleo = world.device("cleo");
    cleo.tamper = (frame) =>
      frame.t === "welcome" ? { ...frame, payload: new Uint8Array(MAX_WELCOME + 1) } : frame;
    const fragment = anna.invite();
    world.run(500);
    cleo.accept(fragment);
    world.run(15_000);
    expect(cleo.errors).toContain("welcome_size");
    expect(cleo.state).toBeNull();
  });
});

describe("in a call", () => {
  it("E38 a reaction is an emoji, and is said while there is a connection", () => {
    const world = new World("reactions");
    const [anna] = roomOf(world, "anna", "ben") as [Device, Device];
    world.run(60_000);
    anna.call(true);
    world.run(2_000);
    const sitting = anna.view().call!.sitting!;
    const react = (emoji: string): Command => ({
      kind: "say_in_call",
      signal: { kind: "call_reaction", sitting, emoji },
    });
    expect(refused(anna, react("well said"))).toBe("emoji");
    expect(refused(anna, react("👏"))).toBe("taken");
    const unconnected = { ...anna.state!, link: { ...anna.state!.link, connected: false } };
    world.run(10_000);
    expect(codeOf(() => step(unconnected, { kind: "command", command: react("👏") }, anna.env()))).toBe(
      "offline",
    );
  });
});

describe("refused commits", () => {
  const renaming = (code: string): { world: World; anna: Device; ben: Device; times: () => number } => {
    const world = new World(`refused ${code}`);
    const [anna, ben] = roomOf(world, "anna", "ben") as [Device, Device];
    let times = 0;
    anna.meddle = (frame) => {
      if (frame.kind !== "commit" || times++ > 0) return frame;
      const refusal = { t: "refused", room: ROOM, id: frame.id, code } as const;
      world.at(world.now + 5, () => anna.input({ kind: "frame", frame: refusal as never }));
      return null;
    };
    anna.command({ kind: "rename", title: "Wished" });
    world.run(120_000);
    return { world, anna, ben, times: () => times };
  };

  it("E21 one that could not be stored goes again as it was", () => {
    const { world, anna, ben, times } = renaming("storage");
    expect(times()).toBeGreaterThan(1);
    expect([anna.view().title, ben.view().title]).toEqual(["Wished", "Wished"]);
    expectConverged(world);
  });

  it("one that the server does not take is given up, and said", () => {
    const { world, anna, ben, times } = renaming("not_allowed");
    expect(times()).toBe(1);
    expect(anna.state!.staged).toBeNull();
    expect(anna.state!.intents).toEqual([]);
    expect(anna.effects.filter(({ kind }) => kind === "dropped")).toHaveLength(1);
    expect(ben.view().title).not.toBe("Wished");
    anna.post("and goes on");
    world.run(1_000);
    expect(ben.texts()).toEqual(["and goes on"]);
    expectConverged(world);
  });

  it("a refusal of nothing, and of what is unknown, changes nothing", () => {
    const world = new World("refused nothing");
    const [anna] = roomOf(world, "anna", "ben") as [Device, Device];
    for (const [other, code] of [
      [null, "malformed"],
      [id("unknown"), "not_allowed"],
      [id("unknown"), "storage"],
    ] as const) {
      const { outbox, staged, intents, membership } = anna.state!;
      anna.input({ kind: "frame", frame: { t: "refused", room: ROOM, id: other, code } as never });
      expect(anna.state).toMatchObject({ outbox, staged, intents, membership });
    }
  });
});

describe("stored rows that are not what they were", () => {
  const world = new World("rows");
  const [anna] = roomOf(world, "anna", "ben") as [Device, Device];
  anna.disconnect();
  anna.post("waits");
  const rows = (): Record<string, unknown> => {
    const read = (name: string): unknown => decodeOne(anna.rows.get(name)!, 64 * 1024 * 1024);
    const core = read(CORE_ROW);
    return Object.fromEntries([CORE_ROW, ...rowNames(core)].map((name) => [name, read(name)]));
  };
  const core = (): Record<string, unknown> => rows()[CORE_ROW] as Record<string, unknown>;
  const out = (): string => Object.keys(rows()).find((name) => name.startsWith("out/"))!;

  it("load as they are", () => {
    const put = roomRows(null, loadRoom(rows())).put;
    expect(encode(put[CORE_ROW])).toEqual(anna.rows.get(CORE_ROW));
  });

  it.each<[string, () => Record<string, unknown>]>([
    ["no core", () => ({ ...rows(), [CORE_ROW]: null })],
    ["a core that is a list", () => ({ ...rows(), [CORE_ROW]: [] })],
    ["a core that is text", () => ({ ...rows(), [CORE_ROW]: "core" })],
    ["a core of a later program", () => ({ ...rows(), [CORE_ROW]: { ...core(), format: 99 } })],
    ["no names of rows", () => ({ ...rows(), [CORE_ROW]: { ...core(), rows: "all" } })],
    ["a row that is gone", () => ({ ...rows(), [out()]: undefined })],
    ["a group that is text", () => ({ ...rows(), epoch: "group" })],
    ["a log that is none", () => ({ ...rows(), [CORE_ROW]: { ...core(), log: null } })],
    ["a fold that is none", () => ({ ...rows(), [CORE_ROW]: { ...core(), fold: 1 } })],
    ["names that are none", () => ({ ...rows(), [CORE_ROW]: { ...core(), names: {} } })],
    ["a message whose body is text", () => ({ ...rows(), [out()]: { type: "post", body: "waits" } })],
    [
      "a message of an unknown kind",
      () => ({ ...rows(), [out()]: { ...(rows()[out()] as object), type: "riddle" } }),
    ],
  ])("%s is our storage's fault", (_, damaged) => {
    expect(() => loadRoom(damaged() as never)).toThrow(StorageError);
  });
});
