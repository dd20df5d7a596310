/** What a member or a server that does not keep the rules can bring about, and what everyone else then sees. */

import { describe, expect, it } from "vitest";
import { equal } from "../../../src/bytes/bytes";
import { protectApplication } from "../../../src/mls/application";
import { epoch } from "../../../src/mls/group";
import { signGroupInfo } from "../../../src/mls/groupInfo";
import { decodeKeyPackage, keyPackageRef } from "../../../src/mls/keyPackage";
import { welcomeSecret, zeroSecret } from "../../../src/mls/keySchedule";
import { decodeMlsMessage, encodeMlsMessage } from "../../../src/mls/mlsMessage";
import type { Proposal } from "../../../src/mls/proposal";
import { RatchetTree } from "../../../src/mls/ratchetTree";
import { stageCommit } from "../../../src/mls/stageCommit";
import { roomSuite } from "../../../src/mls/suite";
import { ratchetTreeExtension } from "../../../src/mls/treeCodec";
import { leafCountFor, nodeWidth } from "../../../src/mls/treeMath";
import {
  type Welcome as MlsWelcome,
  openGroupInfo,
  openGroupSecrets,
  sealWelcome,
} from "../../../src/mls/welcome";
import type { JoinExpectation } from "../../../src/room/core/surface";
import { encodeCommitData, eventAuthenticatedData } from "../../../src/room/events";
import { listHash } from "../../../src/room/logHead";
import { devicesOf, leavesOf } from "../../../src/room/roster";
import { decodeWelcomePayload, encodeWelcomePayload } from "../../../src/room/welcomePayload";
import type { Send, Welcome } from "../../../src/wire/generated";
import type { FromServer } from "./deliveryService";
import { expectConverged } from "./invariants";
import { type Device, ROOM, roomOf, World } from "./world";

/** A commit that an honest core would not make, signed and sealed as it must be. */
function rogueCommit(device: Device, proposals: readonly Proposal[], devices?: readonly Uint8Array[]): Send {
  const id = device.rng(16);
  const { log, membership } = device.state!;
  const seen = { n: log.n, head: log.head!.slice(0, 16) };
  const { message } = stageCommit(device.group, {
    proposals,
    authenticatedData: encodeCommitData(id, seen),
    rng: device.rng,
  });
  const listed = devices ?? devicesOf(membership!.roster);
  return {
    t: "send",
    room: ROOM,
    id,
    kind: "commit",
    after: log.after,
    list: listHash(listed),
    payload: message,
    devices: listed,
  };
}

/** A message whose plaintext is whatever a member likes. */
function rogueMessage(device: Device, data: Uint8Array): Send {
  const id = device.rng(16);
  const { log, membership } = device.state!;
  const { message } = protectApplication(device.group, {
    data,
    authenticatedData: eventAuthenticatedData(id),
    rng: device.rng,
  });
  const list = listHash(devicesOf(membership!.roster));
  return { t: "send", room: ROOM, id, kind: "message", after: log.after, list, payload: message };
}

/** The Welcome again, with its tree drawn out to so many places, as a rogue member can make it. */
function widened(frame: Welcome, expected: JoinExpectation, author: Device, slots: number): Welcome {
  const said = decodeWelcomePayload(frame.payload);
  const { welcome } = decodeMlsMessage(said.welcome) as { welcome: MlsWelcome };
  const reference = keyPackageRef(roomSuite, expected.keyPackage);
  const shared = openGroupSecrets(roomSuite, welcome, reference, expected.secrets.initPrivateKey);
  const secret = welcomeSecret(roomSuite, shared.joinerSecret, zeroSecret(roomSuite));
  const info = openGroupInfo(roomSuite, welcome, secret);
  const { tree, signaturePrivateKey } = author.group;
  const blanks = Array.from({ length: 2 * (slots - tree.leafCount) - 1 }, () => null);
  const nodes = [...tree.nodes(), ...blanks, tree.leaf(info.signer)];
  const width = nodeWidth(leafCountFor(slots));
  const wide = RatchetTree.of([...nodes, ...Array.from({ length: width - nodes.length }, () => null)]);
  const forged = sealWelcome(
    roomSuite,
    signGroupInfo(roomSuite, { ...info, extensions: [ratchetTreeExtension(wide)] }, signaturePrivateKey),
    { ...shared, welcomeSecret: secret },
    [
      {
        keyPackageRef: reference,
        initKey: decodeKeyPackage(expected.keyPackage).initKey,
        pathSecret: shared.pathSecret,
      },
    ],
    author.rng,
  );
  const bytes = encodeMlsMessage({ type: "welcome", welcome: forged });
  return { ...frame, payload: encodeWelcomePayload({ ...said, welcome: bytes }) };
}

