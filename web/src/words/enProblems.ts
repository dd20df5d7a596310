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
