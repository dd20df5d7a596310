import type { RoomCallState } from "../../calls/roomCall";
import type { CallView, Participant } from "../../engine/callApi";
import { listed } from "../../words/en";
import { callWords } from "../../words/laterWords";

/** What somebody who does not see the call is told of it: who is there, who comes and goes, and what is on of theirs. */

const others = (call: CallView): readonly Participant[] => call.participants.filter(({ here }) => !here);

/** In the order in which it is said. Nothing about those who were there when this person came. */
export function news(before: CallView | null, after: CallView | null): readonly string[] {
  if (before === null || after === null || before.roomId !== after.roomId) return [];
  const was = new Map(others(before).map((one) => [one.deviceId, one]));
  const is = new Map(others(after).map((one) => [one.deviceId, one]));
  const came = [...is.values()].filter(({ deviceId }) => !was.has(deviceId));
  const went = [...was.values()].filter(({ deviceId }) => !is.has(deviceId));
  const raised = [...is.values()].filter(
    ({ deviceId, hand }) => hand !== null && (was.get(deviceId)?.hand ?? null) === null,
  );
  const lowered = [...is.values()].filter(
    ({ deviceId, hand }) => hand === null && (was.get(deviceId)?.hand ?? null) !== null,
  );
  const shares = [...is.values()].filter(
    ({ deviceId, screen }) => screen && was.get(deviceId)?.screen === false,
  );
  const stops = [...is.values()].filter(({ deviceId, screen }) => !screen && was.get(deviceId)?.screen);
  return [
    ...came.map(({ name }) => callWords.news.came(name)),
    ...went.map(({ name }) => callWords.news.went(name)),
    ...raised.map(({ name }) => callWords.news.hand(name)),
    ...lowered.map(({ name }) => callWords.news.handDown(name)),
    ...shares.map(({ name }) => callWords.news.shares(name)),
    ...stops.map(({ name }) => callWords.news.stops(name)),
  ];
}

type State = { readonly text: string; readonly tone: "info" | "warn" };

/** The one thing about this person's own way into the call that matters most just now. */
export function stateOf(
  part: CallView["part"],
  media: Pick<RoomCallState, "path" | "sending">,
  stuck: boolean,
): State | null {
  const { states } = callWords;
  if (stuck) return { text: states.stuck, tone: "warn" };
  if (part === "reconnecting" || media.path === "restoring")
    return { text: states.reconnecting, tone: "warn" };
  if (part === "held") return { text: states.held, tone: "warn" };
  if (part === "entering" || part === "out") return { text: states.entering, tone: "info" };
  if (media.path === "connecting") return { text: states.connecting, tone: "info" };
  if (!media.sending) return { text: states.noKeys, tone: "info" };
  return null;
}

/** This person's own part, as one who looks would see it. */
export type OwnPart = {
  /** There is a way: others can be heard. */
  readonly connected: boolean;
  /** What is wrong with it. */
  readonly trouble: string | null;
  readonly microphone: boolean;
  readonly camera: boolean;
  readonly hand: boolean;
  /** Names of those who are there. */
  readonly others: readonly string[];
};

/** What a person who does not look is told of their own part, however they changed it. `before` null: they came in now. */
export function ownNews(before: OwnPart | null, after: OwnPart): readonly string[] {
  const { news: said, states } = callWords;
  if (after.trouble !== null) return after.trouble === before?.trouble ? [] : [after.trouble];
  if (!after.connected) return [];
  if (before === null || !before.connected) {
    // What they chose before is known to them; who is there is not.
    const there = after.others.length > 0 ? callWords.before.inIt(listed(after.others)) : callWords.alone;
    return [said.in, there];
  }
  const changed = (what: "microphone" | "camera" | "hand"): readonly string[] =>
    before[what] === after[what] ? [] : [after[what] ? said.own[what].on : said.own[what].off];
  return [
    ...(before.trouble === states.reconnecting ? [said.back] : []),
    ...changed("microphone"),
    ...changed("camera"),
    ...changed("hand"),
  ];
}

/** Hands in the order in which they went up. */
export function hands(participants: readonly Participant[]): readonly Participant[] {
  return participants.filter(({ hand }) => hand !== null).toSorted((a, b) => a.hand! - b.hand!);
}

/** The others as they came, this device last: its picture is the least important one. */
export function inOrder(participants: readonly Participant[]): readonly Participant[] {
  return participants.toSorted((a, b) => Number(a.here) - Number(b.here) || a.since - b.since);
}