/** Changes one entry on its way to a device. */
function altering(pick: (frame: Extract<FromServer, { t: "entry" }>) => boolean) {
  return (frame: FromServer): FromServer =>
    frame.t === "entry" && pick(frame) ? { ...frame, time: frame.time + 1 } : frame;
}

describe("insiders", () => {
  it("E18 a commit that breaks the rules is skipped by all, blamed, shown; the room goes on", () => {
    const world = new World("bad commit");
    const [anna, ben, cleo] = roomOf(world, "anna", "ben", "cleo");
    const before = epoch(anna!.group);
    const [target] = leavesOf(anna!.state!.membership!.roster, anna!.me.accountId);
    // Ben is not the founder, and nobody approves that he removes Anna.
    ben!.tamper = () => null; // what he did is nothing that his own core would know
    ben!.send(rogueCommit(ben!, [{ type: "remove", removed: target! }]));
    world.run(2_000);
    expect(epoch(anna!.group)).toBe(before);
    for (const one of [anna!, cleo!]) {
      expect(one.told()).toEqual(["bad_commit ben"]);
      expect(one.lines().at(-1)).toBe("bad_commit");
      expect(one.state!.log.after).toBe(one.state!.log.n);
    }
    anna!.post("we go on");
    anna!.command({ kind: "rename", title: "On" });
    world.run(2_000);
    expect(cleo!.texts()).toEqual(["we go on"]);
    expect(cleo!.view().title).toBe("On");
  });

  it("E19 noise is shown as unreadable, and several in one epoch are an alarm", () => {
    const world = new World("noise");
    const [anna, ben] = roomOf(world, "anna", "ben");
    ben!.tamper = () => null;
    // The first opens, but is no event; the others use its key again, which nobody has any more.
    for (let i = 0; i < 3; i++) ben!.send(rogueMessage(ben!, new Uint8Array([1, 2, 3])));
    world.run(500);
    expect(anna!.lines().filter((line) => line === "unreadable").length).toBe(3);
    expect(anna!.told()).toEqual(["unreadable"]);
    anna!.post("still here");
    world.run(500);
    expect(anna!.texts()).toEqual(["still here"]);
  });

  it("E18 a commit that this device cannot complete: it says so, and comes back through another", () => {
    const world = new World("stuck");
    const [anna, ben, cleo] = roomOf(world, "anna", "ben", "cleo");
    // What Anna's path holds for Cleo opens with no key of hers.
    const { membership } = cleo!.state!;
    const privateTree = new Map(
      [...membership!.group.privateTree].map(([at, key]) => [at, key.map(() => 7)]),
    );
    const group = { ...membership!.group, privateTree };
    cleo!.state = { ...cleo!.state!, membership: { ...membership!, group } };
    cleo!.post("not yet sent");
    anna!.command({ kind: "rename", title: "Renamed" });
    world.run(60_000);
    expect(cleo!.told()).toEqual(["stuck anna"]);
    expect(cleo!.state!.stage).toBe("member");
    expect(cleo!.state!.log.maker.accountId).not.toEqual(anna!.me.accountId);
    expect(cleo!.view().title).toBe("Renamed");
    expect(anna!.lines()).toContain("rejoined");
    anna!.post("welcome back");
    cleo!.post("thank you");
    world.run(60_000);
    for (const one of [anna!, ben!, cleo!]) {
      expect([...one.texts()].sort()).toEqual(["not yet sent", "thank you", "welcome back"]);
    }
    expectConverged(world);
  });

  it("E20 a list that is not the tree's is seen, named and put right", () => {
    const world = new World("routing");
    const [anna, ben, cleo] = roomOf(world, "anna", "ben", "cleo");
    // A valid commit, but its frame leaves Cleo out.
    ben!.meddle = (frame) => {
      if (frame.kind !== "commit") return frame;
      const devices = frame.devices!.filter((device) => !equal(device, cleo!.me.deviceId));
      return { ...frame, devices, list: listHash(devices) };
    };
    ben!.command({ kind: "rename", title: "Without Cleo" });
    world.run(300);
    ben!.meddle = null;
    world.run(30_000);
    expect(anna!.told()).toContain("routing ben");
    const served = [...world.ds.room(ROOM).routing.next];
    expect(served.length).toBe(3);
    anna!.post("everyone?");
    world.run(5_000);
    expect(cleo!.texts()).toEqual(["everyone?"]);
    expectConverged(world);
  });
});

