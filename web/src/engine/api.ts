/**
 * What the interface may ask of the engine, and what the engine shows it.
 *
 * The engine lives in one worker that all tabs of a profile share; keys never cross this line. Every value here is
 * plain data (structured clone). Ids are base64url strings. Times are milliseconds since the epoch.
 */

import type { CallEngine, CallMessage, CallView, MeetingView, RingView } from "./callApi";

/** How the vault of this device is opened. A PRF output is 32 bytes from the passkey, made in the page and passed on. */
export type Protection =
  | { readonly kind: "passphrase"; readonly passphrase: string }
  | {
      readonly kind: "passkey";
      readonly prf: Uint8Array;
      readonly credentialId: string;
      /** The ceremony's answer (WebAuthn JSON without its extension results) where the passkey was just made, else null. */
      readonly registration: unknown;
    };

/** What the page needs to make a passkey: WebAuthn options (JSON) of the server, and the salt that its PRF is asked for (base64url). */
export type PasskeyPlan = { readonly options: unknown; readonly salt: string };

export type UnlockWays = {
  readonly passphrase: boolean;
  /** The passkey's credential id and the PRF salt (base64url), where this device is protected by one. */
  readonly passkey: { readonly credentialId: string; readonly salt: string } | null;
};

/** A one-time link: the text behind `#` of the page's address, which no server was sent. */
export type JoinLink = string;

export type LinkKind =
  | { readonly kind: "founder" }
  | { readonly kind: "invite"; readonly notAfter: number }
  | { readonly kind: "refused"; readonly code: "link_unknown" | "link_incomplete" | "link_other_server" };

export type Connection = "online" | "connecting" | "offline";

export type AppView =
  | { readonly stage: "starting" }
  /** Nothing is stored here yet: an invite link, or a recovery code, is the way in. */
  | { readonly stage: "empty" }
  /** The account exists; its recovery code was not yet typed back. `code` is shown until it was. */
  | { readonly stage: "recovery"; readonly code: string; readonly ask: readonly number[] }
  | { readonly stage: "locked"; readonly ways: UnlockWays }
  | {
      readonly stage: "open";
      readonly me: Person;
      readonly connection: Connection;
      readonly groups: readonly GroupSummary[];
      readonly waiting: readonly Waiting[];
      readonly alarms: readonly Alarm[];
      /** Open rings of all groups, those that ring first. */
      readonly rings: readonly RingView[];
      /** The call that this device is in, whichever room's. */
      readonly call: CallView | null;
      /** What takes place in the next two weeks, in the order of time. */
      readonly meetings: readonly MeetingView[];
      /** This device's clock differs from the server's stamps by so many minutes; 0 below ten. */
      readonly clockOffMinutes: number;
      readonly wakes: Wakes;
    }
  /**
   * The engine cannot go on. other_tab: another tab (of a browser without shared workers), or another build, has the
   * vault; this goes on by itself when that is closed. Else storage_denied, storage_full, storage_damaged, newer_vault,
   * unexpected: loading the page again is worth a try.
   */
  | { readonly stage: "failed"; readonly code: string };

/**
 * Whether this device is woken when a group is called while nothing of Collegium is open. asking: switched on, and the
 * server has not been heard to know it. refused: the server calls no push service of this kind.
 */
export type Wakes = "off" | "asking" | "on" | "refused";

export type Standing = "me" | "introduced" | "changed" | "verified";

export type Person = {
  readonly accountId: string;
  readonly name: string;
  readonly standing: Standing;
};

export type Member = Person & {
  readonly devices: number;
  readonly founder: boolean;
  readonly online: boolean;
};

export type GroupSummary = {
  readonly roomId: string;
  readonly title: string;
  readonly members: number;
  readonly unread: number;
  readonly lastAt: number;
  readonly lastText: string;
  readonly state: "ready" | "paused" | "rejoining" | "removed" | "left";
};

/** An invitation that this person has accepted and that no member's device has answered yet. */
export type Waiting = {
  readonly inviteId: string;
  readonly since: number;
  readonly state: "asking" | "waiting" | "expired" | "refused";
};

/**
 * Something the person must know. `code` has words in the catalogue; `who` is a name where there is one. Of a room: the
 * AlarmCodes of room/core/surface.ts, and room_failed. Of a person: identity_changed, root_changed, identity_blocked.
 * Of this device: device_removed, replaced, passkey_unregistered, backup_failed, invite_lost (the account was made by an
 * invitation that is over by now).
 */
export type Alarm = {
  readonly id: string;
  readonly code: string;
  readonly roomId: string | null;
  readonly who: string | null;
  readonly at: number;
};

