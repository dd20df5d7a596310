/** The state that a newcomer is given, and what the others say of it (E24). */

import { equal, toHex } from "../../bytes/bytes";
import type { LeafIdentity } from "../../identity/credential";
import { encode } from "../../wire/cbor";
import type { SnapshotCheck, SnapshotPage } from "../../wire/generated";
import { FOLD_VERSION, foldCommit } from "../fold";
import { nextHead, SEEN_HEAD_LENGTH } from "../logHead";
import { hasAccount } from "../roster";
import {
  assembled,
  checkOf,
  decodeSnapshot,
  encodeSnapshot,
  SNAPSHOT_POST_MS,
  type Snapshot,
  snapshotHash,
  snapshotPages,
  takePage,
} from "../snapshot";
import { judged } from "./faults";
import { withHappened } from "./happenings";
import { headAt, headsFrom, withHead } from "./heads";
import { queueEvent } from "./outbox";
import { turnDelay } from "./ranks";
import type { Happened, Held, Newcomer, Provisional, SnapshotDuty } from "./state";
import type { Turn } from "./turn";

/** Adds of which the newcomer was not yet served. Older ones are for those who were there. */
const MAX_DUTIES = 32;
/** A dispute comes quickly: somebody is looking at a wrong state. */
const DISPUTE_JITTER_MS = 1_000;

/** After a commit with an Add at n, whose head is known: the state there, in case the adder does not post it. */
export function oweSnapshot(turn: Turn, n: number, happened: Happened): void {
  const { newcomer, whole, fold, log, duties } = turn.state;
  if (happened.added.length === 0 || newcomer !== null || !whole || log.head === null) return;
  const added = happened.added.map(({ identity }) => identity.accountId);
  // Whoever comes in this commit has no state of its own to compare.
  const able = (leaf: LeafIdentity): boolean => !added.some((one) => equal(one, leaf.accountId));
  const adder = equal(happened.committer.deviceId, turn.env.me.deviceId);
  const data = encodeSnapshot({ position: n, head: log.head, fold });
  const delay = adder ? 0 : SNAPSHOT_POST_MS + turnDelay(turn, able);
  const duty: SnapshotDuty = {
    c: n,
    data,
    hash: snapshotHash(data),
    due: turn.env.now + delay,
    posted: null,
    pages: [],
  };
  turn.set({ duties: [...duties, duty].slice(-MAX_DUTIES) });
}

/** What is due: to post a snapshot, or to say whether the one that was posted is ours as well. */
export function doSnapshotDuties(turn: Turn): void {
  // A state that nobody has confirmed yet confirms nothing.
  if (turn.state.provisional !== null) return;
  for (const duty of turn.state.duties) {
    if (duty.due === null || duty.due > turn.env.now) continue;
    const own = decodeSnapshot(duty.data);
    if (duty.posted === null) {
      for (const body of snapshotPages(own)) queueEvent(turn, { type: "snapshot", body });
      const posted = { accountId: turn.env.me.accountId, hash: duty.hash };
      setDuty(turn, duty, { ...duty, posted, due: null });
    } else {
      queueEvent(turn, { type: "snapshot_check", body: checkOf(own, duty.posted.hash) });
      setDuty(turn, duty, null);
    }
  }
}

function setDuty(turn: Turn, before: SnapshotDuty, after: SnapshotDuty | null): void {
  const { duties } = turn.state;
  const others = after === null ? duties.filter((one) => one.c !== before.c) : null;
  turn.set({ duties: others ?? duties.map((one) => (one.c === before.c ? after! : one)) });
}

/** Somebody posts a snapshot: it is there when all its pages are, and then this device says what it thinks of it. */
export function noteSnapshotPage(turn: Turn, leaf: LeafIdentity, page: SnapshotPage): void {
  const duty = turn.state.duties.find((one) => one.c === page.position);
  if (duty === undefined) return;
  const by = toHex(leaf.deviceId);
  const next = duty.pages.find((one) => one.by === by)?.next ?? 0;
  if (page.page !== next || !goesWith(duty, page)) return;
  const others = duty.pages.filter((one) => one.by !== by);
  const noted = { ...duty, pages: [...others, { by, next: next + 1 }] };
  setDuty(turn, duty, noted);
  if (page.page === page.pages - 1) posted(turn, noted, leaf, page.hash);
}

/** A page that names the hash of our own state must be a page of it; what another hash is about, we cannot know. */
function goesWith(duty: SnapshotDuty, page: SnapshotPage): boolean {
  if (!equal(page.hash, duty.hash)) return true;
  const own = snapshotPages(decodeSnapshot(duty.data))[page.page];
  return own !== undefined && own.pages === page.pages && equal(own.data, page.data);
}

