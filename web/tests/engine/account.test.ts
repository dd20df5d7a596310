import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { utf8 } from "../../src/bytes/bytes";
import { IDLE_LOCK_MS } from "../../src/engine/api";
import { formatRecoveryCode, parseRecoveryCode } from "../../src/identity/recoveryCode";
import { Device } from "./device";
import { House } from "./house";

let house: House;

beforeAll(async () => {
  house = await House.open();
}, 90_000);
afterAll(() => house?.close());

const PASSPHRASE = { kind: "passphrase", passphrase: "correct horse battery" } as const;

describe("an account and its vault", () => {
  test("from a founder's link to an open account, and back after a reload", async () => {
    const link = house.founderLink();
    const device = await Device.fresh(house);
    await device.tab.stage("empty");
    expect(await device.engine.inspectLink(link)).toEqual({ kind: "founder" });
    expect(await device.engine.inspectLink(`${house.origin}/join#${link}`)).toEqual({ kind: "founder" });
    await device.engine.createAccount({ link, name: "  Anna   Berg ", protection: device.protection });
    const { code, ask } = await device.tab.stage("recovery");
    expect(new Set(ask).size).toBe(2);
    const groups = code.split("-");

    // Until it was typed back, a reload shows it again.
    await device.reload();
    expect((await device.tab.stage("locked")).ways.passphrase).toBe(false);
    await device.engine.unlock(device.protection);
    expect(await device.tab.stage("recovery")).toEqual({ stage: "recovery", code, ask });
    await expect(device.engine.confirmRecovery(["0000", "0000"])).rejects.toMatchObject({
      code: "recovery_code_typed",
    });
    await device.engine.confirmRecovery(ask.map((place) => groups[place]!.toLowerCase()));
    const open = await device.tab.stage("open");
    expect(open.me.name).toBe("Anna Berg");
    await device.online();

    // E39: nothing readable on the disk. E6: the code is nowhere.
    expect(device.storage.holds(utf8("Anna Berg"))).toBe(false);
    expect(device.storage.holds(parseRecoveryCode(code))).toBe(false);

    // Used up: the same link opens nothing any more.
    expect(await device.engine.inspectLink(link)).toEqual({ kind: "refused", code: "link_unknown" });
    await expect(
      device.engine.createAccount({ link, name: "Anna", protection: device.protection }),
    ).rejects.toMatchObject({ code: "account_exists" });
    await device.stop();
  });

  test("locked is locked; each wrong opener says so; the recovery code opens", async () => {
    const device = await Device.started(house);
    const code = await device.join(house.founderLink(), "Anna");
    await device.engine.lock();
    await device.tab.stage("locked");
    await expect(device.engine.devices()).rejects.toMatchObject({ code: "not_open" });
    await expect(device.engine.openRoom("AAAAAAAAAAAAAAAAAAAAAA")).rejects.toMatchObject({
      code: "not_open",
    });
    const wrong = { ...device.protection, prf: new Uint8Array(32) };
    await expect(device.engine.unlock(wrong)).rejects.toMatchObject({ code: "wrong_opener" });

    // The passkey is gone: the code opens, and a passphrase takes its place.
    await expect(
      device.engine.unlockWithCode({ code: code.replace(/.$/, "*"), protection: PASSPHRASE }),
    ).rejects.toMatchObject({ code: "recovery_code_letters" });
    const other = await Device.started(house);
    const another = await other.join(house.founderLink(), "Otto");
    await other.stop();
    await expect(
      device.engine.unlockWithCode({ code: another, protection: PASSPHRASE }),
    ).rejects.toMatchObject({ code: "recovery_code_other" });
    await device.engine.unlockWithCode({ code, protection: PASSPHRASE });
    await device.tab.stage("open");
    await device.engine.lock();
    expect((await device.tab.stage("locked")).ways).toEqual({ passphrase: true, passkey: null });
    await expect(device.engine.unlock(device.protection)).rejects.toMatchObject({ code: "wrong_opener" });
    await expect(device.engine.unlock({ ...PASSPHRASE, passphrase: "correct horse" })).rejects.toMatchObject({
      code: "wrong_opener",
    });
    await device.engine.unlock(PASSPHRASE);
    await device.tab.stage("open");
    await device.stop();
  });

  test("ten idle minutes by the clock lock it", async () => {
    const device = await Device.started(house);
    await device.join(house.founderLink(), "Anna");
    device.ahead = IDLE_LOCK_MS - 30_000;
    await device.engine.active();
    device.ahead += IDLE_LOCK_MS;
    await device.tab.stage("locked");
    await device.stop();
  });

  test("a request or an answer that was lost makes no second account and loses no link", async () => {
    for (const what of ["request", "answer"] as const) {
      for (const goOn of ["again", "reload"] as const) {
        const link = house.founderLink();
        const device = await Device.started(house);
        device.browser.lose = { path: "/api/accounts", what };
        const request = { link, name: "Anna", protection: device.protection };
        await expect(device.engine.createAccount(request)).rejects.toMatchObject({ code: "offline" });
        expect(device.tab.app).toEqual({ stage: "empty" });
        if (goOn === "again") await device.engine.createAccount({ ...request, name: "Anna B." });
        else {
          await device.reload();
          await device.unlock();
        }
        await device.tab.stage("recovery");
        await device.stop();
      }
    }
  });

  test("a link that the server refuses leaves nothing behind", async () => {
    const device = await Device.started(house);
    const link = `f.${"A".repeat(43)}`;
    expect(await device.engine.inspectLink(link)).toEqual({ kind: "refused", code: "link_unknown" });
    await expect(
      device.engine.createAccount({ link, name: "Anna", protection: device.protection }),
    ).rejects.toMatchObject({ code: "link_unknown" });
    expect(device.storage.wraps).toEqual([]);
    expect(device.storage.rows.size).toBe(0);
    await device.engine.createAccount({
      link: house.founderLink(),
      name: "Anna",
      protection: device.protection,
    });
    await device.tab.stage("recovery");
    await device.stop();
  });

  test("what is typed wrong is said before anything is made", async () => {
    const device = await Device.started(house);
    const good = { link: house.founderLink(), name: "Anna", protection: device.protection };
    const cases = [
      [{ name: "   " }, "name_invalid"],
      [{ name: "x".repeat(200) }, "name_invalid"],
      [{ name: "Anna\u202eanna" }, "name_invalid"],
      [{ link: good.link.slice(0, -1) }, "link_incomplete"],
      [{ link: "" }, "link_incomplete"],
      [{ link: "https://elsewhere.example/join#f.AAAA" }, "link_other_server"],
      [{ protection: { kind: "passphrase", passphrase: "short" } as const }, "passphrase_short"],
      [{ protection: { ...device.protection, prf: new Uint8Array(31) } }, "passkey_refused"],
    ] as const;
    for (const [change, code] of cases) {
      await expect(device.engine.createAccount({ ...good, ...change })).rejects.toMatchObject({ code });
    }
    expect(device.storage.changes).toEqual([]);
    await device.stop();
  });

  test("a device is removed from another one, and knows it", async () => {
    const first = await Device.started(house);
    const code = await first.join(house.founderLink(), "Anna");
    const second = await Device.started(house);
    await second.engine.recover({ code, protection: second.protection });
    await second.tab.stage("open");
    expect(second.tab.open.me.name).toBe("Anna");
    const devices = await second.engine.devices();
    expect(devices.map(({ current }) => current)).toEqual([false, true]);
    await expect(second.engine.revokeDevice(devices[1]!.deviceId)).rejects.toMatchObject({
      code: "not_allowed",
    });
    await second.engine.revokeDevice(devices[0]!.deviceId);
    expect(await second.engine.devices()).toHaveLength(1);
    await first.tab.until("the alarm", () =>
      first.tab.open.alarms.some((one) => one.code === "device_removed"),
    );
    expect(first.tab.open.connection).toBe("offline");
    await expect(first.engine.devices()).rejects.toMatchObject({ code: "signed_out" });
    await first.engine.forgetDevice();
    await first.tab.stage("empty");
    expect(first.storage.rows.size).toBe(0);
    await first.stop();
    await second.stop();
  });

  test("a recovery whose request or answer was lost goes on with the same device", async () => {
    const first = await Device.started(house);
    const code = await first.join(house.founderLink(), "Anna");
    let devices = 1;
    for (const what of ["request", "answer"] as const) {
      for (const goOn of ["again", "reload"] as const) {
        const device = await Device.started(house);
        device.browser.lose = { path: "/api/recovery/device", what };
        const request = { code, protection: device.protection };
        await expect(device.engine.recover(request)).rejects.toMatchObject({ code: "offline" });
        if (goOn === "again") await device.engine.recover(request);
        else {
          await device.reload();
          await device.unlock();
        }
        expect((await device.tab.stage("open")).me.name).toBe("Anna");
        expect(await device.engine.devices()).toHaveLength(++devices);
        await device.stop();
      }
    }
    await first.stop();
  });

  test("a code that belongs to nobody here", async () => {
    const device = await Device.started(house);
    const code = formatRecoveryCode(new Uint8Array(15)); // well-formed, and of no account
    await expect(device.engine.recover({ code, protection: device.protection })).rejects.toMatchObject({
      code: "recovery_code_unknown",
    });
    expect(device.storage.wraps).toEqual([]);
    await device.stop();
  });

  test("a session that is gone is made anew, once", async () => {
    const device = await Device.started(house);
    await device.join(house.founderLink(), "Anna");
    await device.online();
    device.browser.forgetCookies();
    expect(await device.engine.devices()).toHaveLength(1);
    expect(device.browser.calls.filter((one) => one === "POST /api/sign-in")).toHaveLength(1);
    await device.stop();
  });
});

