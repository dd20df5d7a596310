/**
 * When this device is given the keys of the room's call, and when it must not encrypt (E14, E19, E35 to E37). The keys
 * are made when they go out and kept nowhere: with its epoch the exporter goes, and nobody can make them any more.
 */

import { EMPTY, equal } from "../../bytes/bytes";
import { epoch, exportSecret } from "../../mls/group";
import type { LeafIndex } from "../../mls/treeMath";
import { BASE_KEY_LABEL, BASE_KEY_LENGTH } from "../../sframe/keyDerivation";
import { turnDelay } from "./ranks";
import { type Media, type Membership, NO_MEDIA } from "./state";
import { CommandError } from "./surface";
import { isLevel, type Turn } from "./turn";

/** E37: so long after a call its epoch is superseded by anybody's device, where the last to leave has not done it. */
const AFTER_CALL_MS = 30_000;
/** How long the last to leave waits for the server's word that nobody is left: a commit before it would be one too early. */
const LAST_WAIT_MS = 2_000;
/**
 * E37: so long after it left a call that goes on by the server's word, a device supersedes the keys that it was given,
 * where nobody has. A server that never ends a call keeps none of them alive.
 */
const LEFT_MS = 5 * 60_000;
/** The same for the epoch of a call that this device was not in. */
const HEARD_MS = 6 * 3_600_000;
/** The commit with which a call begins has a stamp that is at most so much earlier than the call. */
const BEFORE_START_MS = 30_000;
/** How long whoever comes next waits for it, before it commits itself. */
const START_WAIT_MS = 3_000;

type Waiting = Extract<Media, { stage: "waiting" }>;

/** This device goes into the call. @throws CommandError */
export function comeIn(turn: Turn, starts: boolean): void {
  const { stage, leaving, pause, media } = turn.state;
  if (stage !== "member") throw new CommandError("rejoining");
  if (leaving !== null) throw new CommandError("leaving");
  if (pause !== null) throw new CommandError("paused");
  if (media.stage !== "off") return;
  turn.set({ media: { stage: "waiting", starts, merged: false } });
  turn.setCall({ lastAt: null, leftAt: null });
}

/** It goes out. `last`: nobody is left, so it supersedes what was used (E37). */
export function goOut(turn: Turn, last: boolean): void {
  end(turn);
  if (!last) return;
  turn.setCall({ lastAt: turn.env.now });
  turn.setDues({ afterCall: null });
}

/** A start that the group or the server said no to: nothing begins. */
export function startRefused(turn: Turn, code: string): void {
  const { media } = turn.state;
  if (media.stage !== "waiting" || !media.starts) return;
  end(turn);
  turn.effect({ kind: "dropped", command: "media_on", code });
}

function end(turn: Turn): void {
  const { stage } = turn.state.media;
  if (stage === "off") return;
  turn.set({ media: NO_MEDIA });
  const leftAt = stage === "waiting" ? turn.state.call.leftAt : turn.env.now;
  turn.setCall({ mine: null, again: false, leftAt });
  turn.effect({ kind: "media_end" });
}

/** Whether somebody is in a call of this epoch, this device or another. */
export function isCallOn(turn: Turn): boolean {
  const { media, call } = turn.state;
  const mine = turn.env.me.deviceId;
  const others = call.sitting?.participants.some(({ device }) => !equal(device, mine)) ?? false;
  return others || media.stage === "on" || media.stage === "held";
}

/** After a merge: whatever was used in the epochs before is gone with them. */
export function mergedInCall(turn: Turn, own: boolean): void {
  const { media, link, call } = turn.state;
  turn.setChores({ called: isCallOn(turn) });
  turn.setCall({ lastAt: null, leftAt: null, heardAt: call.sitting === null ? null : turn.env.now });
  // E37: anybody's commit does, as every one of ours has a path. What is caught up with may be from days before.
  if (media.stage === "waiting" && (own || link.caughtUp)) {
    turn.set({ media: { stage: "waiting", starts: false, merged: true } });
  }
}

