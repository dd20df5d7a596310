/** What is said in the settings. */

export const settings = {
  heading: "Settings",
  nameHeading: "Your name",
  nameLabel: "Name that colleagues see",
  nameHint: "A change is shown to the members of all your groups.",
  nameSave: "Save the name",
  nameSaved: "Saved. Your groups see the new name.",
  nameMissing: "Please enter a name.",
  deviceHeading: "This device",
  lockText: "Collegium locks by itself after ten minutes without use, and when you close it.",
  lockNow: "Lock now",
  forgetText:
    "Take everything of your account away from this device, for example before you sell it. Your account stays; your recovery code brings it to another device.",
  forget: "Forget this device…",
  forgetHeading: "Forget this device?",
  forgetWarning:
    "All messages on this device are deleted. Without another device or your recovery code you lose your account.",
  forgetWord: "forget",
  forgetLabel: (word: string): string => `Type “${word}” to confirm`,
  forgetYes: "Delete everything here",
  wakes: {
    heading: "Calls while Collegium is closed",
    text: "When one of your groups is called, your browser can show a notification on this device, also while Collegium is locked or closed. It says that there is a call, and nothing else: not who calls, not in which group, not why.",
    reveals:
      "For this the server asks the company behind your browser (Google, Mozilla, Apple or Microsoft) to wake this device. That company learns that this device uses this server, and at what times it is called. What is said and written stays encrypted and does not pass through it. Whoever looks at your screen sees that there is a call.",
    turnOn: "Notify me of calls",
    turnOff: "Stop notifying me",
    asking: "Your browser asks whether you allow it…",
    states: {
      asking: "Switched on. The server hears of it as soon as it can be reached.",
      on: "Switched on for this device.",
      refused:
        "Your browser is woken by a company that this server does not call. Notifications are not possible with this browser here.",
    },
    stopped: "Switched off for this device.",
    problems: {
      blocked:
        "Your browser does not allow Collegium to notify you. Allow notifications for this address in the browser’s settings, then try again here.",
      unable:
        "This browser can’t be woken for Collegium. On an iPhone or iPad, first add Collegium to the Home Screen and open it from there. In a private window it is not possible.",
      unreachable:
        "The company behind your browser could not be reached, so nothing was switched on. Try again when you have a better connection.",
    },
  },
  devicesHeading: "Your devices",
  devicesText: "Each of them can read your groups. Remove one that you have lost or no longer use.",
  devicesBusy: "Asking the server…",
  thisDevice: "This device",
  otherDevice: "Another device",
  deviceSince: (when: string): string => `since ${when}`,
  deviceRemove: "Remove…",
  deviceRemoveLabel: (when: string): string => `Remove the device that is here since ${when}`,
  deviceRemoveHeading: "Remove this device?",
  deviceRemoveText:
    "It is signed out at once, and the other members’ devices take it out of your groups. What it has stored stays on it, encrypted, until it is opened and forgotten there.",
  deviceRemoveYes: "Remove the device",
  deviceRemoved: "The device was removed.",
  confirming: "Your device asks you to confirm that it is you…",
  aboutHeading: "What Collegium promises, and what not",
  about: [
    "Only the members of a group can read what is written in it; the server keeps it in encrypted form and orders it.",
    "Whoever is removed or leaves can’t read what is written afterwards, but keeps what was readable before.",
    "The server does see which accounts share a group, when something is sent and roughly how long it is.",
    "Nothing protects against a member who copies or photographs, against a device that is open in other hands, or against malicious software on it.",
    "A server that sends your browser altered program code could read along; use one run by people you trust.",
  ] as const,
  unaudited: "Collegium has not been audited by independent experts yet.",
  version: (version: string): string => `Version ${version}`,
} as const;
