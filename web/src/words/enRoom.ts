import { listed } from "./en";

/** What is said in a group: around its messages, and by its timeline itself. */

export const room = {
  loading: "Opening the group…",
  messages: "Messages",
  people: "People",
  showPeople: (n: number): string => `People in this group, ${n}`,
  hidePeople: "Close the list of people",
  hereNow: (n: number): string => ` · ${n} ${n === 1 ? "other" : "others"} here now`,
  older: "Show earlier messages",
  olderBusy: "Fetching earlier messages…",
  beginning: "This is the beginning of what this device has of this group.",
  emptyOwn: "Your group is ready",
  emptyOwnText:
    "Invite your colleagues: each gets a link of their own. They can read what is written from the moment they join, nothing earlier.",
  emptyText: "Nobody has written yet. Say hello.",
  invite: "Invite a colleague",
  newest: "Jump to the newest message",
  newCount: (n: number): string => (n === 1 ? "1 new message" : `${n} new messages`),
  unreadLine: "New",
  typing: (names: readonly string[]): string =>
    names.length > 3
      ? "Several people are writing…"
      : `${listed(names)} ${names.length === 1 ? "is" : "are"} writing…`,
  announce: (name: string, text: string): string => `${name}: ${text}`,
  announceMany: (n: number): string => `${n} new messages`,
  own: "You",
  replyGone: "This message was deleted",
  goToQuoted: "Show the message that this answers:",
  edited: "edited",
  editedAt: (when: string): string => `Edited ${when}`,
  deleted: "This message was deleted.",
  delivery: {
    queued: "Waiting to be sent",
    server: "On the server, encrypted",
    delivered: "Delivered to the others’ devices",
  },
  provisional:
    "You see this group as the member who let you in describes it. Until another member’s device confirms it, treat names and titles as provisional.",
  removalProposed: (name: string): string =>
    `It is proposed to remove ${name} from the group. The members decide.`,
  removalLook: "Look at it",
  rejoining:
    "This device is coming back into the group. It happens by itself when a colleague’s device is online. You can write meanwhile; it is sent afterwards.",
  removed: {
    heading: "You were removed from this group",
    text: "You can still read what was written until then. What the others write now is encrypted without you, and you can’t write here.",
  },
  left: {
    heading: "You left this group",
    text: "You can still read what was written until then. You can’t read or write anything new here.",
  },
  paused: {
    heading: "Sending is paused in this group",
    text: (who: string | null): string =>
      `This device and ${who ? `${who}’s device` : "a colleague’s device"} have not seen the same messages. It can be a fault. It can also mean that messages are being held back or altered on the way.`,
    todo: (who: string | null): string =>
      `Call ${who ?? "a colleague"}, with your voice and not in writing, and compare the last few messages you both see.`,
    compared: "We compared, and it is all the same",
    goOn: "Go on without comparing",
    goOnHeading: "Go on without comparing?",
    goOnText:
      "If somebody is holding messages back, you would not notice. Nothing you wrote before was exposed. You can still compare later by telephone.",
    goOnYes: "Go on",
    stay: "Stay paused",
  },
} as const;

const lasted = (minutes: string): string => (minutes === "1" ? "1 minute" : `${minutes} minutes`);

export const system = {
  created: (by: string): string => `${by} started this group`,
  joined: (who: string, by: string): string =>
    by && by !== who ? `${who} joined, invited by ${by}` : `${who} joined`,
  left: (who: string): string => `${who} left the group`,
  removed: (who: string, by: string): string => (by ? `${who} was removed by ${by}` : `${who} was removed`),
  renamed: (by: string, title: string): string => `${by} renamed the group to “${title}”`,
  policy: (by: string): string => `${by} changed how the group decides`,
  rejoined: (who: string): string => `${who} is back in the group with renewed keys`,
  unreadable: "This message can’t be read on this device",
  unreadableWhy: {
    before_joined: "it was sent before you joined.",
    missed: "it was sent while this device was away too long.",
    damaged: "it arrived damaged, or somebody without the key put it there.",
    other: "the key for it is not here. Ask its author to send it again.",
  },
  bad_commit: (who: string): string =>
    `${who || "A member"}’s device sent a change that breaks the group’s rules. Every device has ignored it; nothing of yours was exposed`,
  newer_version: (who: string): string =>
    `${who || "Somebody"} wrote this with a newer version of Collegium. Load the page again to update`,
  rang: (by: string, why: string): string => `${by} called the group: ${why}`,
  rang_off: (by: string, why: string): string => `${by} took the call back: ${why}`,
  rang_written: (by: string, why: string): string =>
    `${by} went on in writing, since a call did not come about: ${why}`,
  call: (minutes: string, who: string): string => `A call: ${lasted(minutes)}, ${who}`,
  call_rung: (minutes: string, who: string, by: string, why: string): string =>
    `A call, since ${by} called the group (${why}): ${lasted(minutes)}, ${who}`,
  call_meeting: (minutes: string, who: string, which: string): string =>
    `The meeting “${which}”: ${lasted(minutes)}, ${who}`,
  meeting: (by: string, title: string): string => `${by} planned “${title}”`,
  meeting_changed: (by: string, title: string): string => `${by} planned “${title}” anew`,
  meeting_moved: (by: string, which: string): string => `${by} moved a meeting: ${which}`,
  meeting_cancelled: (by: string, which: string): string => `${by} called off a meeting: ${which}`,
  meeting_ended: (by: string, title: string): string => `${by} called off all meetings of “${title}”`,
  somebody: "Somebody",
  other: (code: string): string => `Something happened that this version has no words for (${code})`,
} as const;
