/** Problems in plain words: what happened, what it means, what can be done. Keys are the codes of the engine. */

/** What a call to the engine may be refused with. */
export const errors = {
  offline: "The server can’t be reached. Check your connection and try again; nothing was changed.",
  server_answer: "The server gave an answer that makes no sense. Try again in a minute; nothing was changed.",
  malformed: "The server did not understand this request. Load the page again; a new version may be waiting.",
  too_many: "That was too often in a short time. Wait a minute, then try again.",
  too_many_links: "Too many invitations are open. Withdraw one that is not needed, then try again.",
  too_many_devices: "This account has as many devices as are allowed. Remove one first.",
  too_many_rooms: "You are in as many groups as one account can hold. Leave one first.",
  too_large: "This is larger than can be sent at once. Shorten it or send it in parts.",
  storage: "The server can’t store anything at the moment. Nothing was changed; try again in a minute.",
  not_found: "This does not exist any more, or is not open to you.",
  origin: "This page’s address is not the one the server expects. Open Collegium at its usual address.",
  signed_out: "The server does not know this device any more. It may have been removed from your account.",

  link_unknown:
    "This invitation was used already, was withdrawn, or its 72 hours are over. Ask for a new link.",
  link_incomplete: "A part of this link is missing. Copy the whole link and try again.",
  link_other_server: "This link belongs to another server. Open it exactly as it was sent to you.",
  link_used: "This invitation was used already. Ask for a new link.",
  link_member: "You are in this group already.",

  wrong_opener:
    "That does not open this device. Check for Caps Lock and the keyboard’s language, and try again.",
  not_open: "Collegium has locked meanwhile. Unlock it and try again.",
  account_exists: "There is an account on this device already.",

  recovery_code_length:
    "A recovery code has 28 letters and digits, in seven groups of four. Something is missing or too much.",
  recovery_code_letters:
    "There is a character in it that recovery codes do not have. Look for a misread letter.",
  recovery_code_checksum:
    "One of the characters is not right. Compare the code with your copy, group by group.",
  recovery_code_typed: "This does not match your code. Compare it with your copy, group by group.",
  recovery_code_unknown:
    "The code is well written, but no account on this server belongs to it. Is this the right server?",
  bundle:
    "What the server keeps for your recovery is damaged or from a newer version. Try again; if it stays, tell whoever looks after this server.",
  recovery_code_other: "This code belongs to another account than the one on this device.",

  storage_denied:
    "Your browser does not let Collegium store anything. Allow site data, or leave the private window.",
  storage_full: "This device’s storage is full. Free some space, then try again; nothing was lost.",
  storage_damaged:
    "Something stored on this device was damaged. Nothing false is shown; you may have to recover with your code.",
  storage_newer: "What is stored here was written by a newer version of Collegium. Load the page again.",
  storage_conflict: "This device’s data was changed by something else. Load the page again.",

  passkey_cancelled: "Your device’s question was closed or timed out. Try again.",
  passkey_prf: "This passkey can’t open the device here. Use your recovery code.",
  passkey_failed: "Your device could not use its passkey. Try again, or use your recovery code.",
  passkey_refused: "The server did not accept the passkey. Try again.",
  push_refused: "This browser gave an address that Collegium can’t use. Nothing was changed.",
  confirm: "Your device must confirm that it is you. Try again and answer its question.",

  not_allowed: "The group’s rules do not allow this to you.",
  room_not_ready: "The group is not ready for this yet. Try again in a moment.",
  room_paused: "Sending is paused in this group. Decide about that first.",
  room_closed: "You are not in this group any more.",
  room_full: "This group has as many devices as it can hold.",
  invite_gone: "This invitation was used or withdrawn already.",
  passphrase_short: "This passphrase is too short. Use at least 12 characters.",
  text_empty: "There is nothing to send.",
  text_too_long: "This text is too long to send at once. Please send it in parts.",
  title_invalid: "This name can’t be used: one line, at most 80 characters.",
  no_call: "You are not in a call any more. Come in again from the group’s page.",
  plan_invalid: "This can’t be planned as it is. Look at the day, the time and the length once more.",
  ring_over: "This call is over. Call the group again if you still need it.",
  name_invalid: "This name can’t be used: one line, at most 80 characters.",
  target_gone: "The message is not there any more.",
  unexpected: "Something unexpected happened. Try again; if it stays, load the page again.",
} as const;

export type ErrorCode = keyof typeof errors;

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

/** Why nothing can go on at all. */
export const failures = {
  storage_denied: {
    text: "Your browser does not let Collegium store anything on this device. Private windows and strict settings do that.",
    todo: "Open Collegium in an ordinary window, or allow site data for this address. Nothing was lost.",
  },
  storage_full: {
    text: "This device’s storage is full.",
    todo: "Free some space and load the page again. What you have is still there.",
  },
  storage_damaged: {
    text: "What is stored on this device was damaged, so Collegium does not open it. Nothing false is shown to you.",
    todo: "Load the page again. If it stays, use your recovery code on a fresh browser profile.",
  },
  other_tab: {
    text: "Collegium is open in another tab or window of this browser, or an older version of it still runs there.",
    todo: "Go on there, or close it. This page goes on by itself then.",
  },
  newer_vault: {
    text: "What is stored here was written by a newer version of Collegium than this one.",
    todo: "Load the page again. If it stays, tell whoever looks after this server.",
  },
  unsupported: {
    text: "This browser is too old, or lacks something that Collegium encrypts with.",
    todo: "Use a current version of Chrome, Edge, Firefox or Safari.",
  },
  insecure: {
    text: "This address is not protected by TLS, so browsers do not allow encryption on it.",
    todo: "Open Collegium by its https:// address.",
  },
  update: {
    text: "A new version of Collegium is on the server, and parts of the old one are gone.",
    todo: "Load the page again to go on with the new one.",
  },
  unexpected: {
    text: "Something unexpected happened.",
    todo: "Load the page again. What you have written is stored.",
  },
} as const;

export type FailureCode = keyof typeof failures;