describe("storage that fails", () => {
  test("denied from the beginning", async () => {
    const device = await Device.started(house);
    await device.stop();
    device.storage.refuse = "storage_denied";
    await device.start();
    expect(await device.tab.stage("failed")).toEqual({ stage: "failed", code: "storage_denied" });
    await device.stop();
  });

  test("full: no account is made", async () => {
    const device = await Device.started(house);
    device.storage.refuse = "storage_full";
    const request = { link: house.founderLink(), name: "Anna", protection: device.protection };
    await expect(device.engine.createAccount(request)).rejects.toMatchObject({ code: "storage_full" });
    expect(device.browser.calls).not.toContain("POST /api/accounts");
    device.storage.refuse = null;
    await device.engine.createAccount(request);
    await device.tab.stage("recovery");
    await device.stop();
  });

  test("damaged: it does not open, and says so", async () => {
    const device = await Device.started(house);
    await device.join(house.founderLink(), "Anna");
    await device.stop();
    for (const row of device.storage.rows.values()) row[row.length - 1]! ^= 1;
    await device.start();
    await device.tab.stage("locked");
    await expect(device.engine.unlock(device.protection)).rejects.toMatchObject({ code: "storage_damaged" });
    expect(device.tab.app.stage).toBe("locked");
    await device.stop();
  });

  test("evicted: nothing is here, and the code brings the account back", async () => {
    const device = await Device.started(house);
    const code = await device.join(house.founderLink(), "Anna");
    await device.stop();
    device.storage.wraps = [];
    device.storage.rows.clear();
    await device.start();
    await device.tab.stage("empty");
    await device.engine.recover({ code, protection: device.protection });
    expect((await device.tab.stage("open")).me.name).toBe("Anna");
    await device.stop();
  });

  test("E39: another engine wrote to the same vault: this one stops", async () => {
    const device = await Device.started(house);
    await device.join(house.founderLink(), "Anna");
    const twin = await device.clone(device.storage);
    await twin.unlock();
    await twin.tab.stage("open");
    await twin.engine.setName("Anna the second");
    await expect(device.engine.setName("Anna the first")).rejects.toMatchObject({ code: "storage_conflict" });
    expect(await device.tab.stage("failed")).toEqual({ stage: "failed", code: "other_tab" });
    await device.stop();
    await twin.stop();
  });
});
