/** The log as it comes: entry by entry without holes, its running hash, and what was deleted (E17, E19, E23). */

import { equal } from "../../bytes/bytes";
import type { Entry, Gap } from "../../wire/generated";
import { nextHead, payloadHash } from "../logHead";
import { epochOf } from "./clearHeader";
import { readCommit, readLeave } from "./commits";
import { leftRoom } from "./endings";
import { withHead } from "./heads";
import { dropStaged } from "./merging";
import { reseal } from "./outbox";
import { confirmOwn, ownEvent, readMessage } from "./reading";
import { beginRejoin, settleOutbox } from "./rejoining";
import { noteUnreadable } from "./seen";
import { nothingSaid } from "./sitting";
import { oweSnapshot } from "./snapshots";
import type { Happened } from "./state";
import type { Turn } from "./turn";

/** E26: before it is parsed. */
const MAX_PAYLOAD = 1024 * 1024;
const MAX_FETCH = 1000;
/** How long the server has for what was asked of it, and how often it is asked. */
const FETCH_WAIT_MS = 20_000;
const FETCH_TRIES = 3;

export function onEntry(turn: Turn, entry: Entry): void {
  const { stage, membership } = turn.state;
  raiseTarget(turn, entry.n);
  // While it waits to be added again, the log waits too: it is read on from where this device stands.
  if (stage !== "member" || membership === null || !follows(turn, entry.n)) return;
  if (entry.payload.length > MAX_PAYLOAD) return;
  const hash = payloadHash(entry.payload);
  const happened = process(turn, entry, hash);
  if (happened === "stopped") return;
  advance(turn, entry.n, entry.time, hash);
  if (entry.kind !== "message") {
    turn.setLog({ after: entry.n });
    reseal(turn);
  }
  if (happened !== null) oweSnapshot(turn, entry.n, happened);
}

/** `stopped`: this device cannot go on here; the entry is read once more when it has come back. */
function process(turn: Turn, entry: Entry, hash: Uint8Array): Happened | null | "stopped" {
  const { newcomer, outbox, leaving } = turn.state;
  const own = ownEvent(outbox, hash);
  if (own !== null && equal(own.sent.id, entry.id)) {
    confirmOwn(turn, entry, own);
    return null;
  }
  if (newcomer !== null && entry.n <= newcomer.c) {
    // Before this device came (again): only its place in the running hash counts.
    dropSaidElsewhere(turn, entry);
    return null;
  }
  if (leaving?.hashes.some((one) => equal(one, hash)) === true) {
    leftRoom(turn);
    return null;
  }
  if (missedCommit(turn, entry)) {
    // E23: a commit was deleted before this device had it.
    beginRejoin(turn, null, null);
    return "stopped";
  }
  const happened = read(turn, entry, hash);
  // E39: the state is destroyed. (Whoever is stuck keeps the old epoch, and has this position behind it.)
  const destroyed = turn.state.stage === "rejoining" && turn.state.membership === null;
  return destroyed ? "stopped" : happened;
}

function read(turn: Turn, entry: Entry, hash: Uint8Array): Happened | null {
  switch (entry.kind) {
    case "commit":
      return readCommit(turn, entry, hash);
    case "leave":
      readLeave(turn, entry);
      return null;
    case "message":
      readMessage(turn, entry);
      return null;
  }
}

/** E39: another copy of this device has said it under the same id; to say it again would double it. */
function dropSaidElsewhere(turn: Turn, entry: Entry): void {
  const { outbox } = turn.state;
  if (!outbox.some(({ id }) => equal(id, entry.id))) return;
  turn.set({ outbox: outbox.map((one) => (equal(one.id, entry.id) ? { ...one, acked: entry.n } : one)) });
  settleOutbox(turn, entry.n);
}

function missedCommit(turn: Turn, entry: Entry): boolean {
  const { log, membership } = turn.state;
  if (!log.gap || membership === null) return false;
  const epoch = epochOf(entry.payload);
  return epoch !== null && epoch > membership.group.context.epoch;
}

/** Whether position n is the next one. A repetition is ignored; a hole is asked for. */
function follows(turn: Turn, n: number): boolean {
  const { log } = turn.state;
  if (n <= log.n) return false;
  if (n === log.n + 1) return true;
  fetchMissing(turn, n - 1);
  return false;
}

function raiseTarget(turn: Turn, n: number): void {
  if (n > turn.state.link.target) turn.setLink({ target: n });
}

