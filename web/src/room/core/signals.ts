/** Who is here and who writes: sealed, never stored, and over by themselves; and the signals of calls (E38). */

import { toHex } from "../../bytes/bytes";
import type { LeafIdentity } from "../../identity/credential";
import { leafIndex } from "../../mls/treeMath";
import type { Ephemeral } from "../../wire/generated";
import { openSignal, type Signal } from "../ephemeral";
import { sendSignal, signalKey } from "./sendSignal";
import { heardInCall } from "./sitting";
import type { Turn } from "./turn";

const TYPING_EVERY_MS = 3_000;
const TYPING_LASTS_MS = 7_000;
const HERE_EVERY_MS = 45_000;
const HERE_LASTS_MS = 100_000;
/** Somebody came: this device says that it is here too, but not to each of a crowd. */
const ANSWER_EVERY_MS = 5_000;
/** Before it is opened. */
const MAX_SIGNAL = 2 * 1024;

export function sayTyping(turn: Turn): void {
  const { presence, link, stage } = turn.state;
  if (stage !== "member" || !link.connected || turn.env.now < presence.saidTyping + TYPING_EVERY_MS) return;
  sendSignal(turn, { kind: "typing", on: true });
  turn.setPresence({ saidTyping: turn.env.now });
}

/** From time to time while the connection is there. */
export function sayHere(turn: Turn): void {
  if (turn.env.now < hereDue(turn)) return;
  sendSignal(turn, { kind: "presence", on: true });
  turn.setPresence({ saidHere: turn.env.now });
}

export function hereDue(turn: Turn): number {
  return turn.state.presence.saidHere + HERE_EVERY_MS;
}

export function onSignal(turn: Turn, frame: Ephemeral): void {
  const { membership, presence, stage } = turn.state;
  if (stage !== "member" || membership === null || frame.payload.length > MAX_SIGNAL) return;
  const opened = openSignal(signalKey(membership.group), presence.seen, frame.payload, turn.env.serverNow);
  const who = opened === null ? undefined : membership.roster.get(leafIndex(opened.leaf));
  if (opened === null || who === undefined) return;
  turn.setPresence({ seen: opened.seen });
  const { signal } = opened;
  if (signal.kind === "typing" || signal.kind === "presence") seen(turn, who, signal);
  else heardInCall(turn, who, signal);
}

function seen(turn: Turn, { deviceId }: LeafIdentity, signal: Signal): void {
  const { presence } = turn.state;
  const { now } = turn.env;
  const device = toHex(deviceId);
  const here = new Map(presence.here);
  const typing = new Map(presence.typing);
  if (signal.kind === "typing") {
    if (signal.on) typing.set(device, now + TYPING_LASTS_MS);
    else typing.delete(device);
  }
  const arrives = (here.get(device) ?? 0) <= now;
  if (signal.kind === "presence" && !signal.on) here.delete(device);
  else here.set(device, now + HERE_LASTS_MS);
  turn.setPresence({ here, typing });
  if (arrives && here.has(device)) {
    turn.setPresence({ saidHere: Math.min(presence.saidHere, now - HERE_EVERY_MS + ANSWER_EVERY_MS) });
  }
}

/** A message of theirs has come: they write no more. */
export function stoppedTyping(turn: Turn, deviceId: Uint8Array): void {
  const { presence } = turn.state;
  const device = toHex(deviceId);
  if (!presence.typing.has(device)) return;
  turn.setPresence({ typing: new Map([...presence.typing].filter(([one]) => one !== device)) });
}

/** When what is shown of others changes by itself. */
export function signalsExpire(turn: Turn): number | null {
  const { here, typing } = turn.state.presence;
  const ends = [...here.values(), ...typing.values()].filter((end) => end > turn.env.now);
  return ends.length === 0 ? null : Math.min(...ends);
}
