/** Who sits at which leaf: the AS check over a whole tree (E9), and what follows from it. */

import { equal, toHex } from "../bytes/bytes";
import type { LeafIdentity } from "../identity/credential";
import type { LeafNode } from "../mls/leafNode";
import type { LeafIndex } from "../mls/treeMath";

export type Roster = ReadonlyMap<LeafIndex, LeafIdentity>;

/**
 * Every leaf of a tree that this device is about to accept, or has (E9). Certificates that have run out stay: such a
 * leaf is shown and due for removal, not refused (E10).
 * @throws AsError, or RoomRuleError where leaves do not go together
 */
export declare function rosterOf(
  members: readonly { readonly leaf: LeafIndex; readonly node: LeafNode }[],
  deploymentId: Uint8Array,
): Roster;

/** The accounts in the roster, each once, by first leaf. */
export function accountsOf(roster: Roster): readonly Uint8Array[] {
  const seen = new Map<string, Uint8Array>();
  for (const { accountId } of roster.values()) seen.set(toHex(accountId), accountId);
  return [...seen.values()];
}

export function leavesOf(roster: Roster, account: Uint8Array): readonly LeafIndex[] {
  return [...roster].filter(([, who]) => equal(who.accountId, account)).map(([leaf]) => leaf);
}

export function hasAccount(roster: Roster, account: Uint8Array): boolean {
  return leavesOf(roster, account).length > 0;
}

/** The leaf of a device, or null. A device has one at most. */
export function leafOfDevice(roster: Roster, device: Uint8Array): LeafIndex | null {
  for (const [leaf, who] of roster) if (equal(who.deviceId, device)) return leaf;
  return null;
}

export function devicesOf(roster: Roster): readonly Uint8Array[] {
  return [...roster.values()].map(({ deviceId }) => deviceId);
}

/** E10: the leaves whose certificate has run out at that time (ms): due for removal. */
export function expiredLeaves(roster: Roster, at: number): readonly LeafIndex[] {
  return [...roster].filter(([, who]) => who.notAfter < at).map(([leaf]) => leaf);
}