/** Ask for what stands between here and there, once at a time. */
export function fetchMissing(turn: Turn, upto: number): void {
  const { link, log, stage } = turn.state;
  // Whoever waits to be added again does not read on: what it is sent would never be what it asked for.
  if (stage !== "member" || link.fetching !== null || !link.connected || upto <= log.n) return;
  ask(turn, upto, 1);
}

function ask(turn: Turn, upto: number, tries: number): void {
  const { log, roomId } = turn.state;
  const limit = Math.min(MAX_FETCH, upto - log.n);
  turn.setLink({ fetching: { upto: log.n + limit, at: turn.env.now, tries } });
  turn.send({ t: "fetch", room: roomId, from: log.n + 1, limit });
}

/** When what was asked for does not come: once more, and in the end without it. */
export function watchFetch(turn: Turn): void {
  const { link, log, newcomer } = turn.state;
  const { fetching } = link;
  if (fetching === null || turn.env.now < fetching.at + FETCH_WAIT_MS) return;
  if (fetching.tries < FETCH_TRIES) {
    ask(turn, fetching.upto, fetching.tries + 1);
    return;
  }
  turn.setLink({ fetching: null });
  if (newcomer !== null && log.n < newcomer.c) {
    skipToComing(turn, newcomer.c);
  } else {
    // E23: it is kept nowhere any more, or is held back.
    turn.alarm("log_broken", null);
    beginRejoin(turn, null, null);
  }
}

export function fetchDue(turn: Turn): number | null {
  const { fetching } = turn.state.link;
  return fetching === null ? null : fetching.at + FETCH_WAIT_MS;
}

/** A device that comes again is given nothing from before: it begins at its coming, and the snapshot tells the head. */
function skipToComing(turn: Turn, c: number): void {
  turn.setLog({ n: c, head: null, heads: [], after: c });
  settleOutbox(turn, c);
  fetchMissing(turn, turn.state.link.target);
}

/** One position further: E19. */
function advance(turn: Turn, n: number, time: number, hash: Uint8Array): void {
  const { log, newcomer, link } = turn.state;
  const head = log.head === null ? null : nextHead(log.head, n, time, hash);
  turn.setLog({ n, time, head, heads: head === null ? log.heads : withHead(log.heads, n, head) });
  if (newcomer !== null && n === newcomer.c) {
    turn.setLog({ after: n });
    reseal(turn);
  }
  if (newcomer !== null && n > newcomer.c && head === null) {
    turn.set({ newcomer: { ...newcomer, entries: [...newcomer.entries, { n, time, hash }] } });
  }
  turn.effect({ kind: "cursor", n });
  if (link.fetching === null) return;
  if (n < link.fetching.upto) {
    turn.setLink({ fetching: { ...link.fetching, at: turn.env.now } });
    return;
  }
  turn.setLink({ fetching: null });
  fetchMissing(turn, link.target);
}

/** E23: of what was deleted, enough is left for the head. Its words are gone for this device. */
export function onGap(turn: Turn, gap: Gap): void {
  for (const { n, time, hash } of gap.entries) {
    raiseTarget(turn, n);
    const { stage, membership, outbox, newcomer } = turn.state;
    if (stage !== "member" || membership === null || !follows(turn, n)) continue;
    const own = ownEvent(outbox, hash);
    if (own !== null) {
      confirmOwn(turn, { id: own.sent.id, n, time }, own);
    } else if (newcomer === null || n > newcomer.c) {
      noteMissed(turn, n, time, hash);
    }
    advance(turn, n, time, hash);
  }
}

function noteMissed(turn: Turn, n: number, time: number, hash: Uint8Array): void {
  const unreadable = turn.state.chores.unreadable;
  noteUnreadable(turn, { id: hash.slice(0, 16), n, time }, "missed", null);
  turn.setChores({ unreadable }); // it proves nothing: it is gone
  turn.set({ whole: false });
  if (!turn.state.log.gap) turn.setLog({ gap: true });
}

/** All that the server has was sent. */
export function onCaughtUp(turn: Turn, last: number): void {
  raiseTarget(turn, last);
  turn.setLink({ caughtUp: true });
  nothingSaid(turn);
  fetchMissing(turn, turn.state.link.target);
}

/**
 * The server names a Commit or leave that this device should have processed. One that it has passed without seeing it was
 * deleted: its epoch is lost to this device (E23).
 */
export function checkAfter(turn: Turn, after: number): void {
  const { log, stage, newcomer } = turn.state;
  if (stage !== "member" || newcomer !== null || after <= log.after || after > log.n) return;
  if (!log.gap) turn.alarm("log_broken", null);
  dropStaged(turn);
  beginRejoin(turn, null, null);
}
