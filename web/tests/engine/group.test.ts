import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Device, linkOf } from "./device";
import { House } from "./house";

let house: House;

beforeAll(async () => {
  house = await House.open();
}, 60_000);
afterAll(() => house?.close());

describe("three engines in one group", () => {
  test("founder, invites, messages both ways, reload, lock, recovery", async () => {
    const anna = await Device.fresh(house);
    await anna.join(house.founderLink(), "Anna");
    await anna.tab.until("online", () => anna.tab.open.connection === "online");
    const roomId = await anna.engine.startGroup({ title: "Thursday group" });
    const group = await anna.tab.group("Thursday group");
    expect(group.roomId).toBe(roomId);
    await anna.engine.openRoom(roomId);
    await anna.engine.post({ roomId, text: "hello to myself", replyTo: null });
    await anna.tab.until("on the server", () =>
      anna.tab.posts(roomId).some(({ delivery }) => delivery !== "queued"),
    );

    const { url } = await anna.engine.createInvite(roomId);
    expect(url.startsWith(`${house.origin}/join#`)).toBe(true);
    const bert = await Device.fresh(house);
    expect((await bert.engine.inspectLink(linkOf(url))).kind).toBe("invite");
    const code = await bert.join(linkOf(url), "Bert");
    await bert.tab.group("Thursday group");
    await bert.engine.openRoom(roomId);
    await bert.engine.post({ roomId, text: "hello Anna", replyTo: null });
    const seen = await anna.tab.post(roomId, "hello Anna");
    expect(seen.author).toMatchObject({ name: "Bert", standing: "introduced" });
    await anna.engine.post({ roomId, text: "hello Bert", replyTo: seen.id });
    const answer = await bert.tab.post(roomId, "hello Bert");
    expect(answer.replyTo).toMatchObject({ id: seen.id, text: "hello Anna" });
    await bert.tab.until("delivered", () =>
      bert.tab.posts(roomId).some((one) => one.text === "hello Anna" && one.delivery === "delivered"),
    );

    // A third, and messages for all.
    const second = await anna.engine.createInvite(roomId);
    const carla = await Device.fresh(house);
    await carla.join(linkOf(second.url), "Carla");
    await carla.tab.group("Thursday group");
    await carla.engine.openRoom(roomId);
    await carla.engine.post({ roomId, text: "here I am", replyTo: null });
    await anna.tab.post(roomId, "here I am");
    await bert.tab.post(roomId, "here I am");

    // The worker ends and begins anew: everything is there, and what came meanwhile comes.
    await bert.stop();
    await anna.engine.post({ roomId, text: "while Bert was away", replyTo: null });
    await bert.start();
    await bert.engine.unlock(bert.protection);
    await bert.tab.group("Thursday group");
    await bert.engine.openRoom(roomId);
    await bert.tab.post(roomId, "while Bert was away");
    expect(bert.tab.texts(roomId)).toEqual(["hello Anna", "hello Bert", "here I am", "while Bert was away"]);

    // Locked and opened again, a tab sees its rooms without asking.
    await bert.engine.lock();
    await bert.tab.stage("locked");
    bert.tab.rooms.clear();
    await bert.engine.unlock(bert.protection);
    await bert.tab.post(roomId, "while Bert was away");

    await bert.tab.until("the backup", () => bert.browser.answered.includes("PUT /api/backup"));

    // The device is lost: the code brings the person back, and the others bring them in.
    await bert.stop();
    const back = await Device.fresh(house);
    await back.engine.recover({ code, protection: back.protection });
    await back.tab.group("Thursday group");
    await back.engine.openRoom(roomId);
    await back.tab.until("ready", () => back.tab.rooms.get(roomId)?.state === "ready");
    await carla.engine.post({ roomId, text: "welcome back", replyTo: null });
    await back.tab.post(roomId, "welcome back");
    await back.engine.post({ roomId, text: "thank you", replyTo: null });
    const thanks = await carla.tab.post(roomId, "thank you");
    expect(thanks.author).toMatchObject({ name: "Bert", standing: "introduced" });
    expect(anna.tab.open.alarms).toEqual([]);

    for (const device of [anna, carla, back]) await device.stop();
  });
});
