import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fromBase64Url } from "../../src/bytes/bytes";
import { Device } from "./device";
import { House } from "./house";

let house: House;

beforeAll(async () => {
  house = await House.open();
}, 90_000);
afterAll(() => house?.close());

const ENDPOINT = "https://fcm.googleapis.com/fcm/send/abc";

async function opened(): Promise<Device> {
  const device = await Device.started(house);
  await device.join(house.founderLink(), "Anna");
  await device.online();
  return device;
}

const wakes = (device: Device, wanted: string): Promise<boolean> =>
  device.tab.until(`wakes ${wanted}`, () => device.tab.open.wakes === wanted);

describe("being woken", () => {
  test("is off, and on as soon as the server has heard where", async () => {
    const device = await opened();
    expect(device.tab.open.wakes).toBe("off");
    expect(fromBase64Url(await device.engine.pushKey()).length).toBe(65);
    await device.engine.setPush(ENDPOINT);
    await wakes(device, "on");
    // It lasts; and said again, the server hears it again.
    await device.reload();
    await device.unlock();
    await device.online();
    expect(device.tab.open.wakes).toBe("on");
    const before = device.browser.answered.length;
    await device.engine.setPush(ENDPOINT);
    await device.tab.until("the server's answer", () =>
      device.browser.answered.slice(before).includes("PUT /api/push"),
    );
    expect(device.tab.open.wakes).toBe("on");
    await device.engine.setPush(null);
    await wakes(device, "off");
    await device.tab.until("the server's answer", () => device.browser.answered.includes("DELETE /api/push"));
    await device.stop();
  });

  test("is refused where the server calls no such push service", async () => {
    const device = await opened();
    await device.engine.setPush("https://push.example.org/x");
    await wakes(device, "refused");
    await device.engine.setPush(ENDPOINT);
    await wakes(device, "on");
    const long = ENDPOINT + "x".repeat(1024);
    await expect(device.engine.setPush(long)).rejects.toMatchObject({ code: "push_refused" });
    expect(device.tab.open.wakes).toBe("on");
    await device.stop();
  });

  test("what is said without a network outlives the engine, and the last word counts", async () => {
    const device = await opened();
    device.network(false);
    await device.tab.until("no network", () => device.tab.open.connection !== "online");
    await device.engine.setPush(`${ENDPOINT}-first`);
    await device.engine.setPush(ENDPOINT);
    expect(device.tab.open.wakes).toBe("asking");
    await device.reload();
    await device.unlock();
    await device.tab.stage("open");
    expect(device.tab.open.wakes).toBe("asking");
    const before = device.browser.answered.length;
    device.network(true);
    await wakes(device, "on");
    const told = device.browser.answered.slice(before).filter((one) => one.endsWith("/api/push"));
    expect(told).toEqual(["PUT /api/push"]);
    await device.stop();
  });
});
