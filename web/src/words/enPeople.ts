import { countPeople } from "./en";

/** What is said of the people in a group: who is there, who is invited, who is to go. */

export const people = {
  heading: "People",
  close: "Back to the messages",
  count: countPeople,
  founder: "Founder",
  you: "You",
  online: "Here now",
  away: "Not here now",
  devices: (n: number): string => (n === 1 ? "1 device" : `${n} devices`),
  changed: "New keys",
  changedText: (name: string): string =>
    `${name}’s keys were renewed, for example on a new phone. If you did not expect it, ask ${name} by telephone.`,
  more: (name: string): string => `More about ${name}`,
  remove: (name: string): string => `Remove ${name} from the group…`,
  inviteHeading: "Invite a colleague",
  inviteText: "Each link is for one person and works once.",
  invite: "Make an invitation link",
  inviteBusy: "Making the link…",
  linkHeading: "Your invitation link",
  linkText: (until: string): string =>
    `It works once, until ${until}, for one person. Send it to the one colleague it is meant for, by a way you trust.`,
  linkWarning: "Whoever opens it first joins the group. So do not post it where others can see it.",
  linkLabel: "Invitation link",
  linkDone: "Done",
  copyFailed: "Your browser did not allow copying. Please select the link and copy it by hand.",
  linkOnce: "For safety this link is shown only now. You can withdraw it at any time.",
  shareText: "An invitation to our consultation group on Collegium. It works once:",
  openHeading: "Open invitations",
  openNone: "No invitation is open.",
  openBy: (by: string): string => `Made by ${by}`,
  openByMe: "Made by you",
  openUntil: (when: string): string => `until ${when}`,
  withdraw: "Withdraw",
  withdrawLabel: (by: string, when: string): string =>
    `Withdraw the invitation made by ${by}, open until ${when}`,
  removeHeading: (name: string): string => `Remove ${name}?`,
  removeFounder: (name: string): string =>
    `${name} is told so, and can’t read anything written from then on. What ${name} has read already stays readable on ${name}’s devices.`,
  removeGroup: (name: string): string =>
    `Removing somebody is a decision of the group. You propose it now; when half of the other members and at least two agree, ${name} is removed. The others see your proposal.`,
  removeYes: "Remove now",
  proposeYes: "Propose the removal",
  voidsInvites: "All open invitations become void when somebody is removed.",
  pendingHeading: "Proposed removals",
  pending: (name: string, have: number, need: number): string => `Remove ${name}: ${have} of ${need} agreed`,
  agree: "Agree",
  agreed: "You agreed",
  withdrawRemoval: "Withdraw",
  withdrawRemovalLabel: (name: string): string => `Withdraw the proposal to remove ${name}`,
  agreeLabel: (name: string): string => `Agree to remove ${name}`,
  agreeHeading: (name: string): string => `Agree to remove ${name}?`,
  agreeText: (name: string, last: boolean): string =>
    last
      ? `Yours is the last voice needed: ${name} is removed at once and can’t read anything written from then on.`
      : `When enough members agree, ${name} is removed and can’t read anything written from then on.`,
  groupHeading: "This group",
  rename: "Change the name…",
  renameHeading: "Change the group’s name",
  renameYes: "Change the name",
  leave: "Leave the group…",
  leaveHeading: (title: string): string => `Leave “${title}”?`,
  leaveText:
    "You can’t read or write anything new here. What you have on this device stays readable for you. To come back you need a new invitation.",
  leaveAlone: "You are the only member. Nobody can come back into this group after you.",
  leaveYes: "Leave",
  confirmedAt: (when: string): string => `State of the group confirmed by another member’s device ${when}.`,
} as const;
