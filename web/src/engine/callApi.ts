/**
 * What the interface is shown of rings, calls and meetings, and what it may ask. Plain data, as in api.ts: ids are
 * base64url strings, times milliseconds since the epoch, people by account.
 */

import type { Kind } from "../sframe/kid";
import type { Refusal } from "../sframe/lines";

export type Urgency = "now" | "today" | "when_you_can";

/** What a person says to a ring. */
export type RingAnswer =
  | { readonly kind: "joining" }
  | { readonly kind: "in"; readonly minutes: 5 | 15 | 60 }
  | { readonly kind: "at"; readonly time: number }
  | { readonly kind: "cannot" };

/** One of those who are called. away: no device of theirs has rung yet; reached: one rings; later: they come at `due`. */
export type Asked = {
  readonly accountId: string;
  readonly name: string;
  readonly state: "away" | "reached" | "seen" | "joining" | "later" | "cannot";
  readonly due: number | null;
};

/** Somebody calls the group, and what came of it so far. */
export type RingView = {
  readonly callId: string;
  readonly roomId: string;
  readonly title: string;
  readonly by: string;
  readonly mine: boolean;
  readonly at: number;
  readonly urgency: Urgency;
  readonly why: string;
  /** Others who rang at the same moment: their names and reasons. */
  readonly also: readonly { readonly by: string; readonly why: string }[];
  readonly asked: readonly Asked[];
  readonly joining: number;
  /** Joining, or coming later. */
  readonly coming: number;
  /** How many others it begins with. */
  readonly needed: number;
  readonly enough: boolean;
  /** When enough will be there, where so many have said that they come. */
  readonly enoughAt: number | null;
  /** To go on in writing is to be offered: too few can come, or nobody answered in time. */
  readonly write: boolean;
  /** This person's own answer, none yet: null. */
  readonly answer: Asked["state"] | null;
  /** This device is to ring: with a sound, until it is answered or silenced. */
  readonly rings: boolean;
  readonly mayWithdraw: boolean;
  readonly mayEnd: boolean;
};

/** What connection somebody has, as the forwarding unit sees it. */
export type Quality = "good" | "fair" | "poor";

/** A device in a room's call. joining: no media yet; silent: nothing comes any more. */
export type Participant = {
  readonly accountId: string;
  readonly deviceId: string;
  readonly name: string;
  readonly mine: boolean;
  /** This very device. */
  readonly here: boolean;
  readonly state: "joining" | "here" | "silent";
  readonly since: number;
  /** Since when the hand is up: the first up is called on first. */
  readonly hand: number | null;
  readonly reaction: string | null;
  readonly mic: boolean;
  readonly camera: boolean;
  readonly screen: boolean;
  readonly quality: Quality | null;
  /** Compared by voice on this device. */
  readonly verified: boolean;
};

/**
 * This device's own part. entering: on the way in; held: nothing is sent at the moment, since somebody leaves or the
 * room is paused; reconnecting: the way to the server is gone and is being found again.
 */
export type MyPart = "out" | "entering" | "in" | "held" | "reconnecting";

/** The call of a room, while anybody is in it or this device wants to be. */
export type CallView = {
  readonly roomId: string;
  readonly title: string;
  readonly sitting: string | null;
  readonly since: number | null;
  readonly participants: readonly Participant[];
  readonly part: MyPart;
  /** In this tab; another tab of this browser has it otherwise. */
  readonly thisTab: boolean;
};

export type Coming = "yes" | "no" | "maybe";

/** One time that the group meets. `occurrence` names it within its meeting. */
export type MeetingView = {
  readonly meetingId: string;
  readonly occurrence: string;
  readonly roomId: string;
  readonly group: string;
  readonly title: string;
  readonly by: string;
  /** Instants. */
  readonly begins: number;
  readonly ends: number;
  /** In the zone that it was planned in: local start ("YYYY-MM-DDTHH:MM") and IANA zone. */
  readonly start: string;
  readonly zone: string;
  readonly minutes: number;
  /** The rule of the series, where it is one (a subset of RFC 5545's RRULE). */
  readonly rule: string | null;
  readonly moved: boolean;
  /** Ten minutes before it begins, and until it ends. */
  readonly due: boolean;
  readonly people: readonly {
    readonly accountId: string;
    readonly name: string;
    readonly mine: boolean;
    readonly coming: Coming | null;
  }[];
};