export type Delivery = "queued" | "server" | "delivered";

export type Reaction = { readonly emoji: string; readonly who: readonly string[]; readonly mine: boolean };

export type TimelineItem =
  | {
      readonly kind: "post";
      readonly id: string;
      readonly n: number; // log position; 0 while queued
      readonly at: number;
      readonly author: Person;
      readonly mine: boolean;
      readonly text: string; // Markdown; "" when deleted
      readonly deleted: boolean;
      readonly editedAt: number | null;
      readonly replyTo: { readonly id: string; readonly name: string; readonly text: string } | null;
      readonly reactions: readonly Reaction[];
      readonly delivery: Delivery;
    }
  | {
      readonly kind: "system";
      readonly id: string;
      readonly n: number;
      readonly at: number;
      /** joined | left | removed | renamed | policy | unreadable | bad_commit | rejoined | newer_version | created */
      readonly code: string;
      readonly who: string;
      readonly by: string;
      readonly detail: string;
      /** Of a call: why it was called, or which meeting it was. */
      readonly about?: string;
    };

export type OpenInvite = {
  readonly inviteId: string;
  readonly by: string;
  readonly mine: boolean;
  readonly notAfter: number;
};

/** A removal that waits for the approval of others (rule E14). */
export type PendingRemoval = {
  readonly accountId: string;
  readonly name: string;
  readonly approvals: number;
  readonly needed: number;
  readonly approvedByMe: boolean;
};

export type RoomView = {
  readonly roomId: string;
  readonly title: string;
  readonly state: GroupSummary["state"];
  readonly members: readonly Member[];
  readonly items: readonly TimelineItem[];
  /** Whether older items exist on this device beyond those shown. */
  readonly older: boolean;
  /** The log position up to which this person has read. Items after it are unread. */
  readonly readUpTo: number;
  readonly typing: readonly string[];
  /** The room's call, while anybody is in it. */
  readonly call: CallView | null;
  readonly rings: readonly RingView[];
  /** The next ones, at most five. */
  readonly meetings: readonly MeetingView[];
  readonly invites: readonly OpenInvite[];
  readonly removals: readonly PendingRemoval[];
  /** Whether this person alone may remove others (the founder), or the group decides. */
  readonly removesAlone: boolean;
  readonly amFounder: boolean;
  /** A newcomer's state until a second member has confirmed it (rule E24). */
  readonly provisional: boolean;
  /** When this device last confirmed the group's state with another member. */
  readonly confirmedAt: number | null;
};

export type DeviceInfo = {
  readonly deviceId: string;
  readonly current: boolean;
  readonly createdAt: number;
};

/** One call of the interface: arguments and result. Errors arrive as `{ code }`, with words in the catalogue. */
export interface Engine extends CallEngine {
  inspectLink(link: JoinLink): Promise<LinkKind>;
  /** Before createAccount or recover (then with the recovery code): what the page makes a passkey with. */
  preparePasskey(request: { code: string | null }): Promise<PasskeyPlan>;
  /** Make an account and this device's vault. The view goes on to "recovery"; an invitation in the link is accepted by itself. */
  createAccount(request: { link: JoinLink; name: string; protection: Protection }): Promise<void>;
  /** The asked groups of the recovery code, typed back. */
  confirmRecovery(typed: readonly string[]): Promise<void>;
  /** With an account already here: ask to be let in by this link. */
  acceptInvite(link: JoinLink): Promise<void>;
  /** Give up an invitation that nobody has answered yet. */
  cancelWaiting(inviteId: string): Promise<void>;
  /** On a new device: bring the identity back. */
  recover(request: { code: string; protection: Protection }): Promise<void>;
  unlock(protection: Protection): Promise<void>;
  /** The passphrase is forgotten, or the passkey gone: the recovery code opens this device. */
  unlockWithCode(request: { code: string; protection: Protection }): Promise<void>;
  lock(): Promise<void>;
  /** Something was pressed or moved: the idle clock begins again. */
  active(): Promise<void>;
  startGroup(request: { title: string }): Promise<string>;
  createInvite(roomId: string): Promise<{ url: string; notAfter: number }>;
  revokeInvite(request: { roomId: string; inviteId: string }): Promise<void>;
  /** Begin to show a room to this tab; a RoomView follows now and on every change, until closeRoom. */
  openRoom(roomId: string): Promise<void>;
  closeRoom(roomId: string): Promise<void>;
  loadOlder(roomId: string): Promise<void>;
  post(request: { roomId: string; text: string; replyTo: string | null }): Promise<void>;
  edit(request: { roomId: string; target: string; text: string }): Promise<void>;
  remove(request: { roomId: string; target: string }): Promise<void>;
  react(request: { roomId: string; target: string; emoji: string; on: boolean }): Promise<void>;
  typing(roomId: string): Promise<void>;
  markRead(request: { roomId: string; n: number }): Promise<void>;
  rename(request: { roomId: string; title: string }): Promise<void>;
  /** Remove at once where policy lets this person, else propose it or approve the proposal. */
  removeMember(request: { roomId: string; accountId: string }): Promise<void>;
  withdrawRemoval(request: { roomId: string; accountId: string }): Promise<void>;
  leave(roomId: string): Promise<void>;
  /** Go on in a room that was paused by an alarm (rule E19). */
  resume(roomId: string): Promise<void>;
  dismissAlarm(id: string): Promise<void>;
  setName(name: string): Promise<void>;
  devices(): Promise<readonly DeviceInfo[]>;
  /** The server asked for a passkey (error code "confirm"): WebAuthn request options, and the ceremony's answer. */
  confirmOptions(): Promise<unknown>;
  confirm(answer: unknown): Promise<void>;
  revokeDevice(deviceId: string): Promise<void>;
  /** The key that a push subscription is made with (base64url). */
  pushKey(): Promise<string>;
  /** The endpoint of this browser's push subscription, or null when there is none: kept, until the server has heard it. */
  setPush(endpoint: string | null): Promise<void>;
  /** Take everything of this account from this device. The account itself stays. */
  forgetDevice(): Promise<void>;
}

