/** What follows from a new epoch, and from a commit of one's own that lost (E21). */

import { equal, toHex } from "../../bytes/bytes";
import { supersededSecrets } from "../../mls/group";
import type { RoomChange } from "../change";
import { mergedInCall, startRefused } from "./media";
import { turnDelay } from "./ranks";
import { settleProvisional } from "./snapshots";
import { type Membership, NO_DUES, NOBODY, type StagedCommit, sameIntent } from "./state";
import type { Turn } from "./turn";

const DAY = 24 * 3_600_000;

export function afterMerge(
  turn: Turn,
  n: number,
  change: RoomChange,
  before: Membership | null,
  own: StagedCommit | null,
): void {
  const { presence, cursors } = turn.state;
  for (const [leaf, identity] of change.roster) {
    const known = before?.roster.get(leaf);
    if (known === undefined || !equal(known.leafKey, identity.leafKey)) {
      turn.effect({ kind: "met", leaf: identity });
    }
  }
  if (change.added.length > 0 || change.gone.length > 0) turn.effect({ kind: "pins" });
  withdrawTokens(turn, change, before);
  // Whoever is new has nothing before its commit to receive.
  const moved = new Map(cursors);
  for (const { identity } of change.added) moved.set(toHex(identity.deviceId), n - 1);
  const devices = new Set([...change.roster.values()].map(({ deviceId }) => toHex(deviceId)));
  const here = new Map([...presence.here].filter(([device]) => devices.has(device)));
  turn.set({
    cursors: moved,
    // E38: keys, sessions and counters are of one epoch.
    presence: { ...NOBODY, here, saidHere: presence.saidHere, saidTyping: presence.saidTyping },
    dues: NO_DUES,
  });
  // What signals said before reaches nobody who came with this commit.
  turn.setCall({ again: turn.state.call.mine !== null });
  mergedInCall(turn, own !== null);
  settleProvisional(turn);
  if (own !== null) committed(turn, own);
}

/** E30: an open invite is void; its token need not wait for its end. */
function withdrawTokens(turn: Turn, change: RoomChange, before: Membership | null): void {
  for (const happening of change.what) {
    if (happening.kind !== "invite_withdrawn") continue;
    const invite = before?.context.invites.find((one) => equal(one.id, happening.inviteId));
    if (invite !== undefined && equal(invite.inviter, turn.env.me.accountId)) {
      turn.effect({ kind: "withdraw_token", inviteId: happening.inviteId });
    }
  }
}

function committed(turn: Turn, { purpose }: StagedCommit): void {
  // E26: the week begins anew with the next event.
  turn.setChores({ firstEvent: 0 });
  if (purpose.kind === "request") {
    const requests = turn.state.requests.filter((one) => !equal(one.id, purpose.requestId));
    turn.set({ requests });
  }
  if (purpose.kind !== "intent") return;
  const { intent } = purpose;
  turn.set({ intents: turn.state.intents.filter((one) => !sameIntent(one, intent)) });
  if (intent.kind === "invite") turn.effect({ kind: "invited", inviteId: intent.invite.id });
}

/** E21: another commit stands where ours was to stand. The epoch stays; what it was made for is tried again. */
export function dropStaged(turn: Turn): void {
  const { staged, membership, requests } = turn.state;
  if (staged === null) return;
  if (membership !== null) turn.wipe(supersededSecrets(staged.next, membership.group));
  turn.set({ staged: null });
  if (staged.purpose.kind === "request") {
    const { requestId } = staged.purpose;
    const due = turn.env.now + turnDelay(turn, () => true);
    turn.set({ requests: requests.map((one) => (equal(one.id, requestId) ? { ...one, due } : one)) });
  }
}

/** The group or the server said no to it: to ask once more would change nothing. */
export function giveUp(turn: Turn, { purpose }: StagedCommit, code: string): void {
  if (purpose.kind === "before_call") startRefused(turn, code);
  // E37: the keys are still there, and a week is not far.
  if (purpose.kind === "after_call") putOffSuperseding(turn);
  if (purpose.kind !== "intent") return;
  const { intent } = purpose;
  turn.set({ intents: turn.state.intents.filter((one) => !sameIntent(one, intent)) });
  turn.effect({ kind: "dropped", command: intent.kind, code });
}

/** E37: the keys are still there, and a week is not far. */
export function putOffSuperseding(turn: Turn): void {
  const { afterCall, leftCall } = turn.state.dues;
  const later = (due: number | null): number | null => due && turn.env.now + DAY;
  turn.setDues({ afterCall: later(afterCall), leftCall: later(leftCall) });
}
