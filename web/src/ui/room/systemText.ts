import type { TimelineItem } from "../../engine/api";
import { systemWords } from "../../words/laterWords";

/** A line of the timeline that nobody wrote, in words. */
export function systemText(item: TimelineItem & { kind: "system" }): string {
  const say = systemWords;
  const who = item.who || say.somebody;
  const by = item.by || say.somebody;
  switch (item.code) {
    case "created":
      return say.created(by);
    case "joined":
      return say.joined(who, item.by);
    case "left":
      return say.left(who);
    case "removed":
      return say.removed(who, item.by);
    case "renamed":
      return say.renamed(by, item.detail);
    case "policy":
      return say.policy(by);
    case "rejoined":
      return say.rejoined(who);
    case "unreadable": {
      const why = say.unreadableWhy;
      const reason = Object.hasOwn(why, item.detail) ? why[item.detail as keyof typeof why] : why.other;
      return `${say.unreadable}: ${reason}`;
    }
    case "bad_commit":
      return say.bad_commit(item.who);
    case "newer_version":
      return say.newer_version(item.who);
    case "rang":
    case "rang_off":
    case "rang_written":
    case "meeting":
    case "meeting_changed":
    case "meeting_moved":
    case "meeting_cancelled":
    case "meeting_ended":
      return say[item.code](by, item.detail);
    case "call":
      return say.call(item.detail, who);
    case "call_rung":
      return say.call_rung(item.detail, who, by, item.about ?? "");
    case "call_meeting":
      return say.call_meeting(item.detail, who, item.about ?? "");
    default:
      return say.other(item.code);
  }
}
