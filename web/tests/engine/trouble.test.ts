import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Device, linkOf } from "./device";
import { House } from "./house";

let house: House;
let devices: Device[] = [];

beforeAll(async () => {
  house = await House.open();
}, 90_000);
afterEach(async () => {
  for (const device of devices) await device.stop();
  devices = [];
});
afterAll(() => house?.close());

type Person = Device & { readonly code: string };

async function person(link: string, name: string): Promise<Person> {
  const device = await Device.started(house);
  devices.push(device);
  const code = await device.join(link, name);
  await device.online();
  return Object.assign(device, { code });
}

/** A group of people who have all opened it and know each other's names. */
async function group<N extends readonly string[]>(
  ...names: N
): Promise<{ roomId: string; people: { readonly [K in keyof N]: Person } }> {
  const [first = "", ...rest] = names;
  const founder = await person(house.founderLink(), first);
  const roomId = await founder.engine.startGroup({ title: "Thursday" });
  await founder.engine.openRoom(roomId);
  const people = [founder];
  for (const name of rest) {
    const { url } = await founder.engine.createInvite(roomId);
    const one = await person(linkOf(url), name);
    await one.tab.group("Thursday");
    await one.engine.openRoom(roomId);
    people.push(one);
  }
  for (const one of people) {
    await one.tab.until("everybody's name", () => {
      const members = one.tab.rooms.get(roomId)?.members ?? [];
      return members.length === names.length && members.every(({ name }) => names.includes(name));
    });
  }
  return { roomId, people: people as unknown as { readonly [K in keyof N]: Person } };
}

const say = (device: Device, roomId: string, text: string): Promise<void> =>
  device.engine.post({ roomId, text, replyTo: null });

describe("a conversation under bad luck", () => {
  test("written offline, kept over a reload, sent when the network is back", async () => {
    const { roomId, people } = await group("Anna", "Bert");
    const [anna, bert] = people;
    anna.network(false);
    await anna.tab.until("offline", () => anna.tab.open.connection !== "online");
    await say(anna, roomId, "written offline");
    expect((await anna.tab.post(roomId, "written offline")).delivery).toBe("queued");
    await anna.reload();
    await anna.unlock();
    await anna.engine.openRoom(roomId);
    expect((await anna.tab.post(roomId, "written offline")).delivery).toBe("queued");
    anna.network(true);
    await bert.tab.post(roomId, "written offline");
    await anna.tab.until("delivered", () =>
      anna.tab.posts(roomId).some((one) => one.delivery === "delivered"),
    );
    expect(bert.tab.texts(roomId)).toEqual(["written offline"]);
  });

  test("the server is killed in the middle of it: nothing is lost, nothing comes twice, the order stays", async () => {
    const { roomId, people } = await group("Anna", "Bert");
    const [anna, bert] = people;
    const expected: string[] = [];
    for (let i = 0; i < 30; i++) {
      expected.push(`message ${i}`);
      await say(anna, roomId, `message ${i}`);
      if (i === 10) await house.kill();
      if (i === 20) await house.start();
    }
    await bert.tab.post(roomId, "message 29");
    await anna.tab.until("all on the server", () =>
      anna.tab.posts(roomId).every(({ delivery }) => delivery !== "queued"),
    );
    expect(bert.tab.texts(roomId)).toEqual(expected);
    expect(anna.tab.texts(roomId)).toEqual(expected);
    await say(bert, roomId, "still here");
    await anna.tab.post(roomId, "still here");
  });

  test("two hundred messages while one is away", async () => {
    const { roomId, people } = await group("Anna", "Bert");
    const [anna, bert] = people;
    await bert.stop();
    for (let i = 0; i < 200; i++) await say(anna, roomId, `message ${i}`);
    await bert.start();
    await bert.unlock();
    await bert.engine.openRoom(roomId);
    await bert.tab.post(roomId, "message 199");
    // The newest 150, and the rest when it is asked for.
    expect(bert.tab.rooms.get(roomId)!.items).toHaveLength(150);
    expect(bert.tab.rooms.get(roomId)!.older).toBe(true);
    await bert.engine.loadOlder(roomId);
    await bert.tab.until("the older ones", () => bert.tab.posts(roomId).length === 200);
    expect(bert.tab.texts(roomId)).toEqual(Array.from({ length: 200 }, (_, i) => `message ${i}`));
    expect((await bert.tab.group("Thursday")).unread).toBe(200);
    const last = bert.tab.posts(roomId).at(-1)!;
    await bert.engine.markRead({ roomId, n: last.n });
    await bert.tab.until("read", () => bert.tab.open.groups[0]?.unread === 0);
    expect(bert.tab.open.groups[0]?.lastText).toBe("message 199");
  });

  test("both write at once while members come and go: all read the same", async () => {
    const { roomId, people } = await group("Anna", "Bert");
    const [anna, bert] = people;
    const { url } = await anna.engine.createInvite(roomId);
    const writing = (async () => {
      for (let i = 0; i < 15; i++) {
        await Promise.all([say(anna, roomId, `a${i}`), say(bert, roomId, `b${i}`)]);
      }
    })();
    const carla = await person(linkOf(url), "Carla");
    await carla.tab.group("Thursday");
    await writing;
    await anna.tab.until("all", () => anna.tab.posts(roomId).length === 30);
    await bert.tab.until("all", () => bert.tab.posts(roomId).length === 30);
    await anna.tab.until("all sent", () => anna.tab.posts(roomId).every(({ n }) => n > 0));
    await bert.tab.until("all sent", () => bert.tab.posts(roomId).every(({ n }) => n > 0));
    expect(bert.tab.texts(roomId)).toEqual(anna.tab.texts(roomId));
    for (const device of [anna, bert, carla]) expect(device.tab.open.alarms).toEqual([]);
  });
});

