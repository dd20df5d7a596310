/** Commits and leaves of the log: judged by what everyone can check alike, then applied, skipped, or not followed (E14, E18, E21). */

import { equal } from "../../bytes/bytes";
import type { LeafIdentity } from "../../identity/credential";
import { unprotect, type VerifiedContent } from "../../mls/application";
import { Reader } from "../../mls/codec";
import { completeCommit } from "../../mls/completeCommit";
import { readAuthenticatedContent } from "../../mls/framing";
import { type Group, supersededSecrets } from "../../mls/group";
import { type Judged, judgeCommit } from "../../mls/judgeCommit";
import { encode } from "../../wire/cbor";
import type { Entry } from "../../wire/generated";
import type { RoomChange } from "../change";
import { RoomRuleError } from "../errors";
import { decodeCommitData } from "../events";
import type { Seen } from "../logHead";
import { withSystem } from "../timeline";
import { judgeRoomCommit } from "../validity";
import { copyFound, removedFromRoom, stuckAt } from "./endings";
import { judged } from "./faults";
import { afterMerge, dropStaged, giveUp } from "./merging";
import { checkSeen, noteUnreadable } from "./seen";
import { takeHappened } from "./snapshots";
import type { Happened, StagedCommit } from "./state";
import type { Turn } from "./turn";
import { makerAt } from "./welcomes";

type Verdict =
  | { readonly kind: "valid"; readonly judged: Judged; readonly change: RoomChange; readonly seen: Seen }
  | { readonly kind: "bad"; readonly code: string };

/** A commit at its position. Gives what it did, where it was valid and this device has followed it. */
export function readCommit(turn: Turn, entry: Entry, hash: Uint8Array): Happened | null {
  const { staged } = turn.state;
  const own = staged !== null && equal(staged.id, entry.id) && equal(staged.hash, hash);
  // E21: whatever stands here instead has won, or is skipped by all; ours is made anew if it still makes sense.
  if (!own) dropStaged(turn);
  return own ? readOwn(turn, entry, staged) : readOther(turn, entry);
}

function readOwn(turn: Turn, entry: Entry, staged: StagedCommit): Happened | null {
  const { membership } = turn.state;
  if (membership === null) return null;
  // What is stored is what `unprotect` gives to the others: the payload's hash is the same.
  const authenticated = readAuthenticatedContent(new Reader(staged.content)) as VerifiedContent;
  const verdict = judge(turn, entry, membership.group, authenticated);
  if (verdict.kind === "bad") {
    dropStaged(turn);
    skipped(turn, entry, membership.me, verdict.code);
    giveUp(turn, staged, verdict.code);
    return null;
  }
  turn.wipe(supersededSecrets(membership.group, staged.next));
  turn.set({ staged: null });
  return merge(turn, entry, staged.next, verdict.change, verdict.seen, staged);
}

function readOther(turn: Turn, entry: Entry): Happened | null {
  const { membership } = turn.state;
  if (membership === null) return null;
  const opened = judged(() => unprotect(membership.group, entry.payload));
  if ("fault" in opened) {
    noteUnreadable(turn, entry, "damaged", null);
    return null;
  }
  const { group, sender, authenticated, content, consumed } = opened.value;
  if (sender === group.ownLeaf) {
    copyFound(turn); // E39
    return null;
  }
  turn.setGroup(group);
  turn.wipe(consumed);
  const leaf = membership.roster.get(sender);
  if (leaf === undefined) throw new Error("a committer without a place in the roster");
  const verdict =
    content.kind === "commit"
      ? judge(turn, entry, group, authenticated)
      : { kind: "bad" as const, code: "kind" };
  if (verdict.kind === "bad") {
    skipped(turn, entry, leaf, verdict.code);
    return null;
  }
  if (verdict.judged.removesMe) {
    removedFromRoom(turn, entry, verdict.change);
    return null;
  }
  const completed = judged(() => completeCommit(group, verdict.judged));
  if ("fault" in completed) {
    // E18: valid for all, and this device cannot follow.
    stuckAt(turn, entry.n, leaf);
    return null;
  }
  const { next, consumed: used } = completed.value;
  turn.wipe(used);
  turn.wipe(supersededSecrets(group, next));
  return merge(turn, entry, next, verdict.change, verdict.seen, null);
}