describe("a server that lies", () => {
  it("E19 another log for one member: alarm, pause, and on with it when the person says so", () => {
    const world = new World("fork");
    const [anna, ben] = roomOf(world, "anna", "ben");
    ben!.tamper = altering(({ n }) => n === anna!.state!.log.n + 1);
    anna!.post("one");
    world.run(500);
    ben!.tamper = null;
    anna!.post("two");
    world.run(500);
    expect(ben!.told()).toEqual(["fork anna"]);
    expect(ben!.alarms[0]!.evidence).not.toBe(null);
    expect(ben!.view().state).toBe("paused");
    expect(ben!.texts()).toEqual(["one", "two"]);
    ben!.post("held back");
    world.run(1_000);
    expect(anna!.texts()).toEqual(["one", "two"]);
    ben!.command({ kind: "resume" });
    world.run(1_000);
    expect(anna!.told()).toEqual(["fork ben"]);
    expect(anna!.view().state).toBe("paused");
    anna!.command({ kind: "resume" });
    anna!.post("three");
    world.run(1_000);
    expect(ben!.texts()).toEqual(["one", "two", "held back", "three"]);
    expect(ben!.view().state).toBe("ready");
  });

  it("positions that are held back are asked for, and given up in the end", () => {
    const world = new World("hole");
    const [anna, ben] = roomOf(world, "anna", "ben");
    const held = anna!.state!.log.n + 1;
    ben!.tamper = (frame) => (frame.t === "entry" && frame.n === held ? null : frame);
    anna!.post("held back");
    anna!.post("after it");
    world.run(25_000);
    expect(ben!.texts()).toEqual([]);
    ben!.tamper = null;
    world.run(25_000);
    expect(ben!.texts()).toEqual(["held back", "after it"]);
    expect(ben!.told()).toEqual([]);
    expectConverged(world);
  });

  it("a frame that comes twice changes nothing", () => {
    const world = new World("twice");
    const [anna, ben] = roomOf(world, "anna", "ben");
    const frames: FromServer[] = [];
    ben!.tamper = (frame) => {
      frames.push(frame);
      return frame;
    };
    anna!.post("once");
    anna!.command({ kind: "rename", title: "Once" });
    world.run(2_000);
    const link = ben!.link!;
    for (const frame of [...frames]) if (frame.t !== "ready" && frame.t !== "bye") ben!.receive(link, frame);
    world.run(2_000);
    expect(ben!.texts()).toEqual(["once"]);
    expect(ben!.lines().filter((line) => line === "renamed").length).toBe(1);
    expect(ben!.told()).toEqual([]);
    expectConverged(world);
  });

  it("E29 a Welcome that no member made is refused", () => {
    const world = new World("welcome");
    const [anna] = roomOf(world, "anna", "ben");
    const fragment = anna!.invite();
    world.run(1_000);
    const cleo = world.device("cleo");
    cleo.tamper = (frame) => {
      if (frame.t !== "welcome") return frame;
      const said = decodeWelcomePayload(frame.payload);
      const mac = said.mac!.map((byte) => byte ^ 1);
      return { ...frame, payload: encodeWelcomePayload({ ...said, mac }) };
    };
    cleo.accept(fragment);
    world.run(5_000);
    expect(cleo.state).toBe(null);
    expect(cleo.errors).toEqual(["welcome_mac"]);
    cleo.tamper = null;
    cleo.reconnect();
    world.run(20_000);
    expect(cleo.state?.stage).toBe("member");
    expectConverged(world);
  });

  for (const [slots, refused] of [
    [256, "v201_tree_hash"],
    [257, "decode"],
  ] as const) {
    it(`E13 a Welcome of more than 256 leaves is left unread: ${slots}`, () => {
      const world = new World("wide welcome");
      const [anna] = roomOf(world, "anna", "ben");
      const fragment = anna!.invite();
      world.run(1_000);
      const cleo = world.device("cleo");
      cleo.accept(fragment);
      const expected = cleo.expectation!;
      cleo.tamper = (frame) => (frame.t === "welcome" ? widened(frame, expected, anna!, slots) : frame);
      world.run(5_000);
      expect(cleo.state).toBe(null);
      expect(cleo.errors).toEqual([refused]);
    });
  }

  it("E25 a Welcome that nobody asked for is refused", () => {
    const world = new World("unasked");
    const [anna, ben] = roomOf(world, "anna", "ben");
    const before = ben!.state!;
    const { n } = before.log;
    const welcome = { t: "welcome", room: ROOM, n: n + 1, time: world.now, payload: anna!.rng(500) } as const;
    ben!.receive(ben!.link!, welcome);
    expect(ben!.state!.membership).toBe(before.membership);
    expect(ben!.state!.stage).toBe("member");
  });
});

