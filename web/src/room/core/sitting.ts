/** Who is in the room's call, by the server's word; and what they say of themselves by signals (E37, E38). */

import { equal, toHex } from "../../bytes/bytes";
import type { LeafIdentity } from "../../identity/credential";
import type { CallState } from "../../wire/generated";
import type { CallSignal } from "../ephemeral";
import { isEmoji } from "../text";
import { sendSignal } from "./sendSignal";
import { type Call, type InCall, NO_CALL, SILENT } from "./state";
import { CommandError } from "./surface";
import { isLevel, type Turn } from "./turn";

/** What holds with this device is said again at the latest after this time: a signal may be lost. */
const AGAIN_AFTER_MS = 45_000;
/** What changes quickly, and who comes in a crowd, is answered at once for all. */
const SAY_EVERY_MS = 1_000;
/** Of one device: more are not said, and not shown. */
const REACTION_EVERY_MS = 500;
/** Two that were said in time may come closer together. */
const REACTION_HEARD_MS = 200;

// The server's word

export function onCallState(turn: Turn, { call: id, since, participants }: CallState): void {
  const { stage, membership, call } = turn.state;
  if (stage !== "member" || membership === null) return;
  if (participants.length === 0 || id == null || since == null) {
    nobody(turn);
    return;
  }
  const known = new Set(call.sitting?.participants.map(({ device }) => toHex(device)) ?? []);
  const here = new Set(participants.map(({ device }) => toHex(device)));
  const mine = toHex(turn.env.me.deviceId);
  const others = [...here].filter((one) => one !== mine);
  const same = call.heardIn !== null && equal(call.heardIn, id);
  turn.setCall({
    sitting: { id, since, participants },
    told: true,
    overAt: null,
    lastAt: others.length > 0 ? null : call.lastAt,
    heardAt: call.heardAt ?? turn.env.now,
    heardIn: id,
    heard: same ? among(call.heard, here) : new Map(),
    reacted: same ? among(call.reacted, here) : new Map(),
    // Whoever has just come has heard nothing.
    again: call.again || [...here].some((one) => !known.has(one)),
    mine: same ? call.mine : handDown(call.mine),
  });
  // E37: whoever was in a call of this epoch had its keys.
  if (!turn.state.chores.called) turn.setChores({ called: true });
}

const among = <T>(of: ReadonlyMap<string, T>, here: ReadonlySet<string>): ReadonlyMap<string, T> =>
  new Map([...of].filter(([device]) => here.has(device)));

/** What is on of a device's media outlasts a sitting that breaks off; a hand is one sitting's. */
const handDown = (mine: InCall | null): InCall | null => mine && { ...mine, hand: null };

function nobody(turn: Turn): void {
  const { call } = turn.state;
  const { again, saidAt, lastAt, leftAt } = call;
  const mine = handDown(call.mine);
  const overAt = call.overAt ?? turn.env.now;
  turn.setCall({ ...NO_CALL, told: true, overAt, lastAt, leftAt, mine, again, saidAt });
  // The last to leave has waited for this word.
  if (lastAt !== null) turn.setDues({ afterCall: null });
}

/** The server has sent all that there is: of a call it would have spoken. */
export function nothingSaid(turn: Turn): void {
  const { call } = turn.state;
  // What was heard stays: the word may follow, and it is the same call.
  if (!call.told) turn.setCall({ sitting: null, told: true, overAt: call.overAt ?? turn.env.now });
}

/** A connection begins, or is gone: what was said on it may have changed since. */
export function callUnknown(turn: Turn): void {
  turn.setCall({ told: false, overAt: null, again: turn.state.call.mine !== null });
}

// What this device says of itself

/** @throws CommandError */
export function sayInCall(turn: Turn, signal: CallSignal): void {
  const { call, stage, link } = turn.state;
  if (stage !== "member" || !isIn(turn) || call.sitting === null || !equal(call.sitting.id, signal.sitting)) {
    throw new CommandError("not_in_call");
  }
  if (signal.kind !== "call_reaction") {
    turn.setCall({ mine: withSaid(call.mine ?? SILENT, signal), again: true });
    return;
  }
  if (!isEmoji(signal.emoji)) throw new CommandError("emoji");
  if (!link.connected) throw new CommandError("offline");
  const device = toHex(turn.env.me.deviceId);
  if (turn.env.now < (call.reacted.get(device) ?? 0) + REACTION_EVERY_MS) throw new CommandError("too_often");
  turn.setCall({ reacted: new Map(call.reacted).set(device, turn.env.now) });
  sendSignal(turn, signal);
}

function withSaid(before: InCall, signal: Exclude<CallSignal, { kind: "call_reaction" }>): InCall {
  if (signal.kind === "hand") return { ...before, hand: signal.on ? signal.since : null };
  const { mic, camera, screen } = signal;
  return { ...before, mic, camera, screen };
}

/** Whether this device is in the call, by its own word and by the server's. */
function isIn({ state, env }: Turn): boolean {
  const listed = state.call.sitting?.participants.some(({ device }) => equal(device, env.me.deviceId));
  return state.media.stage !== "off" && listed === true;
}

/** What holds with this device, when it changed or somebody may not have heard it. */
export function sayMine(turn: Turn): void {
  const due = mineDue(turn);
  if (due === null || due > turn.env.now) return;
  const { sitting, mine, again } = turn.state.call;
  if (sitting === null || mine === null) return;
  const { hand, mic, camera, screen } = mine;
  sendSignal(turn, { kind: "call_media", sitting: sitting.id, mic, camera, screen });
  if (hand !== null || again) {
    sendSignal(turn, { kind: "hand", sitting: sitting.id, on: hand !== null, since: hand ?? 0 });
  }
  turn.setCall({ saidAt: turn.env.now, again: false });
}

export function mineDue(turn: Turn): number | null {
  const { call } = turn.state;
  if (call.mine === null || !isIn(turn) || !isLevel(turn.state)) return null;
  return call.saidAt + (call.again ? SAY_EVERY_MS : AGAIN_AFTER_MS);
}

// What others say

export function heardInCall(turn: Turn, who: LeafIdentity, signal: CallSignal): void {
  const { call } = turn.state;
  if (call.sitting === null || !equal(call.sitting.id, signal.sitting)) return;
  const device = toHex(who.deviceId);
  if (!call.sitting.participants.some((one) => equal(one.device, who.deviceId))) return;
  if (signal.kind === "call_reaction") {
    if (turn.env.now < (call.reacted.get(device) ?? 0) + REACTION_HEARD_MS) return;
    turn.setCall({ reacted: new Map(call.reacted).set(device, turn.env.now) });
  } else {
    turn.setCall({ heard: heardOf(call, device, signal) });
  }
  turn.effect({ kind: "heard_in_call", accountId: who.accountId, deviceId: who.deviceId, signal });
}

function heardOf(
  { heard }: Call,
  device: string,
  signal: Exclude<CallSignal, { kind: "call_reaction" }>,
): ReadonlyMap<string, InCall> {
  return new Map(heard).set(device, withSaid(heard.get(device) ?? SILENT, signal));
}
