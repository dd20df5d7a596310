/** The server's list of devices is the one that the tree implies (E20). */

import { toHex } from "../../bytes/bytes";
import { devicesOf } from "../roster";
import { turnDelay } from "./ranks";
import { isLevel, type Turn } from "./turn";

/** Others may be about to do it. */
const REPAIR_AFTER_MS = 2_000;

/** After a Commit the server tells what its author listed: it must be the devices of the tree, or was so before. */
export function onRouting(turn: Turn, listed: readonly Uint8Array[]): void {
  const { membership, stage } = turn.state;
  // Whoever still catches up compares with what `ready` said, once it is level.
  if (membership === null || stage !== "member" || !isLevel(turn.state)) return;
  const named = new Set(listed.map(toHex));
  const ours = new Set(devicesOf(membership.roster).map(toHex));
  if (named.size !== ours.size || [...ours].some((one) => !named.has(one))) differs(turn);
}

/** What `ready` said: everyone in the tree is served, but for those who have just left. */
export function checkReady(turn: Turn): void {
  const { membership, stage, leaves, link, log } = turn.state;
  if (link.ready === null || membership === null || stage !== "member" || !isLevel(turn.state)) return;
  const { list, last } = link.ready;
  turn.setLink({ ready: null });
  if (log.n > last) return; // another commit may have come since
  const served = new Set(list.map(toHex));
  const left = new Set(leaves.map(({ leaf }) => leaf));
  const missing = [...membership.roster].some(
    ([leaf, { deviceId }]) => !left.has(leaf) && !served.has(toHex(deviceId)),
  );
  if (missing) differs(turn);
}

/** Say who committed the list, and put it right by a commit of this device when nobody else does (E20). */
function differs(turn: Turn): void {
  const { log, dues } = turn.state;
  turn.alarm("routing", log.maker.accountId.length > 0 ? log.maker.accountId : null);
  if (dues.repair === null) {
    turn.setDues({ repair: turn.env.now + REPAIR_AFTER_MS + turnDelay(turn, () => true) });
  }
}
