import { equal, toBase64Url, toHex } from "../bytes/bytes";
import { hasLapsed, mayEnd, type Ring, ringView } from "../room/calls";
import type { RoomSight, SightCall } from "../room/core";
import { coming, isMoved, type Meetings, type Occurrence, occurrences, REMIND_MS } from "../room/meetings";
import type { CallReport } from "../wire/generated";
import type { Asked, CallView, MeetingView, MyPart, Participant, Quality, RingView } from "./callApi";
import type { CallLine } from "./callLine";
import type { RingDesk } from "./rings";
import { type Eyes, standingOf } from "./views";

/** From what the rooms and the call line hold to what the interface sees of calls and meetings. Pure. */

/** The next meetings of a room's own page, and how far ahead all groups' are shown. */
const NEXT_IN_ROOM = 5;
const AHEAD_MS = 14 * 24 * 3_600_000;
const IN_ROOM_MS = 92 * 24 * 3_600_000;
const MAX_UPCOMING = 40;
/** A meeting that lasts long is still shown while it goes on. */
const BEHIND_MS = 10 * 3_600_000;
/** Loss before repair, and round trip, from which on a connection is said to be fair, and poor. */
const FAIR = { loss: 0.03, roundTripMs: 300 };
const POOR = { loss: 0.1, roundTripMs: 800 };

export type CallEyes = Eyes & {
  readonly device: Uint8Array;
  readonly now: number;
  readonly line: CallLine;
  readonly desk: RingDesk;
};

function namesOf(sight: RoomSight): (accountId: Uint8Array) => string {
  const names = new Map(sight.members.map(({ accountId, name }) => [toHex(accountId), name]));
  return (accountId) => names.get(toHex(accountId)) ?? "";
}

export function ringViews(eyes: CallEyes, sight: RoomSight): readonly RingView[] {
  return sight.rings.filter((ring) => !hasLapsed(ring, eyes.now)).map((ring) => ringOf(eyes, sight, ring));
}

function ringOf({ me, now, desk }: CallEyes, sight: RoomSight, ring: Ring): RingView {
  const nameOf = namesOf(sight);
  const view = ringView(
    ring,
    sight.members.map(({ accountId }) => accountId),
    now,
  );
  const asked = view.asked.map(
    ({ account, state, due }): Asked => ({
      accountId: toBase64Url(account),
      name: nameOf(account),
      state,
      due,
    }),
  );
  return {
    callId: toBase64Url(ring.call),
    roomId: toBase64Url(sight.roomId),
    title: sight.title,
    by: nameOf(ring.by),
    mine: equal(ring.by, me),
    at: ring.at,
    urgency: ring.urgency,
    why: ring.why,
    also: ring.also.map(({ by, why }) => ({ by: nameOf(by), why })),
    asked,
    joining: view.joining,
    coming: view.coming,
    needed: view.needed,
    enough: view.enough,
    enoughAt: view.enoughAt,
    write: view.write,
    answer: ring.answers.find(({ account }) => equal(account, me))?.state ?? null,
    rings: desk.isHeard(ring, me, now),
    mayWithdraw: mayEnd(ring, me, now, "withdrawn"),
    mayEnd: mayEnd(ring, me, now, "written"),
  };
}

export function callView(eyes: CallEyes, sight: RoomSight, thisTab: boolean): CallView | null {
  const { call } = sight;
  if (call === null || (call.participants.length === 0 && call.media === "off")) return null;
  const nameOf = namesOf(sight);
  return {
    roomId: toBase64Url(sight.roomId),
    title: sight.title,
    sitting: call.sitting && toBase64Url(call.sitting),
    since: call.since,
    participants: call.participants.map((one) => participantOf(eyes, one, nameOf(one.accountId))),
    part: partOf(eyes, sight, call),
    thisTab,
  };
}

function partOf({ line, device }: CallEyes, sight: RoomSight, call: SightCall): MyPart {
  if (line.room !== toHex(sight.roomId)) return "out";
  if (line.away) return "reconnecting";
  if (call.media === "held") return "held";
  const mine = call.participants.find(({ deviceId }) => equal(deviceId, device));
  return call.media === "on" && mine !== undefined ? "in" : "entering";
}

function participantOf(eyes: CallEyes, one: SightCall["participants"][number], name: string): Participant {
  const { accountId, deviceId, state, since, hand, mic, camera, screen } = one;
  const reaction = eyes.line.reactionOf(deviceId, eyes.now);
  const quality = eyes.line.qualityOf(deviceId, eyes.now);
  return {
    accountId: toBase64Url(accountId),
    deviceId: toBase64Url(deviceId),
    name,
    mine: equal(accountId, eyes.me),
    here: equal(deviceId, eyes.device),
    state,
    since,
    hand,
    reaction,
    mic,
    camera,
    screen,
    quality: quality && qualityOf(quality),
    verified: standingOf(eyes, accountId) === "verified",
  };
}

export function qualityOf(report: CallReport["participants"][number]): Quality {
  const loss = Math.max(report.loss_up, report.loss_down);
  const roundTripMs = report.round_trip_ms ?? 0;
  if (loss >= POOR.loss || roundTripMs >= POOR.roundTripMs) return "poor";
  return loss >= FAIR.loss || roundTripMs >= FAIR.roundTripMs ? "fair" : "good";
}

/** What takes place in a span of time, in the order of time. */
export function meetingViews(
  eyes: CallEyes,
  sight: RoomSight,
  low: number,
  high: number,
): readonly MeetingView[] {
  return occurrences(sight.meetings, low, high).map((one) => meetingOf(eyes, sight, one));
}

export function nextMeetings(eyes: CallEyes, sight: RoomSight): readonly MeetingView[] {
  return ahead(eyes, sight.meetings, IN_ROOM_MS)
    .slice(0, NEXT_IN_ROOM)
    .map((one) => meetingOf(eyes, sight, one));
}

export function upcoming(eyes: CallEyes, sights: readonly RoomSight[]): readonly MeetingView[] {
  return sights
    .flatMap((sight) => ahead(eyes, sight.meetings, AHEAD_MS).map((one) => meetingOf(eyes, sight, one)))
    .sort((a, b) => a.begins - b.begins)
    .slice(0, MAX_UPCOMING);
}

function ahead({ now }: CallEyes, meetings: Meetings, span: number): readonly Occurrence[] {
  return occurrences(meetings, now - BEHIND_MS, now + span).filter(({ ends }) => ends > now);
}

function meetingOf({ me, now }: CallEyes, sight: RoomSight, one: Occurrence): MeetingView {
  const { meeting, occurrence, start, minutes, begins, ends } = one;
  const nameOf = namesOf(sight);
  return {
    meetingId: toBase64Url(meeting.meeting),
    occurrence,
    roomId: toBase64Url(sight.roomId),
    group: sight.title,
    title: meeting.title,
    by: nameOf(meeting.by),
    begins,
    ends,
    start,
    zone: meeting.zone,
    minutes,
    rule: meeting.rule,
    moved: isMoved(one),
    due: begins - REMIND_MS <= now && now < ends,
    people: sight.members.map(({ accountId, name }) => ({
      accountId: toBase64Url(accountId),
      name,
      mine: equal(accountId, me),
      coming: coming(meeting, occurrence, accountId),
    })),
  };
}