function posted(turn: Turn, duty: SnapshotDuty, leaf: LeafIdentity, hash: Uint8Array): void {
  const mine = turn.env.me.accountId;
  if (equal(leaf.accountId, mine)) {
    setDuty(turn, duty, null); // an account does not confirm itself
    return;
  }
  if (duty.posted !== null && !equal(duty.posted.accountId, mine)) return;
  const delay = equal(hash, duty.hash)
    ? turnDelay(turn, (other) => !equal(other.accountId, leaf.accountId))
    : turn.jitter(DISPUTE_JITTER_MS);
  setDuty(turn, duty, { ...duty, posted: { accountId: leaf.accountId, hash }, due: turn.env.now + delay });
}

/** A newcomer takes over the first whole snapshot of its position. Gives what it held, to be taken in on top of it. */
export function takeOver(turn: Turn, leaf: LeafIdentity, page: SnapshotPage): readonly Held[] {
  const { newcomer } = turn.state;
  if (newcomer === null || page.position !== newcomer.c) return [];
  const by = toHex(leaf.deviceId);
  const taken = judged(() => {
    const pages = takePage(newcomer.pages.get(by) ?? null, page);
    return { pages, snapshot: assembled(pages) };
  });
  if ("fault" in taken) return []; // its author's own pages do not go together: somebody else posts it
  const { pages, snapshot } = taken.value;
  turn.set({ newcomer: { ...newcomer, pages: new Map(newcomer.pages).set(by, pages) } });
  if (snapshot === null || snapshot.position !== newcomer.c) return [];
  return adopt(turn, newcomer, leaf, snapshot, page.hash) ? newcomer.held : [];
}

function adopt(
  turn: Turn,
  newcomer: Newcomer,
  leaf: LeafIdentity,
  snapshot: Snapshot,
  hash: Uint8Array,
): boolean {
  const { log, names } = turn.state;
  if (log.head === null) {
    let head = snapshot.head;
    let heads = headsFrom(newcomer.c, head);
    for (const { n, time, hash: payload } of newcomer.entries) {
      head = nextHead(head, n, time, payload);
      heads = withHead(heads, n, head);
    }
    turn.setLog({ head, heads });
  } else {
    // A device that was away has followed the log itself: E19 holds for what it is given.
    const ours = headAt(log.heads, newcomer.c);
    if (ours === null || !equal(ours, snapshot.head.subarray(0, SEEN_HEAD_LENGTH))) {
      turn.alarm("fork", leaf.accountId, encode({ n: newcomer.c, said: snapshot.head, ours }));
      return false;
    }
  }
  const witnesses = newcomer.others.filter((one) => !equal(one, leaf.accountId));
  turn.set({
    fold: { ...snapshot.fold, version: FOLD_VERSION },
    // One of the former version lacks what that version did not know: nothing is confirmed by it.
    whole: snapshot.fold.version === FOLD_VERSION,
    names: new Map([...names, ...snapshot.fold.names]),
    newcomer: null,
    provisional: { c: newcomer.c, hash, poster: leaf.accountId, witnesses },
  });
  settleProvisional(turn);
  return true;
}

/** A valid commit becomes part of the fold, the names and the timeline. */
export function takeHappened(
  turn: Turn,
  place: { readonly id: Uint8Array; readonly n: number; readonly time: number },
  happened: Happened,
): void {
  const { fold, membership, timeline, names } = turn.state;
  if (membership === null) return;
  const { context, roster } = membership;
  const named = new Map(names);
  for (const { identity, name } of happened.added)
    if (name !== null) named.set(toHex(identity.accountId), name);
  turn.set({
    fold: foldCommit(fold, { ...happened, context, roster }),
    timeline: withHappened(timeline, happened, place),
    names: named,
  });
}

/** What another account says of the snapshot that this device was given, or of one that it may speak of itself. */
export function takeCheck(turn: Turn, leaf: LeafIdentity, check: SnapshotCheck): void {
  const { provisional, duties } = turn.state;
  const mine = equal(leaf.accountId, turn.env.me.accountId);
  const duty = duties.find((one) => one.c === check.position);
  if (mine && duty !== undefined) setDuty(turn, duty, null); // one word from each account
  if (mine || provisional === null || provisional.c !== check.position) return;
  if (check.agrees && equal(check.hash, provisional.hash)) {
    if (isWitness(provisional, leaf)) turn.set({ provisional: null });
  } else if (!check.agrees && equal(check.hash, provisional.hash)) {
    turn.alarm("snapshot_disputed", leaf.accountId);
  }
}

function isWitness({ witnesses }: Provisional, leaf: LeafIdentity): boolean {
  return witnesses.some((one) => equal(one, leaf.accountId));
}

/** E24: where nobody but the poster was there, or is left of those who were, nobody can confirm more. */
export function settleProvisional(turn: Turn): void {
  const { provisional, membership } = turn.state;
  if (provisional === null || membership === null) return;
  if (!provisional.witnesses.some((one) => hasAccount(membership.roster, one))) {
    turn.set({ provisional: null });
  }
}