describe("who is in it", () => {
  test("one is removed and told, reads nothing more, and comes back by a new invite", async () => {
    const { roomId, people } = await group("Anna", "Bert", "Carla");
    const [anna, bert, carla] = people;
    await say(anna, roomId, "before");
    await bert.tab.post(roomId, "before");
    const who = anna.tab.rooms.get(roomId)!.members.find(({ name }) => name === "Bert")!;
    await anna.engine.removeMember({ roomId, accountId: who.accountId });
    await bert.tab.until("removed", () => bert.tab.open.groups[0]?.state === "removed");
    await carla.tab.until("two", () => carla.tab.rooms.get(roomId)?.members.length === 2);
    await say(anna, roomId, "after");
    await carla.tab.post(roomId, "after");
    expect(bert.tab.texts(roomId)).toEqual(["before"]);
    await expect(say(bert, roomId, "me too")).rejects.toMatchObject({ code: "room_closed" });
    await bert.reload();
    await bert.unlock();
    expect((await bert.tab.group("Thursday")).state).toBe("removed");

    const { url } = await anna.engine.createInvite(roomId);
    await bert.online();
    await bert.engine.acceptInvite(linkOf(url));
    await bert.tab.until("ready", () => bert.tab.open.groups[0]?.state === "ready");
    await bert.engine.openRoom(roomId);
    await say(bert, roomId, "back again");
    await carla.tab.post(roomId, "back again");
    expect(bert.tab.texts(roomId)).toEqual(["before", "back again"]);
  });

  test("one leaves", async () => {
    const { roomId, people } = await group("Anna", "Bert");
    const [anna, bert] = people;
    await bert.engine.leave(roomId);
    await bert.tab.until("left", () => bert.tab.open.groups[0]?.state === "left");
    await anna.tab.until("alone", () => anna.tab.rooms.get(roomId)?.members.length === 1);
    await say(anna, roomId, "alone");
    await anna.tab.until("sent", () => anna.tab.posts(roomId).every(({ n }) => n > 0));
  });

  test("an invite is withdrawn, or given up by whom it was for", async () => {
    const { roomId, people } = await group("Anna");
    const [anna] = people;
    const { url } = await anna.engine.createInvite(roomId);
    const [open] = await anna.tab.until("the open invite", () => anna.tab.rooms.get(roomId)?.invites);
    expect(open).toMatchObject({ mine: true, by: "Anna" });
    await anna.engine.revokeInvite({ roomId, inviteId: open!.inviteId });
    await anna.tab.until("none", () => anna.tab.rooms.get(roomId)?.invites.length === 0);
    const bert = await Device.started(house);
    devices.push(bert);
    await expect
      .poll(() => bert.engine.inspectLink(linkOf(url)), { timeout: 10_000 })
      .toEqual({ kind: "refused", code: "link_unknown" });

    const other = await anna.engine.createInvite(roomId);
    anna.network(false);
    await bert.join(linkOf(other.url), "Bert");
    await bert.tab.until("waiting", () => bert.tab.open.waiting[0]?.state === "waiting");
    await bert.engine.cancelWaiting(bert.tab.open.waiting[0]!.inviteId);
    await bert.tab.until("given up", () => bert.tab.open.waiting.length === 0);
    anna.network(true);
    await anna.tab.until("two", () => anna.tab.rooms.get(roomId)?.members.length === 2);
    expect(bert.tab.open.groups).toEqual([]); // E25: nobody waits for this Welcome
  });

  test.each(["the first", "the second"])(
    "of two invitations into one group %s is answered",
    async (which) => {
      const { roomId, people } = await group("Anna");
      const [anna] = people;
      const bert = await person(house.founderLink(), "Bert");
      const links = [await anna.engine.createInvite(roomId), await anna.engine.createInvite(roomId)];
      const invites = await anna.tab.until("both", () => {
        const open = anna.tab.rooms.get(roomId)?.invites ?? [];
        return open.length === 2 && open;
      });
      anna.network(false);
      for (const { url } of links) await bert.engine.acceptInvite(linkOf(url));
      await bert.tab.until("waiting", () => bert.tab.open.waiting.every(({ state }) => state === "waiting"));
      // The one that is withdrawn leads nowhere, whichever Bert asked by first.
      const asked = bert.tab.open.waiting[which === "the first" ? 1 : 0]!.inviteId;
      const withdrawn = invites.find(({ inviteId }) => inviteId === asked)!;
      await anna.engine.revokeInvite({ roomId, inviteId: withdrawn.inviteId });
      anna.network(true);
      await bert.tab.group("Thursday");
      await bert.engine.openRoom(roomId);
      await say(bert, roomId, "here");
      await say(anna, roomId, "welcome");
      for (const one of [anna, bert]) await one.tab.post(roomId, one === anna ? "here" : "welcome");
      expect(bert.tab.open.waiting).toEqual([]);
      expect(bert.tab.open.alarms).toEqual([]);
    },
  );

  test("a group begun while the list of groups is on its way to the server is on the next one (E22)", async () => {
    const anna = await person(house.founderLink(), "Anna");
    const lists = () => anna.browser.answered.filter((call) => call === "PUT /api/backup").length;
    let release = (): void => {};
    const before = lists();
    anna.browser.hold = { path: "/api/backup", until: new Promise((done) => (release = done)) };
    await anna.engine.startGroup({ title: "Thursday" });
    await expect.poll(lists, { timeout: 10_000 }).toBe(before + 1);
    await anna.engine.startGroup({ title: "Friday" });
    anna.browser.hold = null;
    release();
    await expect.poll(lists, { timeout: 10_000 }).toBe(before + 2);
  });

  test("with an account: an invite to a second group; twice is once; one's own is refused", async () => {
    const { roomId, people } = await group("Anna", "Bert");
    const [anna, bert] = people;
    const second = await anna.engine.startGroup({ title: "Friday" });
    const { url } = await anna.engine.createInvite(second);
    await bert.engine.acceptInvite(linkOf(url));
    await bert.tab.group("Friday");
    await expect(bert.engine.acceptInvite(linkOf(url))).rejects.toMatchObject({ code: "link_unknown" });
    const again = await anna.engine.createInvite(roomId);
    await expect(bert.engine.acceptInvite(linkOf(again.url))).rejects.toMatchObject({ code: "link_member" });
  });

  test("names and titles change for everybody", async () => {
    const { roomId, people } = await group("Anna", "Bert");
    const [anna, bert] = people;
    await anna.engine.rename({ roomId, title: "Every second Thursday" });
    await bert.tab.group("Every second Thursday");
    await bert.engine.setName("Bertram");
    await anna.tab.until("the new name", () =>
      anna.tab.rooms.get(roomId)!.members.some(({ name }) => name === "Bertram"),
    );
    expect(bert.tab.open.me.name).toBe("Bertram");
    await bert.reload();
    await bert.unlock();
    expect((await bert.tab.stage("open")).me.name).toBe("Bertram");
    await anna.engine.typing(roomId);
    await bert.engine.openRoom(roomId);
    await bert.tab.until("online", () => bert.tab.open.connection === "online");
  });

  test("E9: a removed device leaves every room", async () => {
    const { roomId, people } = await group("Anna", "Bert");
    const [anna, bert] = people;
    await anna.tab.until("the backup", () => anna.browser.answered.includes("PUT /api/backup"));
    const second = await Device.started(house);
    devices.push(second);
    await second.engine.recover({ code: anna.code, protection: second.protection });
    await second.tab.until("ready", () => second.tab.open.groups[0]?.state === "ready");
    await second.engine.openRoom(roomId);
    const countOf = (device: Device): number | undefined =>
      device.tab.rooms.get(roomId)?.members.find(({ name }) => name === "Anna")?.devices;
    await bert.tab.until("two devices", () => countOf(bert) === 2);
    const first = (await second.engine.devices()).find(({ current }) => !current)!;
    await second.engine.revokeDevice(first.deviceId);
    await bert.tab.until("one device", () => countOf(bert) === 1);
    await second.tab.until("confirmed", () => !second.tab.rooms.get(roomId)?.provisional);
    await say(second, roomId, "from the new one");
    await bert.tab.post(roomId, "from the new one");
    await anna.tab.until("told", () => anna.tab.open.alarms.some(({ code }) => code === "device_removed"));
    expect(anna.tab.texts(roomId)).toEqual([]);
  });
});

