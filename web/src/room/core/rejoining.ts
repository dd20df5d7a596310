/** A device that cannot go on asks to be added anew, and takes the Welcome that answers it (E22, E23, E25). */

import { equal } from "../../bytes/bytes";
import { supersededSecrets } from "../../mls/group";
import type { Welcome } from "../../wire/generated";
import { listHash } from "../logHead";
import { signRejoinRequest } from "../rejoin";
import { devicesOf } from "../roster";
import { withSaid, withSystem } from "../timeline";
import { lineId } from "./happenings";
import { freshKeyPackage } from "./leaf";
import { isCallOn } from "./media";
import { isPinned, roomPin } from "./pins";
import { saidBy } from "./said";
import { NO_CHORES, NOBODY, type Rejoining } from "./state";
import { type Pin, WelcomeError } from "./surface";
import type { Turn } from "./turn";
import { logAt, makerAt, newcomerAt, openWelcome } from "./welcomes";

const HOUR = 3_600_000;
/** The server keeps a request for 72 hours. */
const REQUEST_LIFE_MS = 70 * HOUR;

/** @param not whose Welcome is not taken (E18) */
export function beginRejoin(
  turn: Turn,
  not: Uint8Array | null,
  statement: Rejoining["statement"],
  pin: Pin | null = roomPin(turn.state),
): void {
  const { membership, roomId, staged } = turn.state;
  if (membership !== null && staged !== null) {
    turn.wipe(supersededSecrets(staged.next, membership.group));
    turn.set({ staged: null });
  }
  const { me } = turn.env;
  // The KeyPackage replaces the old leaf, so its certificate is a newer one.
  const above = membership === null ? 0 : membership.me.certificateSerial + 1;
  const { bytes: keyPackage, secrets } = freshKeyPackage(turn.env, above);
  const request = {
    room: roomId,
    device: me.deviceId,
    oldLeaf: membership?.group.ownLeaf ?? null,
    epoch: membership === null ? 0 : Number(membership.group.context.epoch),
    keyPackage,
  };
  const { sealed } = signRejoinRequest(me.identity.identityKey.privateKey, request, turn.env.rng);
  if (pin === null) throw new Error("nobody is known who could add this device");
  turn.set({
    stage: "rejoining",
    leaving: null,
    newcomer: null,
    duties: [],
    requests: [],
    rejoining: { since: turn.env.now, sealed, keyPackage, secrets, not, pin, statement, again: null },
  });
  turn.setLink({ fetching: null });
  turn.effect({ kind: "rejoin", sealed });
  sendStatement(turn);
}

/** On every connection, and when its time has come: the request; the server knows it when it has it. */
export function askAgain(turn: Turn): void {
  const { rejoining } = turn.state;
  if (rejoining === null) return;
  const { now } = turn.env;
  const over =
    now - rejoining.since > REQUEST_LIFE_MS || (rejoining.again !== null && rejoining.again <= now);
  if (over) beginRejoin(turn, rejoining.not, rejoining.statement);
  else turn.effect({ kind: "rejoin", sealed: rejoining.sealed });
}

/** E18, sealed in the old epoch; again on every connection until the server has it or a later commit came. */
export function sendStatement(turn: Turn): void {
  const { rejoining, link, membership, roomId } = turn.state;
  const statement = rejoining?.statement ?? null;
  if (statement === null || membership === null || !link.connected) return;
  const { id, after, payload } = statement;
  const list = listHash(devicesOf(membership.roster));
  turn.send({ t: "send", room: roomId, id, kind: "message", after, list, payload });
}

/** The server has taken the statement, or will not. */
export function statementAnswered(turn: Turn, id: Uint8Array): void {
  const { rejoining } = turn.state;
  if (rejoining?.statement == null || !equal(rejoining.statement.id, id)) return;
  turn.set({ rejoining: { ...rejoining, statement: null } });
}

/** The Welcome that answers this device's own request. Any other is refused (E25). */
export function takeWelcome(turn: Turn, welcome: Welcome): void {
  const { rejoining, stage, log } = turn.state;
  if (stage !== "rejoining" || rejoining === null || welcome.n <= log.n) return;
  try {
    comeBack(turn, rejoining, welcome);
  } catch (error) {
    if (!(error instanceof WelcomeError)) throw error;
    // E22: one request in an hour.
    turn.set({ rejoining: { ...rejoining, again: rejoining.since + HOUR } });
    turn.alarm("welcome", null);
  }
}

function comeBack(turn: Turn, rejoining: Rejoining, welcome: Welcome): void {
  const opened = openWelcome(turn.env, { ...rejoining, roomId: turn.state.roomId }, welcome);
  const { membership, adder, consumed } = opened;
  // E22: by somebody who was in the room when this device knew it; E18: not by whoever made it rejoin.
  if (!isPinned(rejoining.pin, adder)) throw new WelcomeError("welcome_adder");
  if (rejoining.not !== null && equal(adder.accountId, rejoining.not)) {
    throw new WelcomeError("welcome_author");
  }
  const { state, env } = turn;
  if (state.membership !== null) turn.wipe(supersededSecrets(state.membership.group, membership.group));
  turn.wipe(consumed);
  const c = welcome.n;
  // A device that has followed the log goes on with its own heads; it reads on below c for these alone.
  // Any other has sent nothing that could stand below c: nothing is sealed before the head is known (E24).
  const log =
    state.log.head !== null
      ? { ...state.log, maker: makerAt(c, welcome.time, adder), gap: false }
      : logAt(c, welcome.time, adder);
  const line = { id: lineId(env.me.deviceId, c % 256), n: c, at: welcome.time, code: "rejoined" } as const;
  turn.set({
    stage: "member",
    membership,
    title: membership.context.title,
    log,
    timeline: withSystem(state.timeline, { ...line, who: env.me.accountId, by: null, detail: "" }),
    rejoining: null,
    leaves: [],
    newcomer: newcomerAt(env, c, membership),
    provisional: null,
    pause: null,
    presence: NOBODY,
    chores: { ...NO_CHORES, called: isCallOn(turn) },
  });
  // What was missed was sent before the Welcome; what follows is live, also for a room that was not in `ready`.
  const target = Math.max(state.link.target, c);
  turn.setLink({ connected: true, caughtUp: true, target, fetching: null });
  for (const leaf of membership.roster.values()) turn.effect({ kind: "met", leaf });
  turn.effect({ kind: "pins" });
}

/** What the server acknowledged below c stands in the log, though this device will not see it there; the rest goes again. */
export function settleOutbox(turn: Turn, c: number): void {
  const { outbox } = turn.state;
  let { timeline } = turn.state;
  for (const { id, event, acked, at } of outbox) {
    const said = acked > 0 && acked <= c ? saidBy(id, event) : null;
    if (said !== null) timeline = withSaid(timeline, said, turn.env.me.accountId, acked, at);
  }
  const left = outbox.filter(({ acked }) => acked === 0 || acked > c);
  turn.set({ timeline, outbox: left.map((one) => ({ ...one, sealed: null, inFlight: false, acked: 0 })) });
}
