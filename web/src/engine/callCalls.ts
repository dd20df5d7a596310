import { equal, fromBase64Url, toBase64Url, toHex } from "../bytes/bytes";
import { markVerified } from "../identity/knownPeople";
import { rosterCodeAsync, rosterCodeGroups } from "../identity/rosterCode";
import { calendarFile } from "../room/calendarFile";
import type { CallEvent } from "../room/callBodies";
import { ringOf } from "../room/calls";
import type { CallSignal } from "../room/ephemeral";
import { findMeeting } from "../room/meetings";
import type { CallEngine, IceServer, MeetingPlan, RingAnswer } from "./callApi";
import type { Tab } from "./callLine";
import { meetingViews } from "./callViews";
import type { Draft } from "./draft";
import { EngineError } from "./errors";
import { ServerError } from "./http";
import { idOf } from "./ids";
import type { Session } from "./session";
import { callEyes } from "./views";

/** What the interface may ask about rings, calls and meetings. Each is checked here, and done as a draft of the session. */

const ID_BYTES = 16;
const MAX_URLS = 8;
const MAX_WINDOW_MS = 366 * 24 * 3_600_000;

/** What the core finds out of bounds in what a person planned or said. */
function say(draft: Draft, hex: string, event: CallEvent): void {
  draft.step(hex, { kind: "command", command: { kind: "say", event } });
}

function inRoom<T>(session: Session, roomId: string, task: (draft: Draft, hex: string) => T): Promise<T> {
  const hex = toHex(idOf(roomId));
  return session.work((draft) => {
    if (draft.room(hex) === null) throw new EngineError("not_found");
    return task(draft, hex);
  });
}

function answerBody(call: Uint8Array, answer: RingAnswer) {
  switch (answer.kind) {
    case "in":
      return { call, kind: "in", minutes: answer.minutes } as const;
    case "at":
      return { call, kind: "at", time: answer.time } as const;
    default:
      return { call, kind: answer.kind } as const;
  }
}

function planBody(meeting: Uint8Array, { title, start, zone, minutes, rule }: MeetingPlan) {
  return { meeting, title, start, zone, minutes, ...(rule === null ? {} : { rule }) };
}

/** E13: the ring's words, as a post that says why it is there. */
function openRing(draft: Draft, hex: string, callId: string) {
  const ring = ringOf(draft.room(hex)?.fold.rings ?? [], idOf(callId));
  if (ring === null) throw new EngineError("ring_over");
  return ring;
}

async function writeInstead(session: Session, roomId: string, callId: string): Promise<string> {
  return inRoom(session, roomId, (draft, hex) => {
    const ring = openRing(draft, hex, callId);
    const before = draft.room(hex)?.outbox.length ?? 0;
    draft.step(hex, { kind: "command", command: { kind: "post", text: ring.why, replyTo: null } });
    const post = draft.room(hex)?.outbox[before];
    if (post === undefined) throw new EngineError("room_not_ready");
    say(draft, hex, { type: "ring_end", body: { call: ring.call, outcome: "written", post: post.id } });
    return toBase64Url(post.id);
  });
}

function signal(session: Session, make: (sitting: Uint8Array, draft: Draft) => CallSignal): Promise<void> {
  return session.work((draft) => {
    const hex = session.call.room;
    const sitting = hex === null ? null : (draft.room(hex)?.call.sitting?.id ?? null);
    if (hex === null || sitting === null) throw new EngineError("no_call");
    draft.step(hex, { kind: "command", command: { kind: "say_in_call", signal: make(sitting, draft) } });
  });
}

function text(value: unknown, most: number): string {
  if (typeof value !== "string" || value.length > most) throw new ServerError("server_answer", 200);
  return value;
}

async function iceServers({ auth }: Session): Promise<readonly IceServer[]> {
  const { urls, username, credential } = await auth.call("POST", "/api/turn");
  if (!Array.isArray(urls) || urls.length > MAX_URLS) throw new ServerError("server_answer", 200);
  if (urls.length === 0) return [];
  return [
    {
      urls: urls.map((url) => text(url, 300)),
      username: text(username, 300),
      credential: text(credential, 300),
    },
  ];
}

function rosterOf(session: Session, roomId: string) {
  const sight = session.sight(toHex(idOf(roomId)), 0);
  if (sight === null) throw new EngineError("not_found");
  return sight.members;
}

async function rosterCompared(session: Session, roomId: string): Promise<void> {
  await inRoom(session, roomId, (draft, hex) => {
    const leaves = draft.room(hex)?.membership?.roster.values() ?? [];
    let { people } = draft.records;
    for (const leaf of leaves) {
      if (!equal(leaf.accountId, draft.env.me.accountId)) people = markVerified(people, leaf);
    }
    draft.records = { ...draft.records, people };
  });
}