describe("what was lost on the way", () => {
  test("the answer to a new room", async () => {
    const anna = await person(house.founderLink(), "Anna");
    await anna.online();
    anna.browser.lose = { path: "/api/rooms", what: "answer" };
    await expect(anna.engine.startGroup({ title: "Lost" })).rejects.toMatchObject({ code: "offline" });
    const roomId = await anna.engine.startGroup({ title: "Found" });
    expect((await anna.tab.group("Found")).roomId).toBe(roomId);
    expect(anna.tab.open.groups).toHaveLength(1);
  });

  test("the engine, between the server's word and the vault's: the group is there after the next start", async () => {
    const anna = await person(house.founderLink(), "Anna");
    await anna.online();
    anna.storage.left = 2; // the intention is stored, what follows is not
    anna.engine.startGroup({ title: "Begun" }).catch(() => undefined);
    await anna.tab.until("the end", () => anna.storage.left <= 0);
    await anna.stop();
    anna.storage.left = Number.POSITIVE_INFINITY;
    await anna.start();
    await anna.unlock();
    const { roomId } = await anna.tab.group("Begun");
    await anna.engine.openRoom(roomId);
    await say(anna, roomId, "after all");
    await anna.tab.until("sent", () => anna.tab.posts(roomId).some(({ n }) => n > 0));
  });

  test("the join request, or its answer", async () => {
    for (const what of ["request", "answer"] as const) {
      const { roomId, people } = await group("Anna");
      const [anna] = people;
      const { url } = await anna.engine.createInvite(roomId);
      const bert = await Device.started(house);
      devices.push(bert);
      bert.browser.lose = { path: "/api/join-requests", what };
      await bert.join(linkOf(url), "Bert");
      await bert.reload();
      await bert.unlock();
      await bert.tab.group("Thursday");
    }
  });
});

