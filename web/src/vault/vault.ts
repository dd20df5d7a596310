import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";

import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import { equal, type Rng, toHex, utf8, wipe } from "../bytes/bytes";
import { decodeOne, encode } from "../wire/cbor";
import { type Opener, openRow, rowKeys, sealRow, unwrap, VAULT_KEY_BYTES, type Wrap, wrap } from "./wraps";

/**
 * Everything this device stores, encrypted under the vault key, in IndexedDB.
 *
 * A row is a named CBOR value. Names are stored as MACs, contents sealed; what remains readable is the number and the
 * size of rows. Writing is a compare-and-set: a transaction names the rows it read, and fails as a whole when one of
 * them is no longer what this engine last saw (E39: a ratchet state is never used twice).
 */

interface Schema extends DBSchema {
  wraps: { key: string; value: Wrap };
  rows: { key: string; value: Uint8Array };
}

const DATABASE = "collegium";
const VERSION = 1;
const MAX_ROW_BYTES = 64 * 1024 * 1024;
/** The public salt that a passkey's PRF is asked for; the same for everyone, since the credential is not. */
export type PasskeyHint = { readonly credentialId: string };

/** The stored row is not what this engine wrote last: another engine, or an old copy of the profile, was here. */
export class StorageConflict extends Error {
  readonly code = "storage_conflict";
}
/** The browser refuses storage, or has no room left. */
export class StorageRefused extends Error {
  constructor(
    readonly code: "storage_denied" | "storage_full",
    cause: unknown,
  ) {
    super(code, { cause });
  }
}

function storageError(error: unknown): unknown {
  if (!(error instanceof DOMException)) return error;
  if (error.name === "QuotaExceededError") return new StorageRefused("storage_full", error);
  const denied = ["SecurityError", "InvalidStateError", "UnknownError", "NotAllowedError"];
  return denied.includes(error.name) ? new StorageRefused("storage_denied", error) : error;
}

type Change = { readonly put?: Readonly<Record<string, unknown>>; readonly drop?: readonly string[] };

export class Vault {
  readonly #db: IDBPDatabase<Schema>;
  readonly #seal: Uint8Array;
  readonly #name: Uint8Array;
  readonly #vaultKey: Uint8Array;
  readonly #rng: Rng;
  /** The nonce of each row as this engine last read or wrote it; null: absent. */
  readonly #seen = new Map<string, Uint8Array | null>();

  private constructor(db: IDBPDatabase<Schema>, vaultKey: Uint8Array, rng: Rng) {
    const keys = rowKeys(vaultKey);
    this.#db = db;
    this.#seal = keys.seal;
    this.#name = keys.name;
    this.#vaultKey = vaultKey;
    this.#rng = rng;
  }

