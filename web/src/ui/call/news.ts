import type { CallView, Participant } from "../../engine/callApi";
import { callWords } from "../../words/laterWords";

/** What somebody who does not see the call is told of it: who comes, who goes, who raises a hand. */

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
  const shares = [...is.values()].filter(
    ({ deviceId, screen }) => screen && was.get(deviceId)?.screen === false,
  );
  return [
    ...came.map(({ name }) => callWords.news.came(name)),
    ...went.map(({ name }) => callWords.news.went(name)),
    ...raised.map(({ name }) => callWords.news.hand(name)),
    ...shares.map(({ name }) => callWords.news.shares(name)),
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
