import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fromBase64Url, systemRng } from "../../src/bytes/bytes";
import type { Protection } from "../../src/engine/api";
import { Authenticator } from "./authenticator";
import { Device } from "./device";
import { House } from "./house";

let house: House;

beforeAll(async () => {
  house = await House.open();
}, 90_000);
afterAll(() => house?.close());

describe("a passkey with a server that knows it", () => {
  test("made before the account, registered after it, asked for before a device is removed", async () => {
    const anna = await Device.started(house);
    const key = await Authenticator.make(house.origin);
    const plan = await anna.engine.preparePasskey({ code: null });
    expect(fromBase64Url(plan.salt)).toHaveLength(32);
    const prf = systemRng(32);
    const registration = await key.create(plan.options);
    const protection: Protection = { kind: "passkey", prf, credentialId: key.credentialId, registration };
    await anna.engine.createAccount({ link: house.founderLink(), name: "Anna", protection });
    const { code, ask } = await anna.tab.stage("recovery");
    await anna.engine.confirmRecovery(ask.map((place) => code.split("-")[place]!));
    await anna.tab.until("registered", () => anna.browser.answered.includes("POST /api/passkeys/register"));
    await expect
      .poll(async () => (await anna.engine.confirmOptions()) as { allowCredentials: { id: string }[] })
      .toMatchObject({ allowCredentials: [{ id: key.credentialId }] });

    await anna.engine.lock();
    expect((await anna.tab.stage("locked")).ways.passkey).toEqual({
      credentialId: key.credentialId,
      salt: plan.salt,
    });
    await anna.engine.unlock({ kind: "passkey", prf, credentialId: key.credentialId, registration: null });
    await anna.tab.stage("open");

    // A recovered device makes its own passkey: the code counts as a confirmation.
    const other = await Device.started(house);
    const second = await Authenticator.make(house.origin);
    const again = await other.engine.preparePasskey({ code });
    await other.engine.recover({
      code,
      protection: {
        kind: "passkey",
        prf: systemRng(32),
        credentialId: second.credentialId,
        registration: await second.create(again.options),
      },
    });
    await other.tab.stage("open");
    await expect
      .poll(
        async () =>
          ((await other.engine.confirmOptions()) as { allowCredentials: unknown[] }).allowCredentials,
      )
      .toHaveLength(2);
    expect(other.tab.open.alarms).toEqual([]);

    // An ordinary session has to confirm, and nothing happens before it has.
    anna.browser.forgetCookies();
    const [first, last] = await anna.engine.devices();
    expect(first?.current).toBe(true);
    await expect(anna.engine.revokeDevice(last!.deviceId)).rejects.toMatchObject({ code: "confirm" });
    const options = await anna.engine.confirmOptions();
    const stranger = await Authenticator.make(house.origin);
    await expect(anna.engine.confirm(await stranger.get(options))).rejects.toMatchObject({
      code: "passkey_refused",
    });
    expect(await anna.engine.devices()).toHaveLength(2);
    await anna.engine.confirm(await key.get(await anna.engine.confirmOptions()));
    await anna.engine.revokeDevice(last!.deviceId);
    expect(await anna.engine.devices()).toHaveLength(1);
    await anna.stop();
    await other.stop();
  });

  test("a passkey that the server does not take is said; the vault opens with it all the same", async () => {
    const device = await Device.started(house);
    await device.engine.preparePasskey({ code: null });
    const key = await Authenticator.make("https://elsewhere.example");
    const registration = await key.create({ challenge: "AAAA" });
    const protection = { ...device.protection, registration } as Protection;
    await device.engine.createAccount({ link: house.founderLink(), name: "Anna", protection });
    const { code, ask } = await device.tab.stage("recovery");
    await device.engine.confirmRecovery(ask.map((place) => code.split("-")[place]!));
    await device.tab.until("the alarm", () =>
      device.tab.open.alarms.some((one) => one.code === "passkey_unregistered"),
    );
    await device.engine.dismissAlarm(device.tab.open.alarms[0]!.id);
    await device.tab.until("no alarm", () => device.tab.open.alarms.length === 0);
    await device.reload();
    await device.unlock();
    await device.tab.stage("open");
    await device.stop();
  });
});
