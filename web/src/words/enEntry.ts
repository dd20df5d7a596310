/** What is said to somebody who comes with an invitation, or without one. */

export const welcome = {
  heading: "You need an invitation from a colleague",
  intro:
    "Collegium is by invitation only. A colleague who is already here can make a link for you. Open that link in this browser, or paste it below.",
  pasteLabel: "Invitation link",
  pasteHint: "It begins with this page’s address and works once.",
  pasteOpen: "Open the invitation",
  notALink:
    "This is not an invitation link. Copy the whole link from your colleague’s message and try again.",
  otherServer:
    "This link belongs to another Collegium server. Open it in a new tab instead: each server is a separate place.",
  haveAccount: "You have used Collegium before?",
  haveCode: "I have a recovery code",
  haveCodeHint: "It brings your account to this device, for example on a new phone or computer.",
} as const;

export const join = {
  looking: "Looking at your invitation…",
  founderHeading: "Welcome. You are the first one here",
  founderIntro:
    "This link makes the first account on this server. After that you start a consultation group and invite your colleagues.",
  inviteHeading: "A colleague invites you to a consultation group",
  inviteIntro:
    "In a moment you can read and write with your group. What you write is encrypted on this device and can be read only by the members of the group, not by the server.",
  inviteUntil: (when: string): string => `The invitation is for you alone and works until ${when}.`,
  step: (n: number): string => `Step ${n} of 3`,
  nameHeading: "What should colleagues call you?",
  nameLabel: "Your name",
  nameHint: "The members of your groups see this name. The server does not. You can change it later.",
  nameMissing: "Please enter the name that your colleagues should see.",
  refused: {
    link_unknown: {
      heading: "This invitation does not work any more",
      text: "It was used already, it was withdrawn, or its 72 hours are over. For everyone’s safety each invitation works once.",
      todo: "Ask your colleague for a new link. It takes them a few seconds.",
    },
    link_incomplete: {
      heading: "A part of this link is missing",
      text: "Some e-mail and chat programs cut long links in two. The invitation itself may still be good.",
      todo: "Go back to the message, copy the whole link by hand, and open it or paste it here.",
    },
    link_other_server: {
      heading: "This invitation belongs to another server",
      text: "It was made on a different Collegium server than the one that answers here.",
      todo: "Open the link exactly as your colleague sent it, in a new tab.",
    },
  },
  haveOtherLink: "I have another link",
  confirmHeading: "Join this group?",
  confirmText:
    "A colleague invites you to another group. Its members will see your name and that you joined. You are in as soon as one of their devices is online.",
  confirmYes: "Ask to join",
  confirmNo: "Not now",
  founderAgain:
    "You already have an account here, so you do not need this link. It stays good for somebody else.",
  refusedShort: "This invitation can’t be used",
} as const;