  static async #open(): Promise<IDBPDatabase<Schema>> {
    try {
      return await openDB<Schema>(DATABASE, VERSION, {
        upgrade(db) {
          db.createObjectStore("wraps");
          db.createObjectStore("rows");
        },
      });
    } catch (error) {
      throw storageError(error);
    }
  }

  /** The ways in to the vault of this device; empty when there is none. */
  static async ways(): Promise<ReadonlyMap<string, Wrap & { credentialId?: string }>> {
    const db = await Vault.#open();
    const keys = await db.getAllKeys("wraps");
    const values = await db.getAll("wraps");
    db.close();
    return new Map(keys.map((key, i) => [key, values[i]!]));
  }

  /** A new vault with the openers given. @throws StorageConflict when this device has one already. */
  static async create(openers: readonly (Opener & PasskeyHintOf)[], rng: Rng): Promise<Vault> {
    const vaultKey = rng(VAULT_KEY_BYTES);
    const wraps = await Promise.all(openers.map((opener) => wrap(vaultKey, opener, rng)));
    const db = await Vault.#open();
    const tx = db.transaction("wraps", "readwrite", { durability: "strict" });
    if ((await tx.store.count()) > 0) {
      tx.abort();
      await tx.done.catch(() => undefined); // the abort that was just asked for
      throw new StorageConflict("this device has a vault already");
    }
    await Promise.all(wraps.map((one, i) => tx.store.put({ ...one, ...hint(openers[i]!) }, one.kind)));
    await tx.done;
    return new Vault(db, vaultKey, rng);
  }

  /** @throws WrongOpener @throws StorageRefused */
  static async unlock(opener: Opener, rng: Rng): Promise<Vault> {
    const db = await Vault.#open();
    try {
      const stored = await db.get("wraps", opener.kind);
      if (!stored) throw new StorageRefused("storage_denied", "no such way in");
      return new Vault(db, await unwrap(stored, opener), rng);
    } catch (error) {
      db.close();
      throw storageError(error);
    }
  }

  /** Replace how this vault opens, but for the recovery code. */
  async protect(opener: Opener & PasskeyHintOf): Promise<void> {
    const made = await wrap(this.#vaultKey, opener, this.#rng);
    const tx = this.#db.transaction("wraps", "readwrite", { durability: "strict" });
    await tx.store.delete("passphrase");
    await tx.store.delete("prf");
    await tx.store.put({ ...made, ...hint(opener) }, made.kind);
    await tx.done;
  }

  /** Everything of this account leaves this device. */
  static async destroy(): Promise<void> {
    const db = await Vault.#open();
    const tx = db.transaction(["wraps", "rows"], "readwrite", { durability: "strict" });
    await tx.objectStore("wraps").clear();
    await tx.objectStore("rows").clear();
    await tx.done;
    db.close();
  }

  #key(name: string): string {
    return toHex(hmac(sha256, this.#name, utf8(name)).subarray(0, 16));
  }

  async get<T>(name: string): Promise<T | null> {
    const row = await this.#db.get("rows", this.#key(name));
    this.#seen.set(name, row ? row.slice(0, 12) : null);
    return row ? (decodeOne(openRow(this.#seal, name, row), MAX_ROW_BYTES) as T) : null;
  }

  /** Write rows in one transaction that is on disk when this returns. @throws StorageConflict @throws StorageRefused */
  async write(change: Change): Promise<void> {
    const puts = Object.entries(change.put ?? {}).map(([name, value]) => ({
      name,
      key: this.#key(name),
      row: sealRow(this.#seal, name, encode(value), this.#rng),
    }));
    const drops = (change.drop ?? []).map((name) => ({ name, key: this.#key(name) }));
    try {
      const tx = this.#db.transaction("rows", "readwrite", { durability: "strict" });
      const current = await Promise.all([...puts, ...drops].map(({ key }) => tx.store.get(key)));
      for (const [i, { name }] of [...puts, ...drops].entries()) {
        const expected = this.#seen.get(name);
        const found = current[i];
        const same =
          expected === undefined ||
          (expected && found ? equal(expected, found.subarray(0, 12)) : !found && !expected);
        if (!same) {
          tx.abort();
          await tx.done.catch(() => undefined); // the abort that was just asked for
          throw new StorageConflict("a row changed under this engine");
        }
      }
      for (const { key, row } of puts) tx.store.put(row, key);
      for (const { key } of drops) tx.store.delete(key);
      await tx.done;
    } catch (error) {
      throw storageError(error);
    }
    for (const { name, row } of puts) this.#seen.set(name, row.slice(0, 12));
    for (const { name } of drops) this.#seen.set(name, null);
  }

  /** Forget the keys. Nothing of this object works afterwards. */
  close(): void {
    this.#db.close();
    wipe(this.#seal, this.#name, this.#vaultKey);
    this.#seen.clear();
  }
}

type PasskeyHintOf = Partial<PasskeyHint>;
function hint(opener: PasskeyHintOf): PasskeyHintOf {
  return opener.credentialId === undefined ? {} : { credentialId: opener.credentialId };
}