/** E18: what everyone can check alike decides. */
function judge(turn: Turn, entry: Entry, group: Group, authenticated: VerifiedContent): Verdict {
  const { membership, leaves, roomId } = turn.state;
  if (membership === null) return { kind: "bad", code: "membership" };
  const result = judged(() => {
    const data = decodeCommitData(authenticated.framed.authenticatedData);
    if (!equal(data.id, entry.id)) throw new RoomRuleError("E15", "commit_id", "the commit has another id");
    const found = judgeCommit(group, { authenticated }, leaves);
    const change = judgeRoomCommit({
      roomId,
      deploymentId: turn.env.me.deploymentId,
      before: membership.context,
      roster: membership.roster,
      judged: found,
      stamp: entry.time, // E10
    });
    return { judged: found, change, seen: data.seen };
  });
  return "fault" in result ? { kind: "bad", code: result.fault.code } : { kind: "valid", ...result.value };
}

/** A commit that breaks the rules is skipped by all, blamed on its leaf, and shown; the room goes on (E18). */
function skipped(turn: Turn, entry: Entry, leaf: LeafIdentity, code: string): void {
  const line = { id: entry.id, n: entry.n, at: entry.time, code: "bad_commit", who: leaf.accountId } as const;
  turn.set({ timeline: withSystem(turn.state.timeline, { ...line, by: null, detail: code }) });
  const told = encode({ n: entry.n, time: entry.time, rule: code, message: entry.payload });
  turn.alarm("bad_commit", leaf.accountId, told);
}

function merge(
  turn: Turn,
  entry: Entry,
  next: Group,
  change: RoomChange,
  seen: Seen,
  own: StagedCommit | null,
): Happened {
  const { newcomer, membership: before } = turn.state;
  const { committer, added, removed, gone, what } = change;
  const happened: Happened = { committer, added, removed, gone, what };
  const at = { n: entry.n, time: entry.time, after: turn.state.log.after };
  if (newcomer === null && own === null) checkSeen(turn, at, committer, seen, entry.payload);
  const me = change.roster.get(next.ownLeaf);
  if (me === undefined) throw new Error("no place in the roster for this device");
  turn.set({
    membership: { group: next, context: change.context, roster: change.roster, me },
    title: change.context.title,
    leaves: [],
  });
  turn.setLog({
    maker: makerAt(entry.n, entry.time, committer),
    gap: false,
  });
  turn.setChores({ unreadable: 0 });
  if (newcomer === null) {
    takeHappened(turn, entry, happened);
  } else {
    const held = { kind: "commit", id: entry.id, ...at, leaf: committer, seen, happened } as const;
    turn.set({ newcomer: { ...newcomer, held: [...newcomer.held, held] } });
  }
  afterMerge(turn, entry.n, change, before, own);
  return happened;
}

/** A Remove of its sender, by its sender: it counts until the next commit (E14). Anything else is skipped. */
export function readLeave(turn: Turn, entry: Entry): void {
  const { membership, leaves } = turn.state;
  dropStaged(turn);
  if (membership === null) return;
  const opened = judged(() => unprotect(membership.group, entry.payload));
  if ("fault" in opened) {
    noteUnreadable(turn, entry, "damaged", null);
    return;
  }
  const { group, sender, authenticatedData, content, consumed } = opened.value;
  if (sender === group.ownLeaf) {
    copyFound(turn); // E39
    return;
  }
  turn.setGroup(group);
  turn.wipe(consumed);
  const leaf = membership.roster.get(sender);
  if (leaf === undefined) throw new Error("a sender without a place in the roster");
  const valid =
    content.kind === "proposal" &&
    equal(authenticatedData, entry.id) &&
    content.proposal.type === "remove" &&
    content.proposal.removed === sender;
  if (!valid) {
    skipped(turn, entry, leaf, "leave");
    return;
  }
  const { proposal, ref } = content;
  const others = leaves.filter((one) => one.leaf !== sender);
  turn.set({ leaves: [...others, { proposal, ref, sender, leaf: sender, n: entry.n }] });
  turn.setDues({ leaves: null });
}
