import { countPeople } from "./en";

/** What is said around the groups: the list of them, waiting for one, what must be known, the connection. */

export const groups = {
  heading: "Your groups",
  nav: "Groups",
  empty: "You are not in a group yet",
  emptyText: "Start one and invite your colleagues, or open an invitation link that a colleague sent you.",
  start: "Start a group",
  startHeading: "Start a consultation group",
  startText: "You become its founder. You can invite people as soon as it exists.",
  titleLabel: "Name of the group",
  titleHint: "Only its members see this name.",
  titleMissing: "Please give the group a name.",
  startYes: "Start the group",
  starting: "Starting the group…",
  useLink: "Use an invitation link",
  pick: "Choose a group",
  pickText: "Your groups are on the left.",
  members: countPeople,
  unread: (n: number): string => (n === 1 ? "1 unread message" : `${n} unread messages`),
  manyUnread: "99+",
  nothingYet: "Nothing written yet",
  states: {
    ready: "",
    paused: "Sending is paused",
    rejoining: "Coming back into the group…",
    removed: "You were removed",
    left: "You left",
  },
  settings: "Settings",
  lock: "Lock",
  lockHint: "Lock Collegium on this device",
  notice: "Notice",
  more: "Start or join a group",
} as const;

export const waiting = {
  heading: "Waiting to be let in",
  section: "Waiting to join",
  item: "Invitation accepted",
  asking: "Sending your request to the group…",
  waiting:
    "You are in as soon as a device of one of the members is online. That can take a minute or some hours.",
  noReload: "You need not reload or stay on this page. It opens by itself, also if you come back tomorrow.",
  expired:
    "Nobody’s device was online in time, and the invitation has run out. Ask your colleague for a new link.",
  refused:
    "The group can’t let you in with this invitation: it was withdrawn or used. Ask your colleague for a new link.",
  since: (when: string): string => `Asked ${when}`,
  cancel: "Withdraw my request",
  remove: "Remove from this list",
  cancelHeading: "Withdraw your request?",
  cancelText: "The invitation can’t be used again. To join later you need a new link.",
  cancelYes: "Withdraw",
  cancelNo: "Keep waiting",
  announced: "You are in the group now.",
} as const;

export const connection = {
  online: "Connected",
  connecting: "Connecting…",
  offline: "Offline",
  offlineText: "You can read, and write too: your messages go out when the connection is back.",
  label: "Connection",
} as const;

export const notices = {
  heading: "Notices",
  alarmIn: (title: string): string => `In “${title}”: `,
  moreAlarms: (n: number): string => (n === 1 ? "One more notice" : `${n} more notices`),
  clock: (minutes: number): string =>
    `This device’s clock differs from the server’s by ${minutes < 120 ? `${minutes} minutes` : minutes < 2880 ? `${Math.round(minutes / 60)} hours` : `${Math.round(minutes / 1440)} days`}. Please set it right in your device’s settings: times are shown wrongly, and invitations may look expired.`,
} as const;
