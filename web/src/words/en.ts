import { errors, failures } from "./enProblems";

/**
 * What a person reads before their groups open, in English, and what is said everywhere; the words of each place are in
 * the modules beside this one. Plain, kind and exact: what happened, what it means for confidentiality, what can be done.
 * Parameters are functions, so that the compiler finds a word that lacks one.
 */

export const countPeople = (n: number): string => (n === 1 ? "1 person" : `${n} people`);

/** "Anna", "Anna and Ben", "Anna, Ben and Carla". */
export function listed(names: readonly string[]): string {
  if (names.length < 2) return names.join("");
  return `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}`;
}

export const en = {
  errors,
  failures,
  product: "Collegium",
  skip: "Skip to the main part",
  starting: "Opening…",
  slowStart: "This takes longer than usual. It is still trying; you can also load the page again.",
  close: "Close",
  cancel: "Cancel",
  back: "Back",
  toGroups: "Back to your groups",
  goOn: "Continue",
  tryAgain: "Try again",
  dismiss: "Understood",
  copied: "Copied",
  copy: "Copy",
  share: "Share…",
  you: "you",
  showPassphrase: "Show passphrase",
  withCount: (n: number, title: string): string => (n > 0 ? `(${n}) ${title}` : title),

  titles: {
    welcome: "Collegium",
    join: "Invitation – Collegium",
    recovery: "Your recovery code – Collegium",
    locked: "Locked – Collegium",
    recover: "Recover your account – Collegium",
    failed: "A problem – Collegium",
    groups: "Your groups – Collegium",
    room: "Group – Collegium",
    people: "People in this group – Collegium",
    call: "A call – Collegium",
    ringing: "A call: somebody needs the group – Collegium",
    settings: "Settings – Collegium",
  },

  locked: {
    heading: "Collegium is locked",
    unlockFirst: "You opened an invitation. Unlock first; then you are asked whether to join.",
    intro: "Your messages are on this device, encrypted. They stay closed until you open them.",
    passkey: "Open with this device’s lock",
    passkeyBusy: "Your device asks you to confirm…",
    passphraseLabel: "Passphrase",
    passphrase: "Open",
    busy: "Opening…",
    usePassphrase: "Use the passphrase",
    forgot: "I can’t open it: use the recovery code",
    forgotHeading: "Open with your recovery code",
    forgotIntro: "The code opens this device. Then you choose a new way to protect it.",
    backToLock: "Back to unlocking",
  },

  failed: {
    heading: "Collegium can’t go on here",
    reload: "Load this page again",
    codeNote: (code: string): string => `For whoever looks after this server: ${code}`,
  },

  /** A notification, shown by a page that is open and unlocked. */
  woken: { title: "A call in one of your groups", body: "Open Collegium to answer." },
  /** The same, when this person has answered every call that the page knows of. */
  wokenAnswered: { title: "Collegium", body: "You have answered already." },

  dates: { today: "Today", yesterday: "Yesterday" },
} as const;

export type Words = typeof en;
