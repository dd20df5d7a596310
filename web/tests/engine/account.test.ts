import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { utf8 } from "../../src/bytes/bytes";
import { IDLE_LOCK_MS } from "../../src/engine/api";
import { parseRecoveryCode } from "../../src/identity/recoveryCode";
import { Device } from "./device";
import { House } from "./house";

let house: House;
let link: string;

beforeAll(async () => {
  house = await House.open();
  link = await house.founderLink();
}, 60_000);
afterAll(() => house?.close());

describe("an account and its vault", () => {
  test("from a founder's link to an open account, and back after a reload", async () => {
    const device = await Device.fresh(house);
    await device.tab.stage("empty");
    expect(await device.engine.inspectLink(link)).toEqual({ kind: "founder" });
    await device.engine.createAccount({ link, name: "  Anna   Berg ", protection: device.protection });
    const { code, ask } = await device.tab.stage("recovery");
    expect(ask).toHaveLength(2);
    const groups = code.split("-");

    // Until it was typed back, a reload shows it again.
    await device.reload();
    expect((await device.tab.stage("locked")).ways.passphrase).toBe(false);
    await device.engine.unlock(device.protection);
    expect((await device.tab.stage("recovery")).code).toBe(code);
    await expect(device.engine.confirmRecovery(["0000", "0000"])).rejects.toMatchObject({
      code: "recovery_code_typed",
    });
    await device.engine.confirmRecovery(ask.map((place) => groups[place]!.toLowerCase()));
    const open = await device.tab.stage("open");
    expect(open.me.name).toBe("Anna Berg");
    await device.tab.until("online", () => device.tab.open.connection === "online");

    // E39: nothing readable on the disk. E6: the code is nowhere.
    expect(device.storage.holds(utf8("Anna Berg"))).toBe(false);
    expect(device.storage.holds(parseRecoveryCode(code))).toBe(false);

    // Used up: the same link opens nothing any more.
    expect(await device.engine.inspectLink(link)).toEqual({ kind: "refused", code: "link_unknown" });

    await device.engine.lock();
    await device.tab.stage("locked");
    await expect(device.engine.devices()).rejects.toMatchObject({ code: "not_open" });
    const wrong = { ...device.protection, prf: new Uint8Array(32) };
    await expect(device.engine.unlock(wrong)).rejects.toMatchObject({ code: "wrong_opener" });

    // The passkey is gone: the code opens, and a passphrase takes its place.
    const passphrase = { kind: "passphrase", passphrase: "correct horse battery" } as const;
    await expect(
      device.engine.unlockWithCode({ code: code.replace(/.$/, "*"), protection: passphrase }),
    ).rejects.toMatchObject({ code: "recovery_code_letters" });
    await device.engine.unlockWithCode({ code, protection: passphrase });
    await device.tab.stage("open");
    await device.engine.lock();
    expect((await device.tab.stage("locked")).ways).toEqual({ passphrase: true, passkey: null });
    await expect(device.engine.unlock(device.protection)).rejects.toMatchObject({ code: "wrong_opener" });
    await expect(
      device.engine.unlock({ kind: "passphrase", passphrase: "correct horse" }),
    ).rejects.toMatchObject({ code: "wrong_opener" });
    await device.engine.unlock(passphrase);
    await device.tab.stage("open");

    // Idle by the clock, not by a timer.
    device.ahead = IDLE_LOCK_MS - 30_000;
    await device.engine.active();
    device.ahead += IDLE_LOCK_MS;
    await device.tab.stage("locked");
    await device.stop();
  });
});
