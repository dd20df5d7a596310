/** Who sits at which leaf: the AS check over a whole tree (E9), and what follows from it. */

import { equal, toHex } from "../bytes/bytes";
import { checkDeployment, expired, identifyLeaf } from "../identity/authService";
import type { LeafIdentity } from "../identity/credential";
import { isBasic } from "../mls/credential";
import type { LeafNode } from "../mls/leafNode";
import type { LeafIndex } from "../mls/treeMath";
import { RoomRuleError } from "./errors";

/** More devices than an account can have on the server, with some that were lost and are still here. */
export const MAX_LEAVES_EACH = 32;

export type Roster = ReadonlyMap<LeafIndex, LeafIdentity>;

/** The AS check of one leaf, without its lifetime (E8, E9). @throws AsError | RoomRuleError */
export function identityOf(node: LeafNode, deploymentId: Uint8Array): LeafIdentity {
  if (!isBasic(node.credential)) throw new RoomRuleError("E13", "credential_type", "not a basic credential");
  const identity = identifyLeaf(node.credential.identity, node.signatureKey);
  checkDeployment(identity, deploymentId);
  return identity;
}

/**
 * Every leaf of a tree that this device is about to accept, or has (E9). Certificates that have run out stay: such a
 * leaf is shown and due for removal, not refused (E10).
 * @throws AsError, or RoomRuleError where leaves do not go together
 */
export function rosterOf(
  members: readonly { readonly leaf: LeafIndex; readonly node: LeafNode }[],
  deploymentId: Uint8Array,
): Roster {
  const roster = new Map(members.map(({ leaf, node }) => [leaf, identityOf(node, deploymentId)]));
  checkTogether(roster);
  return roster;
}

/** What holds of the leaves of every room together. @throws RoomRuleError */
export function checkTogether(roster: Roster): void {
  const devices = new Set<string>();
  const identities = new Map<string, Uint8Array>();
  const counts = new Map<string, number>();
  for (const { accountId, deviceId, identityKey } of roster.values()) {
    // E20: the device list names each once, so two leaves of one could not be told apart.
    const device = toHex(deviceId);
    if (devices.has(device)) throw new RoomRuleError("E13", "device_twice", "two leaves of one device");
    devices.add(device);
    // E9: a higher identity statement obliges the Remove of every leaf under older keys.
    const account = toHex(accountId);
    const other = identities.get(account);
    if (other !== undefined && !equal(other, identityKey)) {
      throw new RoomRuleError("E9", "account_identity", "leaves of one account under two identity keys");
    }
    identities.set(account, identityKey);
    // A person who adds devices without end would leave no leaf for others.
    const count = (counts.get(account) ?? 0) + 1;
    if (count > MAX_LEAVES_EACH)
      throw new RoomRuleError("E13", "account_leaves", "too many leaves of one account");
    counts.set(account, count);
  }
}

/** The accounts in the roster, each once, by first leaf. */
export function accountsOf(roster: Roster): readonly Uint8Array[] {
  const seen = new Map<string, Uint8Array>();
  for (const { accountId } of roster.values()) {
    const key = toHex(accountId);
    if (!seen.has(key)) seen.set(key, accountId);
  }
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
  return [...roster].filter(([, who]) => expired(who, at)).map(([leaf]) => leaf);
}

/** Whether the account is among them. */
export function includes(accounts: readonly Uint8Array[], account: Uint8Array): boolean {
  return accounts.some((one) => equal(one, account));
}
