import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import { equal } from "../bytes/bytes";
import { type OpenStorage, type StorageChange, StorageRefused, type StoredWrap } from "./storage";

/** The vault's storage in a browser. Strict durability: a kept promise means that the bytes were handed to the disk. */

interface Schema extends DBSchema {
  wraps: { key: string; value: StoredWrap };
  rows: { key: string; value: Uint8Array };
}

const DATABASE = "collegium";
const VERSION = 1;
const STRICT: IDBTransactionOptions = { durability: "strict" };
const DENIED = ["SecurityError", "InvalidStateError", "UnknownError", "NotAllowedError", "NotFoundError"];

/** What the browser's refusal means; anything else is a fault of ours and stays what it is. */
function storageError(error: unknown): unknown {
  if (!(error instanceof DOMException)) return error;
  if (error.name === "QuotaExceededError") return new StorageRefused("storage_full", error);
  // A newer build of ours has changed the database.
  if (error.name === "VersionError") return new StorageRefused("storage_newer", error);
  return DENIED.includes(error.name) ? new StorageRefused("storage_denied", error) : error;
}

async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storageError(error);
  }
}

async function apply(db: IDBPDatabase<Schema>, change: StorageChange): Promise<boolean> {
  const tx = db.transaction(["wraps", "rows"], "readwrite", STRICT);
  const wraps = tx.objectStore("wraps");
  const rows = tx.objectStore("rows");
  const expect = change.expect ?? [];
  const [taken, ...found] = await Promise.all([
    change.onlyIfEmpty ? wraps.count() : 0,
    ...expect.map(({ key }) => rows.get(key)),
  ]);
  const holds =
    taken === 0 &&
    expect.every(({ nonce }, i) => {
      const row = found[i];
      return nonce && row ? equal(nonce, row.subarray(0, nonce.length)) : !nonce && !row;
    });
  if (!holds) {
    tx.abort();
    await tx.done.catch(() => undefined); // the abort that was just asked for
    return false;
  }
  const writes: Promise<unknown>[] = [];
  if (change.wraps) {
    writes.push(wraps.clear(), ...change.wraps.map((wrap) => wraps.put(wrap, wrap.kind)));
  }
  for (const { key, row } of change.put ?? []) writes.push(rows.put(row, key));
  for (const key of change.drop ?? []) writes.push(rows.delete(key));
  await Promise.all([...writes, tx.done]);
  return true;
}

export const openIndexedDb: OpenStorage = async () => {
  const db = await guarded(() =>
    openDB<Schema>(DATABASE, VERSION, {
      upgrade(made) {
        made.createObjectStore("wraps");
        made.createObjectStore("rows");
      },
    }),
  );
  return {
    wraps: () => guarded(() => db.getAll("wraps")),
    rows: (keys) =>
      guarded(async () => {
        const tx = db.transaction("rows", "readonly");
        const found = await Promise.all(keys.map((key) => tx.store.get(key)));
        await tx.done;
        return found.map((row) => row ?? null);
      }),
    change: (change) => guarded(() => apply(db, change)),
    clear: () =>
      guarded(async () => {
        const tx = db.transaction(["wraps", "rows"], "readwrite", STRICT);
        await Promise.all([tx.objectStore("wraps").clear(), tx.objectStore("rows").clear(), tx.done]);
      }),
    close: () => db.close(),
  };
};