describe("a full disk in the middle of it", () => {
  test("what cannot be stored is not sent; what cannot be kept stops the engine, and nothing is lost", async () => {
    const { roomId, people } = await group("Anna", "Bert");
    const [anna, bert] = people;
    // What came with Bert is stored: a write for that would be refused first, and is nobody's call.
    await say(anna, roomId, "welcome");
    await bert.tab.post(roomId, "welcome");
    await say(bert, roomId, "thank you");
    await anna.tab.post(roomId, "thank you");
    anna.storage.refuse = "storage_full";
    await expect(say(anna, roomId, "no room")).rejects.toMatchObject({ code: "storage_full" });
    expect(anna.tab.texts(roomId)).toEqual(["welcome", "thank you"]);
    anna.storage.refuse = null;
    await say(anna, roomId, "room again");
    await bert.tab.post(roomId, "room again");
    expect(bert.tab.texts(roomId)).toEqual(["welcome", "thank you", "room again"]);

    bert.storage.refuse = "storage_full";
    await say(anna, roomId, "for a full device");
    expect(await bert.tab.stage("failed")).toEqual({ stage: "failed", code: "storage_full" });
    bert.storage.refuse = null;
    await bert.reload();
    await bert.unlock();
    await bert.engine.openRoom(roomId);
    await bert.tab.post(roomId, "for a full device");
    await say(bert, roomId, "I have it");
    await anna.tab.post(roomId, "I have it");
    expect(anna.tab.open.alarms).toEqual([]);
  });

  test("killed at any write: the next start goes on without a double and without a gap", async () => {
    const { roomId, people } = await group("Anna", "Bert");
    const [anna, bert] = people;
    const expected: string[] = [];
    for (let left = 1; left <= 6; left++) {
      anna.storage.left = left;
      const texts = [`${left} first`, `${left} second`];
      const done = await Promise.allSettled(texts.map((text) => say(anna, roomId, text)));
      await anna.tab.until(
        "the end",
        () => anna.storage.left <= 0 || done.every((one) => one.status === "fulfilled"),
      );
      expected.push(...texts.filter((_, i) => done[i]!.status === "fulfilled"));
      await anna.stop();
      anna.storage.left = Number.POSITIVE_INFINITY;
      await anna.start();
      await anna.unlock();
      await anna.engine.openRoom(roomId);
      await anna.tab.until("all sent", () => anna.tab.posts(roomId).every(({ n }) => n > 0));
      await anna.tab.until("all there", () =>
        expected.every((text) => anna.tab.texts(roomId).includes(text)),
      );
    }
    await say(anna, roomId, "the last");
    await bert.tab.post(roomId, "the last");
    const read = bert.tab.texts(roomId);
    expect(read).toEqual(anna.tab.texts(roomId));
    expect(new Set(read).size).toBe(read.length);
    for (const text of expected) expect(read).toContain(text);
    expect(bert.tab.open.alarms).toEqual([]);
    expect(anna.tab.open.alarms).toEqual([]);
  });
});

