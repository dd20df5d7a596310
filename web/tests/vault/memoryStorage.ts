import { equal, toHex } from "../../src/bytes/bytes";
import {
  type StorageChange,
  StorageRefused,
  type StoredWrap,
  type VaultStorage,
} from "../../src/vault/storage";

/**
 * Storage in memory, which outlives the engines that use it. It records every change, can refuse, be full, and stop in
 * the middle of things as a browser does that is killed: then nothing of a transaction has happened.
 */

export class Killed extends Error {}

export class MemoryStorage {
  wraps: StoredWrap[] = [];
  rows = new Map<string, Uint8Array>();
  readonly changes: StorageChange[] = [];
  refuse: StorageRefused["code"] | null = null;
  /** So many changes still happen; then the process is as if killed. */
  left = Number.POSITIVE_INFINITY;

  /** What an engine opens. */
  readonly open = async (): Promise<VaultStorage> => {
    this.#ask();
    return {
      wraps: async () => {
        this.#ask();
        return structuredClone(this.wraps);
      },
      rows: async (keys) => {
        this.#ask();
        return keys.map((key) => this.rows.get(key)?.slice() ?? null);
      },
      change: async (change) => this.#change(change),
      clear: async () => {
        this.#ask();
        this.wraps = [];
        this.rows.clear();
      },
      close: () => undefined,
    };
  };

  /** A copy of the disk as it is now: an old backup, or a clone of the profile. */
  copy(): MemoryStorage {
    const copy = new MemoryStorage();
    copy.wraps = structuredClone(this.wraps);
    copy.rows = structuredClone(this.rows);
    return copy;
  }

  /** Whether these bytes lie anywhere in the clear. */
  holds(bytes: Uint8Array): boolean {
    const wanted = toHex(bytes);
    return [...this.rows.values()].some((row) => toHex(row).includes(wanted));
  }

  #ask(): void {
    if (this.left <= 0) throw new Killed("killed");
    if (this.refuse === "storage_denied") throw new StorageRefused("storage_denied", null);
  }

  #change(change: StorageChange): boolean {
    this.#ask();
    if (this.refuse) throw new StorageRefused(this.refuse, null);
    if (change.onlyIfEmpty && this.wraps.length > 0) return false;
    const holds = (change.expect ?? []).every(({ key, nonce }) => {
      const row = this.rows.get(key);
      return nonce && row ? equal(nonce, row.subarray(0, nonce.length)) : !nonce && !row;
    });
    if (!holds) return false;
    this.left -= 1;
    if (this.left <= 0) throw new Killed("killed");
    this.changes.push(change);
    if (change.wraps) this.wraps = structuredClone([...change.wraps]);
    for (const { key, row } of change.put ?? []) this.rows.set(key, row.slice());
    for (const key of change.drop ?? []) this.rows.delete(key);
    return true;
  }
}
