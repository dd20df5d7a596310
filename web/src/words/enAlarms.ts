type Alarm = { readonly text: (who: string) => string; readonly todo: (who: string) => string };

/** What a person must know without having asked. `who` is a name, or "A colleague". */
export const alarms = {
  fork: {
    text: (who) => `${who}’s device and yours have not seen the same messages in this group.`,
    todo: (who) => `Call ${who} and compare the last messages by voice. Sending is paused until then.`,
  },
  identity_changed: {
    text: (who) => `${who}’s keys were renewed, as happens with a new device or a recovery.`,
    todo: (who) => `If you did not expect it, ask ${who} by telephone whether that is right.`,
  },
  root_changed: {
    text: (who) => `${who} has made a new recovery code, and with it new keys.`,
    todo: (who) =>
      `If you did not expect it, ask ${who} by telephone before you write anything confidential.`,
  },
  identity_blocked: {
    text: (who) => `Two different sets of keys claim to be ${who}. One of them is false.`,
    todo: (who) => `Do not write anything confidential to ${who} here before you have spoken to each other.`,
  },
  bad_commit: {
    text: (who) => `${who}’s device sent a change that breaks the group’s rules. All devices ignored it.`,
    todo: (who) =>
      `Nothing of yours was exposed. Tell ${who}; the device may be out of date or in wrong hands.`,
  },
  routing: {
    text: (who) => `${who}’s device told the server another list of devices than the group has.`,
    todo: (who) => `Messages may not reach everyone. Ask ${who} about it by telephone.`,
  },
  media_swapped: {
    text: (who) =>
      `What the server showed as somebody else’s picture or voice was ${who}’s. It was not shown.`,
    todo: () => "Nothing of yours was sent to the wrong person. Tell whoever runs the server.",
  },
  media_unencrypted: {
    text: (who) => `In a call, something came as ${who}’s that was not encrypted. It was not shown.`,
    todo: () =>
      "Somebody may be tampering with the server. Compare the group’s code aloud, and tell whoever runs the server.",
  },
  media_forged: {
    text: (who) => `In a call, something came as ${who}’s that was altered on its way. It was not shown.`,
    todo: () =>
      "Somebody may be tampering with the server. Compare the group’s code aloud, and tell whoever runs the server.",
  },
  media_no_key: {
    text: (who) => `In a call, what ${who}’s device sends can’t be opened here.`,
    todo: () =>
      "Ask them to leave the call and come in again. If it stays so, compare the group’s code aloud.",
  },
  snapshot_disputed: {
    text: (who) => `${who}’s device describes this group differently than the one that let you in.`,
    todo: () => "Ask a second member by telephone which names and title are right before you rely on them.",
  },
  unreadable: {
    text: () => "Several messages in a row could not be read on this device.",
    todo: () =>
      "Compare by telephone with a colleague what was written. This device may have to come back into the group.",
  },
  log_broken: {
    text: () => "The server gives this group’s messages in an order that does not fit together.",
    todo: () =>
      "Somebody may be holding messages back or altering them on the way. Compare the last messages with a colleague by telephone, and tell whoever looks after this server.",
  },
  expired: {
    text: (who) => `The certificate of a device of ${who} has run out, or this device’s clock is wrong.`,
    todo: () =>
      "Check this device’s date and time. Devices renew their certificates by themselves when they are used.",
  },
  stuck: {
    text: (who) => `A change made by ${who}’s device could not be completed here.`,
    todo: () => "This device asks to come back into the group by itself. You need not do anything.",
  },
  copy: {
    text: () => "This device’s data is an old copy: the group has seen newer messages from it.",
    todo: () =>
      "To be safe, this device has thrown the old keys away and asks to come back into the group. If you did not restore a backup, somebody may have copied this device: remove it in the settings of another one.",
  },
  device_removed: {
    text: () => "This device was removed from your account.",
    todo: () =>
      "If that was not you, use another device or your recovery code now and remove devices you do not know.",
  },
  backup_failed: {
    text: () => "The list of your groups could not be stored for recovery.",
    todo: () => "It is tried again by itself. Until then do not rely on the recovery code alone.",
  },
  welcome: {
    text: () =>
      "A device let you into a group in a way that does not fit your invitation, so this device refused.",
    todo: () => "Nothing of yours was shown to anybody. Ask your colleague by telephone, and for a new link.",
  },
  room_failed: {
    text: () => "A group could not be brought up to date on this device.",
    todo: () =>
      "Load the page again. If it stays, tell whoever looks after this server; the other groups work.",
  },
  replaced: {
    text: () => "Collegium is open twice for this device, perhaps from a copied browser profile.",
    todo: () =>
      "Close it in the other place. If you know of none, remove this device in the settings of another one.",
  },
  passkey_unregistered: {
    text: () => "This device opens with its passkey, but the server does not know that passkey yet.",
    todo: () =>
      "Nothing is unsafe. It is tried again by itself; until then the server can’t ask for it when devices change.",
  },
  invite_lost: {
    text: () => "The invitation that you came with is over: it was withdrawn or used by somebody else.",
    todo: () => "Your account is fine. Ask your colleague for a new link and open it here.",
  },
  other: {
    text: () => "Something happened that this version of Collegium has no words for.",
    todo: () => "Load the page again. If it stays, tell whoever looks after this server.",
  },
} as const satisfies Record<string, Alarm>;

export type AlarmCode = keyof typeof alarms;