describe("E39: a vault from an older copy", () => {
  test("finds traffic of its own, throws its keys away, says so, and is let in again", async () => {
    const { roomId, people } = await group("Anna", "Bert");
    const [anna, bert] = people;
    await say(bert, roomId, "first");
    await anna.tab.post(roomId, "first");
    const old = bert.storage.copy();
    await say(bert, roomId, "second");
    await anna.tab.post(roomId, "second");
    await bert.stop();
    const copy = await bert.clone(old);
    devices.push(copy);
    await copy.unlock();
    await copy.tab.until("the alarm", () => copy.tab.open.alarms.some(({ code }) => code === "copy"));
    await copy.tab.until("let in again", () => copy.tab.open.groups[0]?.state === "ready");
    await copy.engine.openRoom(roomId);
    await copy.tab.until("confirmed", () => !copy.tab.rooms.get(roomId)?.provisional);
    await say(copy, roomId, "third");
    await anna.tab.post(roomId, "third");
    expect(anna.tab.open.alarms.map(({ code }) => code)).not.toContain("fork");
  });
});

describe("a clock that is wrong by a day", () => {
  test("is said, and does not hinder writing", async () => {
    const { roomId, people } = await group("Anna", "Bert");
    const [anna, bert] = people;
    await bert.stop();
    bert.ahead = 24 * 3_600_000;
    await bert.start();
    await bert.unlock();
    await bert.online();
    expect(Math.abs(bert.tab.open.clockOffMinutes - 24 * 60)).toBeLessThan(2);
    await bert.engine.openRoom(roomId);
    await say(bert, roomId, "tomorrow");
    await anna.tab.post(roomId, "tomorrow");
    expect(anna.tab.open.clockOffMinutes).toBe(0);
  });
});