describe("a server that lied", () => {
  it("E19 a state on top of another log than its own is not taken over", () => {
    const world = new World("fork below");
    const [anna, ben] = roomOf(world, "anna", "ben");
    const copy = new Map(ben!.rows);
    ben!.post("after the copy");
    world.run(1_000);
    anna!.post("and more");
    world.run(1_000);
    // Ben reads on below his coming for the heads alone; one of these is not what Anna was sent.
    const position = anna!.state!.log.n;
    ben!.tamper = altering(({ n }) => n === position);
    ben!.rows = copy;
    ben!.crash();
    world.run(60_000);
    expect(ben!.told()).toEqual(["copy ben", "fork anna"]);
    expect(ben!.alarms.at(-1)!.evidence).not.toBe(null);
    expect(ben!.state!.newcomer).not.toBe(null);
    expect(ben!.texts()).toEqual([]);
  });

  it("and held something back is asked for nothing after a removal", () => {
    const world = new World("removed amid a hole");
    const [anna, ben, cleo] = roomOf(world, "anna", "ben", "cleo");
    const held = anna!.state!.log.n + 1;
    ben!.tamper = (frame) => (frame.t === "entry" && frame.n === held ? null : frame);
    anna!.post("held back");
    anna!.post("after it");
    world.run(1_000);
    expect(ben!.state!.link.fetching).not.toBe(null);
    anna!.command({ kind: "remove_member", accountId: ben!.me.accountId });
    world.run(5_000);
    cleo!.post("goodbye"); // the new list holds when another account goes by it (E20)
    world.run(120_000);
    expect(ben!.state!.stage).toBe("removed");
    expect(ben!.told()).toEqual([]);
    expect(ben!.state!.link.connected).toBe(false);
  });
});

