import { describe, expect, test } from "vitest";
import { systemRng, toHex, utf8 } from "../../src/bytes/bytes";
import { StorageConflict } from "../../src/vault/storage";
import { storedWraps, Vault, type Way } from "../../src/vault/vault";
import { DamagedRow, openRow, rowKeys, sealRow, unwrap, WrongOpener, wrap } from "../../src/vault/wraps";
import { Killed, MemoryStorage } from "./memoryStorage";

const PRF: Way = { kind: "prf", output: new Uint8Array(32).fill(7), credentialId: "mine" };
const CODE: Way = { kind: "recovery", key: new Uint8Array(32).fill(9) };

describe("wraps of the vault key", () => {
  const key = new Uint8Array(32).fill(1);

  test("each kind opens with its own, and with nothing else", async () => {
    for (const opener of [PRF, CODE]) {
      const wrapped = await wrap(key, opener, systemRng);
      expect(await unwrap(wrapped, opener)).toEqual(key);
      for (const wrong of [
        { kind: "prf", output: new Uint8Array(32) } as const,
        { kind: "recovery", key: new Uint8Array(32) } as const,
        // The same bytes under another name: kinds are apart.
        { kind: "recovery", key: PRF.output } as const,
      ]) {
        await expect(unwrap(wrapped, wrong)).rejects.toBeInstanceOf(WrongOpener);
      }
      await expect(unwrap({ ...wrapped, kind: "passphrase" }, opener)).rejects.toBeInstanceOf(WrongOpener);
    }
  });

  test("a passphrase is the same on every keyboard, and costs 64 MiB each time", async () => {
    const wrapped = await wrap(
      key,
      { kind: "passphrase", passphrase: "Z\u00fcrich 2024 \u00e9t\u00e9" },
      systemRng,
    );
    const decomposed = "Zu\u0308rich 2024 e\u0301te\u0301";
    expect(await unwrap(wrapped, { kind: "passphrase", passphrase: decomposed })).toEqual(key);
    await expect(
      unwrap(wrapped, { kind: "passphrase", passphrase: "Zurich 2024 ete" }),
    ).rejects.toMatchObject({
      code: "wrong_opener",
    });
  });

  test("every wrap draws a new salt: its zero nonce seals one message", async () => {
    const [one, two] = [await wrap(key, PRF, systemRng), await wrap(key, PRF, systemRng)];
    expect(toHex(one.salt)).not.toBe(toHex(two.salt));
    expect(toHex(one.sealed)).not.toBe(toHex(two.sealed));
  });
});

describe("rows", () => {
  const { seal, name } = rowKeys(new Uint8Array(32).fill(3));

  test("open under their own name alone; any changed byte shows", () => {
    expect(toHex(seal)).not.toBe(toHex(name));
    const row = sealRow(seal, "account", utf8("secret"), systemRng);
    expect(openRow(seal, "account", row)).toEqual(utf8("secret"));
    expect(() => openRow(seal, "rooms", row)).toThrow(DamagedRow);
    for (let at = 0; at < row.length; at++) {
      const changed = row.slice();
      changed[at]! ^= 1;
      expect(() => openRow(seal, "account", changed)).toThrow(DamagedRow);
    }
    expect(() => openRow(seal, "account", new Uint8Array(3))).toThrow(DamagedRow);
  });
});

describe("the vault", () => {
  const rows = { account: { name: "Anna" }, list: [1, 2, 3] };
  const made = async (): Promise<{ storage: MemoryStorage; vault: Vault }> => {
    const storage = new MemoryStorage();
    return { storage, vault: await Vault.create(storage.open, [PRF, CODE], rows, systemRng) };
  };

  test("comes with its first rows in one transaction, and is read again", async () => {
    const { storage, vault } = await made();
    expect(storage.changes).toHaveLength(1);
    vault.close();
    const again = await Vault.unlock(storage.open, CODE, systemRng);
    expect(await again.getAll(["account", "list", "nothing"])).toEqual([rows.account, rows.list, null]);
    const wraps = await storedWraps(storage.open);
    expect(wraps.map(({ kind, credentialId }) => [kind, credentialId])).toEqual([
      ["prf", "mine"],
      ["recovery", undefined],
    ]);
  });

  test("is made once", async () => {
    const { storage } = await made();
    await expect(Vault.create(storage.open, [PRF], {}, systemRng)).rejects.toBeInstanceOf(StorageConflict);
    expect(storage.changes).toHaveLength(1);
  });

  test("E39: a row that another engine wrote meanwhile makes the whole write nothing", async () => {
    const { storage, vault } = await made();
    const other = await Vault.unlock(storage.open, PRF, systemRng);
    await other.getAll(["account", "list"]);
    await other.write({ put: { account: { name: "Otto" } } });
    const write = vault.write({ put: { list: [4], account: { name: "Anna 2" } } });
    await expect(write).rejects.toBeInstanceOf(StorageConflict);
    expect(await other.getAll(["account", "list"])).toEqual([{ name: "Otto" }, rows.list]);
    // A row that was dropped, or that appeared, counts as well.
    await other.write({ drop: ["list"] });
    await expect(vault.write({ drop: ["list"] })).rejects.toBeInstanceOf(StorageConflict);
    expect(await vault.get("new")).toBeNull();
    await other.write({ put: { new: 1 } });
    await expect(vault.write({ put: { new: 2 } })).rejects.toBeInstanceOf(StorageConflict);
  });

  test("an old copy put back under a running engine is seen at the next write", async () => {
    const { storage, vault } = await made();
    const old = storage.copy();
    await vault.write({ put: { account: { name: "Berta" } } });
    storage.rows = old.rows;
    await expect(vault.write({ put: { account: { name: "Carla" } } })).rejects.toBeInstanceOf(
      StorageConflict,
    );
  });

  test("a write happens whole or not at all", async () => {
    const { storage, vault } = await made();
    storage.left = 1;
    await expect(vault.write({ put: { account: 1, list: 2 }, drop: ["x"] })).rejects.toBeInstanceOf(Killed);
    storage.left = Number.POSITIVE_INFINITY;
    const again = await Vault.unlock(storage.open, PRF, systemRng);
    expect(await again.getAll(["account", "list"])).toEqual([rows.account, rows.list]);
  });

  test("a new protection takes the place of the old one; the code stays", async () => {
    const { storage, vault } = await made();
    const next: Way = { kind: "prf", output: new Uint8Array(32).fill(8), credentialId: "next" };
    await vault.protect(next);
    await expect(Vault.unlock(storage.open, PRF, systemRng)).rejects.toMatchObject({ code: "wrong_opener" });
    for (const way of [next, CODE]) {
      expect(await (await Vault.unlock(storage.open, way, systemRng)).get("account")).toEqual(rows.account);
    }
    expect((await storedWraps(storage.open)).find(({ kind }) => kind === "prf")?.credentialId).toBe("next");
    const wrong: Way = { kind: "recovery", key: new Uint8Array(32) };
    await expect(Vault.unlock(storage.open, wrong, systemRng)).rejects.toMatchObject({
      code: "recovery_code_other",
    });
  });

  test("names of rows cannot be read, and a closed vault reads nothing", async () => {
    const { storage, vault } = await made();
    for (const key of storage.rows.keys()) expect(key).toMatch(/^[0-9a-f]{32}$/);
    vault.close();
    await expect(vault.get("account")).resolves.toBeNull(); // its keys are gone: not even the name is found
  });
});