/**
 * Every `code` that a call can be refused with; the catalogue has words for each.
 *
 * Links: link_incomplete, link_unknown (wrong, expired, used or withdrawn: the server says no more), link_other_server,
 * link_used, link_member. Server: offline, too_many, storage (its disk), server_answer (not our server's answer),
 * malformed, too_large, origin, signed_out (the device was removed). What was typed: name_invalid, title_invalid,
 * text_empty, text_too_long, passphrase_short, recovery_code_typed (the groups are others), recovery_code_length, _letters,
 * _checksum, _unknown (the code opens no account here), bundle (what the server keeps for it is damaged). Opening:
 * wrong_opener, recovery_code_other, not_open, account_exists. This browser: storage_denied, storage_full, storage_newer,
 * storage_conflict, storage_damaged. Account: confirm (ask for the passkey), passkey_refused, push_refused, too_many_devices. Rooms:
 * not_found, target_gone, not_allowed, room_not_ready, room_paused, room_closed, room_full, invite_gone, too_many_links,
 * too_many_rooms. Calls: no_call (this device is in none), ring_over, plan_invalid (a meeting that cannot be, or words that are
 * too long). Else: unexpected.
 */
export const ERROR_CODES = [
  "account_exists",
  "bundle",
  "confirm",
  "invite_gone",
  "link_incomplete",
  "link_member",
  "link_other_server",
  "link_unknown",
  "link_used",
  "malformed",
  "name_invalid",
  "no_call",
  "not_allowed",
  "not_found",
  "not_open",
  "offline",
  "origin",
  "passkey_refused",
  "passphrase_short",
  "plan_invalid",
  "push_refused",
  "recovery_code_checksum",
  "recovery_code_length",
  "recovery_code_letters",
  "recovery_code_other",
  "recovery_code_typed",
  "recovery_code_unknown",
  "ring_over",
  "room_closed",
  "room_full",
  "room_not_ready",
  "room_paused",
  "server_answer",
  "signed_out",
  "storage",
  "storage_conflict",
  "storage_damaged",
  "storage_denied",
  "storage_full",
  "storage_newer",
  "target_gone",
  "text_empty",
  "text_too_long",
  "title_invalid",
  "too_large",
  "too_many",
  "too_many_devices",
  "too_many_links",
  "too_many_rooms",
  "unexpected",
  "wrong_opener",
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

export type Call = {
  [K in keyof Engine]: { id: number; call: K; args: Parameters<Engine[K]> };
}[keyof Engine];

export type ToEngine = Call | { call: "hello" } | { call: "goodbye" };

export type FromEngine =
  | { readonly kind: "app"; readonly view: AppView }
  | { readonly kind: "room"; readonly view: RoomView }
  | { readonly kind: "call"; readonly message: CallMessage }
  | { readonly kind: "result"; readonly id: number; readonly value: unknown }
  | { readonly kind: "error"; readonly id: number; readonly code: string };

/** Five minutes is a long time between two sessions, ten is enough to be called away. */
export const IDLE_LOCK_MS = 10 * 60_000;

/** A passphrase that is shorter protects nothing for long: it is refused when it is chosen. */
export const PASSPHRASE_MIN = 10;
