/** Who acts first where any member's device may: by leaf, the ones known to be here before the others. */

import { compare, concat, EMPTY, equal, toHex, u32 } from "../../bytes/bytes";
import type { LeafIdentity } from "../../identity/credential";
import type { LeafIndex } from "../../mls/treeMath";
import { payloadHash } from "../logHead";
import type { Turn } from "./turn";

/** How long each device that is known to be here gets before the next one acts. */
const TURN_MS = 1_500;
/** The same for one of which nothing is known. */
const PERHAPS_MS = 200;
const MAX_DELAY_MS = 15_000;
const JITTER_MS = 1_000;

/** Where a device stands in the order: the lowest first. */
type Place = (leaf: LeafIndex, who: LeafIdentity) => readonly [number, Uint8Array];

const byLeaf: Place = (leaf) => [leaf, EMPTY];

/**
 * Who answers a device that asks to be added anew: its own person's others, then all in an order that each request
 * shuffles. Whoever is not on its pin list (E22) would else be the first again and again.
 */
export function forRejoin(accountId: Uint8Array, sealed: Uint8Array): Place {
  return (leaf, who) => [equal(who.accountId, accountId) ? 0 : 1, payloadHash(concat(sealed, u32(leaf)))];
}

/**
 * How long this device waits before it does what the devices before it may do as well. `able` says whose devices can do
 * it at all. The first does it at once; the others wait by turns, and a little more at random, so that they do not all
 * race when the first ones are gone.
 */
export function turnDelay(turn: Turn, able: (leaf: LeafIdentity) => boolean, place: Place = byLeaf): number {
  const { membership, presence } = turn.state;
  if (membership === null) return 0;
  const [rank, order] = place(membership.group.ownLeaf, membership.me);
  let delay = 0;
  for (const [leaf, who] of membership.roster) {
    const [theirs, then] = place(leaf, who);
    const before = theirs < rank || (theirs === rank && compare(then, order) < 0);
    if (!before || !able(who)) continue;
    const here = (presence.here.get(toHex(who.deviceId)) ?? 0) > turn.env.now;
    delay += here ? TURN_MS : PERHAPS_MS;
  }
  return delay === 0 ? 0 : Math.min(delay, MAX_DELAY_MS) + turn.jitter(JITTER_MS);
}