/** At the end of every step: what the state now asks of the media. */
export function settleMedia(turn: Turn): void {
  const { media, stage, membership, leaving, pause, leaves } = turn.state;
  if (media.stage === "off") return;
  if (stage !== "member" || membership === null || leaving !== null) {
    end(turn);
    return;
  }
  const free = pause === null && leaves.length === 0;
  if (media.stage === "waiting") {
    // E24: not before what its author would repeat of the log is known.
    const ready = turn.state.newcomer === null && isLevel(turn.state);
    if (free && ready && !media.starts && !awaitsStart(turn, media)) give(turn, membership);
    return;
  }
  const merged = media.epoch !== epoch(membership.group);
  const unheard = merged ? [] : media.unheard;
  // What was heard to go stays unheard in its epoch, whether or not it can be committed.
  if (free && unheard.length === 0) {
    if (merged || media.stage === "held") give(turn, membership);
    return;
  }
  hold(turn, membership, { ...media, unheard });
}

/** E37: the call has begun, and the commit of its starter is not merged here. Both stamps are the server's. */
function awaitsStart({ state }: Turn, { merged }: Waiting): boolean {
  const { sitting } = state.call;
  const made = state.log.maker.time ?? 0;
  return !merged && sitting !== null && made > 0 && made < sitting.since - BEFORE_START_MS;
}

/**
 * E37: when this device, which came into a call whose starter has not committed, does so instead; null where it has not
 * to.
 */
export function startDue(turn: Turn, planned: number | null): number | null {
  const { media, call } = turn.state;
  if (media.stage !== "waiting" || media.starts || !awaitsStart(turn, media)) return null;
  if (planned !== null) return planned;
  const here = call.sitting?.participants ?? [];
  const able = (deviceId: Uint8Array): boolean => here.some(({ device }) => equal(device, deviceId));
  return turn.env.now + START_WAIT_MS + turnDelay(turn, (who) => able(who.deviceId));
}

/** Whoever began the call is gone, or could not commit. */
export function startInstead(turn: Turn): void {
  turn.set({ media: { stage: "waiting", starts: true, merged: false } });
}

function give(turn: Turn, { group, roster }: Membership): void {
  turn.set({ media: { stage: "on", epoch: epoch(group), unheard: [] } });
  if (!turn.state.chores.called) turn.setChores({ called: true });
  turn.effect({
    kind: "media",
    epoch: epoch(group),
    // E35. A copy: the exporter itself is wiped when its epoch is superseded.
    baseKey: exportSecret(group, BASE_KEY_LABEL, EMPTY, BASE_KEY_LENGTH),
    ownLeaf: group.ownLeaf,
    leaves: new Map([...roster].map(([leaf, { deviceId, accountId }]) => [leaf, { deviceId, accountId }])),
  });
}

/** E14, E19: nothing is encrypted until keys are given again. */
function hold(turn: Turn, { roster }: Membership, media: Extract<Media, { stage: "on" | "held" }>): void {
  const going = turn.state.leaves.map(({ leaf }) => leaf).filter((leaf) => !media.unheard.includes(leaf));
  const unheard: readonly LeafIndex[] = [...media.unheard, ...going];
  turn.set({ media: { stage: "held", epoch: media.epoch, unheard } });
  for (const leaf of going) {
    const { deviceId, accountId } = roster.get(leaf)!;
    turn.effect({ kind: "media_hold", gone: { leaf, deviceId, accountId } });
  }
  if (going.length === 0 && media.stage === "on") turn.effect({ kind: "media_hold", gone: null });
}

/**
 * E37: when this device supersedes the epoch of a call that is over; null where it has not to. `planned` is the time that
 * it has for it already: others who come first make it needless.
 */
export function afterCallDue(turn: Turn, planned: number | null): number | null {
  const { chores, call } = turn.state;
  if (!chores.called || isCallOn(turn)) return null;
  if (planned !== null) return planned;
  const { now } = turn.env;
  if (call.lastAt !== null) return call.overAt === null ? call.lastAt + LAST_WAIT_MS : now;
  if (call.overAt === null) return null;
  return call.overAt + AFTER_CALL_MS + turnDelay(turn, () => true);
}

/**
 * E37: when this device supersedes the epoch of a call that goes on without it, by the server's word; null where it has
 * not to.
 */
export function leftCallDue(turn: Turn, planned: number | null): number | null {
  const { chores, call, media } = turn.state;
  if (!chores.called || media.stage !== "off" || !isCallOn(turn)) return null;
  if (planned !== null) return planned;
  if (call.leftAt !== null) return call.leftAt + LEFT_MS + turnDelay(turn, () => true);
  return call.heardAt === null ? null : call.heardAt + HEARD_MS + turnDelay(turn, () => true);
}
