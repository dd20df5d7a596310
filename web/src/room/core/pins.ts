/** A room's line of the pin list: whom a device of this person may be added by when it comes back (E22). */

import { EMPTY, equal, toHex } from "../../bytes/bytes";
import type { LeafIdentity } from "../../identity/credential";
import type { RoomState } from "./state";
import type { Pin } from "./surface";

export function roomPin(state: RoomState): Pin | null {
  const { membership, rejoining, roomId, log } = state;
  if (rejoining !== null) return rejoining.pin;
  if (membership === null) return null;
  const accounts = new Map<string, Pin["accounts"][number]>();
  for (const { accountId, rootKey } of membership.roster.values()) {
    accounts.set(toHex(accountId), { accountId, rootKey });
  }
  return { room: roomId, accounts: [...accounts.values()], position: log.n, head: log.head ?? EMPTY };
}

/** Whether a leaf is a pinned person's: the root that was pinned is one that its chain went through (E7). */
export function isPinned(pin: Pin, leaf: LeafIdentity): boolean {
  return pin.accounts.some(
    ({ accountId, rootKey }) =>
      equal(accountId, leaf.accountId) && leaf.roots.some((root) => equal(root, rootKey)),
  );
}
