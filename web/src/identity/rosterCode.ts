/**
 * The roster code (E12): thirty digits that the people of a room read to each other. Equal digits mean that every device
 * holds the same root key for everyone, whatever the server says.
 *
 * 2^100 codes would be few for a server that could try keys in microseconds, so each try costs 64 MiB of memory.
 */

import { argon2id, argon2idAsync } from "@noble/hashes/argon2.js";
import { compare, concat, equal, utf8 } from "../bytes/bytes";
import { UsageError } from "../mls/errors";
import { ID_BYTES, KEY_BYTES } from "./rootKeys";
import { sized } from "./statement";

export type RosterEntry = {
  readonly accountId: Uint8Array;
  /** The root in force. */
  readonly rootKey: Uint8Array;
};

export const ROSTER_DIGITS = 30;
const GROUP_DIGITS = 5;
/** E12, E39: fixed in code, so that nobody can ask for less. */
const ARGON2 = { t: 3, m: 64 * 1024, p: 1, dkLen: 32 } as const;
/** Fixed: everyone has to come to the same digits. */
const SALT = utf8("Collegium 1.0 roster code");

/** Thirty digits. @throws UsageError when there is nobody, or somebody twice. */
export function rosterCode(roster: readonly RosterEntry[]): string {
  return digits(argon2id(rosterBytes(roster), SALT, ARGON2));
}

/** The same, leaving the thread free in between. `progress` goes from 0 to 1. */
export async function rosterCodeAsync(
  roster: readonly RosterEntry[],
  progress: (part: number) => void = () => {},
): Promise<string> {
  return digits(await argon2idAsync(rosterBytes(roster), SALT, { ...ARGON2, onProgress: progress }));
}

/** In the groups of five in which it is read out. */
export function rosterCodeGroups(code: string): string[] {
  return Array.from({ length: ROSTER_DIGITS / GROUP_DIGITS }, (_, i) =>
    code.slice(i * GROUP_DIGITS, (i + 1) * GROUP_DIGITS),
  );
}

function rosterBytes(roster: readonly RosterEntry[]): Uint8Array {
  const sorted = [...roster].sort((a, b) => compare(a.accountId, b.accountId));
  if (sorted.length === 0) throw new UsageError("roster", "a roster of nobody");
  if (sorted.some((entry, i) => i > 0 && equal(entry.accountId, sorted[i - 1]!.accountId))) {
    throw new UsageError("roster", "an account is on the roster twice");
  }
  // Entries are of one size, so no two rosters give the same bytes.
  return concat(
    ...sorted.flatMap(({ accountId, rootKey }) => [sized(accountId, ID_BYTES), sized(rootKey, KEY_BYTES)]),
  );
}

/** 256 bits modulo 10^30: some digits are likelier than others by less than one part in 2^156. */
function digits(hash: Uint8Array): string {
  let value = 0n;
  for (const byte of hash) value = (value << 8n) | BigInt(byte);
  return (value % 10n ** BigInt(ROSTER_DIGITS)).toString().padStart(ROSTER_DIGITS, "0");
}