/** `tab`: who calls, and is shown what the forwarding unit says. */
export function callCalls(session: Session, tab: Tab): CallEngine {
  return {
    ring: ({ roomId, urgency, why, wanted }) =>
      inRoom(session, roomId, (draft, hex) => {
        const call = draft.env.rng(ID_BYTES);
        say(draft, hex, { type: "ring", body: { call, urgency, why, wanted } });
        return toBase64Url(call);
      }),
    answerRing: ({ roomId, callId, answer }) =>
      inRoom(session, roomId, (draft, hex) => {
        const { call } = openRing(draft, hex, callId);
        session.desk.silence(call);
        say(draft, hex, { type: "ring_answer", body: answerBody(call, answer) });
      }),
    ringSeen: ({ roomId, callId }) =>
      inRoom(session, roomId, (draft, hex) => {
        const { call, answers } = openRing(draft, hex, callId);
        const mine = answers.find(({ account }) => equal(account, draft.env.me.accountId))?.state;
        if (mine !== undefined && mine !== "reached") return;
        say(draft, hex, { type: "ring_answer", body: { call, kind: "seen" } });
      }),
    silenceRing: (callId) => session.work(() => session.desk.silence(idOf(callId))),
    withdrawRing: ({ roomId, callId }) =>
      inRoom(session, roomId, (draft, hex) => {
        const { call } = openRing(draft, hex, callId);
        say(draft, hex, { type: "ring_end", body: { call, outcome: "withdrawn" } });
      }),
    writeInstead: ({ roomId, callId }) => writeInstead(session, roomId, callId),

    enterCall: ({ roomId, keys }) => {
      if (!session.online) return Promise.reject(new EngineError("offline"));
      return inRoom(session, roomId, (draft, hex) => session.call.enter(draft, hex, tab, keys));
    },
    callAnswer: ({ session: id, seq, sdp }) =>
      session.work((draft) => {
        const asked = fromBase64Url(id);
        session.call.say(draft, (seat) => ({ t: "call_answer", ...seat, session: asked, seq, sdp }));
      }),
    callLayers: (streams) =>
      session.work((draft) =>
        session.call.say(draft, (seat) => ({ t: "call_layers", ...seat, streams: [...streams] })),
      ),
    callRestart: () =>
      session.work((draft) => session.call.say(draft, (seat) => ({ t: "call_restart", ...seat }))),
    callRefused: ({ deviceId, why, reallyBy }) =>
      session.work((draft) => {
        const hex = session.call.room;
        const state = hex === null ? null : draft.room(hex);
        if (state === null) throw new EngineError("no_call");
        const suspect = idOf(reallyBy ?? deviceId);
        const leaves = [...(state.membership?.roster.values() ?? [])];
        const who = leaves.find((leaf) => equal(leaf.deviceId, suspect))?.accountId ?? null;
        draft.alarm(`media_${why}`, state.roomId, who, null);
      }),
    callMedia: ({ mic, camera, screen }) =>
      session.work((draft) => session.call.media(draft, { mic, camera, screen })),
    raiseHand: (up) =>
      signal(session, (sitting, { env }) => ({ kind: "hand", sitting, on: up, since: env.serverNow })),
    callReact: (emoji) => signal(session, (sitting) => ({ kind: "call_reaction", sitting, emoji })),
    leaveCall: () => session.work((draft) => session.call.leave(draft)),
    rosterCode: async (roomId) => {
      const entries = rosterOf(session, roomId).map(({ accountId, rootKey }) => ({ accountId, rootKey }));
      return rosterCodeGroups(await rosterCodeAsync(entries));
    },
    rosterCompared: (roomId) => rosterCompared(session, roomId),
    iceServers: () => iceServers(session),

    planMeeting: ({ roomId, plan }) =>
      inRoom(session, roomId, (draft, hex) => {
        const meeting = draft.env.rng(ID_BYTES);
        say(draft, hex, { type: "meeting", body: planBody(meeting, plan) });
        return toBase64Url(meeting);
      }),
    moveMeeting: ({ roomId, meetingId, occurrence, to, onward }) =>
      inRoom(session, roomId, (draft, hex) => {
        const meeting = idOf(meetingId);
        if (onward === null) {
          say(draft, hex, { type: "meeting_change", body: { meeting, occurrence, ...to } });
          return;
        }
        const body = { ...planBody(draft.env.rng(ID_BYTES), onward), follows: meeting, since: occurrence };
        say(draft, hex, { type: "meeting", body });
      }),
    cancelMeeting: ({ roomId, meetingId, occurrence }) =>
      inRoom(session, roomId, (draft, hex) => {
        const meeting = idOf(meetingId);
        const body = occurrence === null ? { meeting } : { meeting, occurrence };
        say(draft, hex, { type: "meeting_cancel", body });
      }),
    answerMeeting: ({ roomId, meetingId, occurrence, coming }) =>
      inRoom(session, roomId, (draft, hex) => {
        const body = { meeting: idOf(meetingId), coming, ...(occurrence === null ? {} : { occurrence }) };
        say(draft, hex, { type: "meeting_answer", body });
      }),
    calendarFile: ({ roomId, meetingId }) =>
      inRoom(session, roomId, (draft, hex) => {
        const meeting = findMeeting(draft.room(hex)?.fold.meetings ?? [], idOf(meetingId));
        if (meeting === null) throw new EngineError("target_gone");
        return calendarFile([meeting], session.world.origin);
      }),
    meetings: async ({ roomId, low, high }) => {
      const sight = session.sight(toHex(idOf(roomId)), 0);
      if (sight === null) throw new EngineError("not_found");
      return meetingViews(callEyes(session), sight, low, Math.min(high, low + MAX_WINDOW_MS));
    },
  };
}
