import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";

import { type Rng, toHex, utf8, wipe } from "../bytes/bytes";
import { decodeOne, encode } from "../wire/cbor";
import { type OpenStorage, StorageConflict, type StoredWrap, type VaultStorage } from "./storage";
import {
  DamagedRow,
  NONCE_BYTES,
  type Opener,
  openRow,
  rowKeys,
  sealRow,
  unwrap,
  VAULT_KEY_BYTES,
  WrongOpener,
  wrap,
} from "./wraps";

/**
 * Everything this device stores, encrypted under the vault key.
 *
 * A row is a named CBOR value. Names are stored as MACs, contents sealed; what remains readable is the number and the
 * size of rows. Writing is a compare-and-set: a transaction names the rows it read, and fails as a whole when one of
 * them is no longer what this engine last saw (E39: a ratchet state is never used twice).
 */

const MAX_ROW_BYTES = 64 * 1024 * 1024;

/** An opener, and of a passkey the credential that the page must ask for. */
export type Way = Opener & { readonly credentialId?: string };
export type Rows = Readonly<Record<string, unknown>>;
type Change = { readonly put?: Rows; readonly drop?: readonly string[] };

/** The wraps that lie on this device; empty when there is no vault. @throws StorageRefused */
export async function storedWraps(open: OpenStorage): Promise<readonly StoredWrap[]> {
  const storage = await open();
  try {
    return await storage.wraps();
  } finally {
    storage.close();
  }
}

async function wrapFor(vaultKey: Uint8Array, way: Way, rng: Rng): Promise<StoredWrap> {
  const made = await wrap(vaultKey, way, rng);
  return way.credentialId === undefined ? made : { ...made, credentialId: way.credentialId };
}

export class Vault {
  readonly #storage: VaultStorage;
  readonly #seal: Uint8Array;
  readonly #name: Uint8Array;
  readonly #vaultKey: Uint8Array;
  readonly #rng: Rng;
  /** The nonce of each row as this engine last read or wrote it; null: absent. */
  readonly #seen = new Map<string, Uint8Array | null>();

  private constructor(storage: VaultStorage, vaultKey: Uint8Array, rng: Rng) {
    const keys = rowKeys(vaultKey);
    this.#storage = storage;
    this.#seal = keys.seal;
    this.#name = keys.name;
    this.#vaultKey = vaultKey;
    this.#rng = rng;
  }

  /**
   * A new vault that the ways given open, with its first rows, in one transaction.
   * @throws StorageConflict when this device has one already. @throws StorageRefused
   */
  static async create(open: OpenStorage, ways: readonly Way[], rows: Rows, rng: Rng): Promise<Vault> {
    const vaultKey = rng(VAULT_KEY_BYTES);
    const wraps = await Promise.all(ways.map((way) => wrapFor(vaultKey, way, rng)));
    const storage = await open();
    const vault = new Vault(storage, vaultKey, rng);
    try {
      const sealed = Object.entries(rows).map(([name, value]) => vault.#sealed(name, value));
      if (!(await storage.change({ wraps, put: sealed, onlyIfEmpty: true }))) {
        throw new StorageConflict("this device has a vault already");
      }
      vault.#saw(sealed);
      return vault;
    } catch (error) {
      vault.close();
      throw error;
    }
  }

  /** @throws WrongOpener @throws StorageRefused */
  static async unlock(open: OpenStorage, opener: Opener, rng: Rng): Promise<Vault> {
    const storage = await open();
    try {
      const stored = (await storage.wraps()).find(({ kind }) => kind === opener.kind);
      if (!stored) throw new WrongOpener(opener.kind);
      return new Vault(storage, await unwrap(stored, opener), rng);
    } catch (error) {
      storage.close();
      throw error;
    }
  }

  /** Replace how this vault opens, but for the recovery code. */
  async protect(way: Way): Promise<void> {
    const made = await wrapFor(this.#vaultKey, way, this.#rng);
    const kept = (await this.#storage.wraps()).filter(({ kind }) => kind === "recovery");
    await this.#storage.change({ wraps: [...kept, made] });
  }

  /** Everything of this account leaves this device. */
  async erase(): Promise<void> {
    await this.#storage.clear();
  }

  #key(name: string): string {
    return toHex(hmac(sha256, this.#name, utf8(name)).subarray(0, 16));
  }

  #sealed(name: string, value: unknown): { name: string; key: string; row: Uint8Array } {
    return { name, key: this.#key(name), row: sealRow(this.#seal, name, encode(value), this.#rng) };
  }

  #saw(written: readonly { name: string; row: Uint8Array }[]): void {
    for (const { name, row } of written) this.#seen.set(name, row.slice(0, NONCE_BYTES));
  }

  /** @throws DamagedRow @throws StorageRefused */
  async get(name: string): Promise<unknown> {
    return (await this.getAll([name]))[0];
  }

  /** The values of several rows as of one moment; null where there is none. @throws DamagedRow @throws StorageRefused */
  async getAll(names: readonly string[]): Promise<unknown[]> {
    const rows = await this.#storage.rows(names.map((name) => this.#key(name)));
    return names.map((name, i) => {
      const row = rows[i] ?? null;
      this.#seen.set(name, row ? row.slice(0, NONCE_BYTES) : null);
      if (!row) return null;
      const plaintext = openRow(this.#seal, name, row);
      try {
        return decodeOne(plaintext, MAX_ROW_BYTES);
      } catch (cause) {
        throw new DamagedRow(name, { cause });
      }
    });
  }

  /** Write rows in one transaction that is on disk when this returns. @throws StorageConflict @throws StorageRefused */
  async write(change: Change): Promise<void> {
    const put = Object.entries(change.put ?? {}).map(([name, value]) => this.#sealed(name, value));
    const drop = (change.drop ?? []).map((name) => ({ name, key: this.#key(name) }));
    const expect = [...put, ...drop].flatMap(({ name, key }) => {
      const nonce = this.#seen.get(name);
      return nonce === undefined ? [] : [{ key, nonce }];
    });
    if (!(await this.#storage.change({ expect, put, drop: drop.map(({ key }) => key) }))) {
      throw new StorageConflict("a row changed under this engine");
    }
    this.#saw(put);
    for (const { name } of drop) this.#seen.set(name, null);
  }

  /** Forget the keys. Nothing of this object works afterwards. */
  close(): void {
    this.#storage.close();
    wipe(this.#seal, this.#name, this.#vaultKey);
    this.#seen.clear();
  }
}
