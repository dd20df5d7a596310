import type { Wrap } from "./wraps";

/**
 * Where the vault's bytes lie: wraps of the vault key, and sealed rows under hidden names. The browser's is IndexedDB
 * (`indexedDb.ts`); tests have one in memory that records, refuses and crashes.
 */

export type StoredWrap = Wrap & { readonly credentialId?: string };

/** What one transaction does. It happens as a whole, and is on disk when the promise is kept. */
export type StorageChange = {
  /** The first bytes (nonce) of rows as they were last seen, null for absent: another value makes nothing happen. */
  readonly expect?: readonly { readonly key: string; readonly nonce: Uint8Array | null }[];
  readonly put?: readonly { readonly key: string; readonly row: Uint8Array }[];
  readonly drop?: readonly string[];
  /** All wraps from now on. */
  readonly wraps?: readonly StoredWrap[];
  /** Nothing happens when there are wraps already. */
  readonly onlyIfEmpty?: boolean;
};

/** Every method throws StorageRefused when the browser does. */
export interface VaultStorage {
  wraps(): Promise<readonly StoredWrap[]>;
  rows(keys: readonly string[]): Promise<readonly (Uint8Array | null)[]>;
  /** False when an expectation did not hold: then nothing has changed. */
  change(change: StorageChange): Promise<boolean>;
  /** Take everything away. */
  clear(): Promise<void>;
  close(): void;
}

export type OpenStorage = () => Promise<VaultStorage>;

/** The browser refuses storage, has no room left, or has taken away what was stored. */
export class StorageRefused extends Error {
  constructor(
    readonly code: "storage_denied" | "storage_full" | "storage_newer",
    cause: unknown,
  ) {
    super(code, { cause });
  }
}

/** The stored row is not what this engine wrote last: another engine, or an old copy of the profile, was here. */
export class StorageConflict extends Error {
  readonly code = "storage_conflict";
}
