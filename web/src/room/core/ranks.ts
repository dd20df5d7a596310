/** Who acts first where any member's device may: by leaf, the ones known to be here before the others. */

import { toHex } from "../../bytes/bytes";
import type { LeafIdentity } from "../../identity/credential";
import type { Turn } from "./turn";

/** How long each device that is known to be here gets before the next one acts. */
const TURN_MS = 1_500;
/** The same for one of which nothing is known. */
const PERHAPS_MS = 200;
const MAX_DELAY_MS = 15_000;
const JITTER_MS = 1_000;

/**
 * How long this device waits before it does what the devices at lower leaves may do as well. `able` says whose devices
 * can do it at all. The first does it at once; the others wait by turns, and a little more at random, so that they do
 * not all race when the first ones are gone.
 */
export function turnDelay(turn: Turn, able: (leaf: LeafIdentity) => boolean): number {
  const { membership, presence } = turn.state;
  if (membership === null) return 0;
  const mine = membership.group.ownLeaf;
  let delay = 0;
  for (const [leaf, who] of membership.roster) {
    if (leaf >= mine || !able(who)) continue;
    const here = (presence.here.get(toHex(who.deviceId)) ?? 0) > turn.env.now;
    delay += here ? TURN_MS : PERHAPS_MS;
  }
  return delay === 0 ? 0 : Math.min(delay, MAX_DELAY_MS) + turn.jitter(JITTER_MS);
}