/** A meeting as a person plans it. */
export type MeetingPlan = {
  readonly title: string;
  readonly start: string;
  readonly zone: string;
  readonly minutes: number;
  readonly rule: string | null;
};

/** A way that media may take, for RTCPeerConnection: coturn's, with credentials for minutes. */
export type IceServer = {
  readonly urls: readonly string[];
  readonly username: string;
  readonly credential: string;
};

/** To the tab that is in the call, and to no other. */
export type CallMessage =
  | {
      readonly kind: "offer";
      readonly session: string;
      readonly seq: number;
      readonly fresh: boolean;
      readonly sdp: string;
      readonly streams: readonly { readonly mid: string; readonly device: string; readonly kind: Kind }[];
    }
  /** left, replaced (another device or tab of this person took over), removed, full, lost, media_unavailable, locked */
  | { readonly kind: "ended"; readonly code: string };

/** The interface's calls about calls. */
export interface CallEngine {
  /** Call the group. Gives the ring's id. */
  ring(request: { roomId: string; urgency: Urgency; why: string; wanted: number }): Promise<string>;
  answerRing(request: { roomId: string; callId: string; answer: RingAnswer }): Promise<void>;
  /** The person has it before them. */
  ringSeen(request: { roomId: string; callId: string }): Promise<void>;
  /** This device rings no more; the answer stays open. */
  silenceRing(callId: string): Promise<void>;
  withdrawRing(request: { roomId: string; callId: string }): Promise<void>;
  /** Nobody can: it goes on in writing, with the same words. Gives the post's id. */
  writeInstead(request: { roomId: string; callId: string }): Promise<string>;

  /**
   * Into the room's call. The keys go from the engine to the media worker over `keys`, of which the page keeps no end;
   * what the forwarding unit offers comes as CallMessage. Leaves the call that this device is in.
   */
  enterCall(request: { roomId: string; keys: MessagePort }): Promise<void>;
  callAnswer(request: { session: string; seq: number; sdp: string }): Promise<void>;
  /** How large what is received is shown, by section: the unit sends no more than that. */
  callLayers(layers: readonly { mid: string; layer: "none" | "l" | "m" | "h" }[]): Promise<void>;
  /** The path is gone: a new offer is wanted. */
  callRestart(): Promise<void>;
  /** What the media worker would not show (E36), by the device that it was said to be of: an alarm. */
  callRefused(request: { deviceId: string; why: Refusal; reallyBy: string | null }): Promise<void>;
  callMedia(on: { mic: boolean; camera: boolean; screen: boolean }): Promise<void>;
  raiseHand(up: boolean): Promise<void>;
  callReact(emoji: string): Promise<void>;
  leaveCall(): Promise<void>;
  /** E12: 30 digits in groups of five, which everyone can read aloud. Takes a second. */
  rosterCode(roomId: string): Promise<readonly string[]>;
  /** All who are in the roster have read the same code aloud: they are verified on this device (E12). */
  rosterCompared(roomId: string): Promise<void>;
  iceServers(): Promise<readonly IceServer[]>;

  planMeeting(request: { roomId: string; plan: MeetingPlan }): Promise<string>;
  /** One occurrence, or with `onward` it and all that follow. */
  moveMeeting(request: {
    roomId: string;
    meetingId: string;
    occurrence: string;
    to: { start: string; minutes: number };
    onward: MeetingPlan | null;
  }): Promise<void>;
  /** One occurrence; null: the whole meeting. */
  cancelMeeting(request: { roomId: string; meetingId: string; occurrence: string | null }): Promise<void>;
  answerMeeting(request: {
    roomId: string;
    meetingId: string;
    occurrence: string | null;
    coming: Coming;
  }): Promise<void>;
  /** An iCalendar file that names no content. */
  calendarFile(request: { roomId: string; meetingId: string }): Promise<string>;
  /** What takes place in a span of time (ms), at most a year. */
  meetings(request: { roomId: string; low: number; high: number }): Promise<readonly MeetingView[]>;
}