describe("E39 a copy of a device's state", () => {
  it("restored from an old copy, it encrypts nothing, destroys that state and comes back", () => {
    const world = new World("copy");
    const [anna, ben] = roomOf(world, "anna", "ben");
    ben!.post("before the copy");
    world.run(1_000);
    const copy = new Map(ben!.rows);
    ben!.post("after the copy");
    world.run(1_000);
    ben!.rows = copy;
    ben!.crash();
    ben!.post("from the copy");
    world.run(60_000);
    expect(ben!.told()).toEqual(["copy ben"]);
    expect(ben!.state!.stage).toBe("member");
    expect(anna!.lines()).toContain("rejoined");
    anna!.post("hello again");
    world.run(2_000);
    expect(anna!.texts()).toEqual(["before the copy", "after the copy", "from the copy", "hello again"]);
    expect(ben!.texts()).toContain("from the copy");
    expect(ben!.texts()).toContain("hello again");
    expectConverged(world);
  });

  it("while nobody is there to add it, it waits, and the log that it does not read is no alarm", () => {
    const world = new World("lonely copy");
    const [anna, ben] = roomOf(world, "anna", "ben");
    const copy = new Map(ben!.rows);
    ben!.post("after the copy");
    anna!.post("and more");
    world.run(1_000);
    anna!.disconnect();
    ben!.rows = copy;
    ben!.crash();
    world.run(600_000);
    expect(ben!.told()).toEqual(["copy ben"]);
    expect(ben!.state!.stage).toBe("rejoining");
    anna!.connect();
    world.run(60_000);
    expect(ben!.told()).toEqual(["copy ben"]);
    expect(ben!.state!.stage).toBe("member");
    expectConverged(world);
  });

  it("with a message on its way in both, nothing is said twice", () => {
    const world = new World("twins");
    const [anna, ben] = roomOf(world, "anna", "ben");
    ben!.disconnect();
    ben!.post("queued in both");
    const copy = new Map(ben!.rows);
    ben!.connect();
    world.run(1_000);
    expect(anna!.texts()).toEqual(["queued in both"]);
    ben!.rows = copy;
    ben!.crash();
    world.run(60_000);
    expect(ben!.told()).toEqual(["copy ben"]);
    expect(anna!.texts()).toEqual(["queued in both"]);
    expect(ben!.texts()).toEqual(["queued in both"]);
    expectConverged(world);
  });
});

describe("E39 what an old copy had still to say", () => {
  for (const deleted of ["before", "after"]) {
    it(`and its newer one had said, is not said twice, also where it was deleted ${deleted} it is found`, () => {
      const world = new World(`deleted ${deleted}`);
      const [anna, ben] = roomOf(world, "anna", "ben");
      ben!.disconnect();
      ben!.post("queued in both");
      const copy = new Map(ben!.rows);
      ben!.connect();
      world.run(1_000);
      anna!.disconnect();
      if (deleted === "before") world.ds.collect(ROOM);
      ben!.rows = copy;
      ben!.crash();
      world.run(5_000);
      // Where nothing of its own is left in the log, it does not even come to know of the other copy.
      expect(ben!.told()).toEqual(deleted === "before" ? [] : ["copy ben"]);
      world.ds.collect(ROOM, world.ds.room(ROOM).last);
      anna!.connect();
      world.run(60_000);
      expect(anna!.texts()).toEqual(["queued in both"]);
      expect(ben!.texts()).toEqual([]);
      expectConverged(world);
    });
  }
});

describe("E22 a device of a recovered account", () => {
  it("is added by somebody on its pin list, beside the old one", () => {
    const world = new World("recovered");
    const [anna, ben] = roomOf(world, "anna", "ben");
    const laptop = world.device("ben", "laptop");
    laptop.recover(ben!.pin());
    ben!.disconnect();
    world.run(20_000);
    expect(laptop.state!.stage).toBe("member");
    expect(laptop.view().title).toBe("Tuesday group");
    laptop.post("from my new laptop");
    world.run(1_000);
    expect(anna!.texts()).toEqual(["from my new laptop"]);
    ben!.connect();
    world.run(5_000);
    expect(ben!.texts()).toEqual(["from my new laptop"]);
    expectConverged(world);
  });

  it("takes no Welcome of anybody else", () => {
    const world = new World("not pinned");
    const [anna, ben] = roomOf(world, "anna", "ben");
    const pin = ben!.pin();
    const accounts = pin.accounts.filter(({ accountId }) => !equal(accountId, anna!.me.accountId));
    const laptop = world.device("ben", "laptop");
    laptop.recover({ ...pin, accounts });
    ben!.disconnect();
    world.run(20_000);
    expect(laptop.state!.stage).toBe("rejoining");
    expect(laptop.told()).toContain("welcome");
    expect(laptop.state!.membership).toBe(null);
  });
});
