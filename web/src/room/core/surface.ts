/** What goes into the machine of one room and what comes out: the line between the room's core and its driver. */

import type { Rng } from "../../bytes/bytes";
import type { LeafIdentity } from "../../identity/credential";
import type { Identity } from "../../identity/identity";
import type { KeyPackageSecrets } from "../../mls/keyPackage";
import type {
  Ack,
  CallState,
  CaughtUp,
  Cursors,
  Entry,
  Ephemeral,
  Fetch,
  Gap,
  Refused,
  Removed,
  Request,
  RequestGone,
  Routing,
  Send,
  Stale,
  Welcome,
  RoomState as WireRoom,
} from "../../wire/generated";
import type { CallEvent } from "../callBodies";
import type { Rings } from "../calls";
import type { CallSignal } from "../ephemeral";
import type { Meetings } from "../meetings";
import type { OpenInvite } from "../roomContext";

/** This device and its person. Leaf keys are made by the core, fresh for each room, and certified with the identity key. */
export type Me = {
  readonly accountId: Uint8Array;
  readonly deviceId: Uint8Array;
  readonly deploymentId: Uint8Array;
  readonly identity: Identity;
  /** What colleagues read; a newcomer says it to the room by itself. */
  readonly name: string;
};

export type Env = {
  /** Milliseconds, by this device's clock. */
  readonly now: number;
  /** The same, corrected by the last difference to the server's stamps. */
  readonly serverNow: number;
  readonly rng: Rng;
  readonly me: Me;
};

/** Frames of this room, as they came and in the order in which they came. */
export type Frame =
  | Ack
  | Stale
  | Refused
  | Entry
  | Gap
  | CaughtUp
  | Welcome
  | Request
  | RequestGone
  | Cursors
  | Removed
  | Routing
  | Ephemeral
  | CallState;

export type Command =
  | { readonly kind: "post"; readonly text: string; readonly replyTo: Uint8Array | null }
  | { readonly kind: "edit"; readonly target: Uint8Array; readonly text: string }
  | { readonly kind: "delete"; readonly target: Uint8Array }
  | { readonly kind: "react"; readonly target: Uint8Array; readonly emoji: string; readonly on: boolean }
  /** Something about calls or meetings: ring, answer, plan, move, come. */
  | { readonly kind: "say"; readonly event: CallEvent }
  /** `me.name` changed. */
  | { readonly kind: "profile" }
  /** `invite` as newInvite made it (its open part); the room commits it, then `invited` comes back. */
  | { readonly kind: "invite"; readonly invite: OpenInvite }
  | { readonly kind: "withdraw_invite"; readonly inviteId: Uint8Array }
  | { readonly kind: "rename"; readonly title: string }
  | { readonly kind: "remove_member"; readonly accountId: Uint8Array }
  | { readonly kind: "withdraw_removal"; readonly accountId: Uint8Array }
  /** A revocation statement of this person's own identity key: the device leaves this room (E9). */
  | { readonly kind: "revoke_device"; readonly statement: Uint8Array; readonly deviceId: Uint8Array }
  | { readonly kind: "leave" }
  /** Go on after an alarm (E19). */
  | { readonly kind: "resume" }
  | { readonly kind: "typing" }
  | { readonly kind: "presence" }
  /**
   * This device goes into the room's call: `media` follows as soon as it may. `rekey`: it starts the call, so a commit
   * with a path comes first (E37). Given while it is in already, it changes nothing.
   */
  | { readonly kind: "media_on"; readonly rekey: boolean }
  /** It goes out. `rekey`: nobody is left, so this device supersedes the keys that were used (E37). Always taken. */
  | { readonly kind: "media_off"; readonly rekey: boolean }
  /**
   * A hand, a reaction, or what of this device's media is on: to the others in its call. The core says hand and media
   * again by itself whenever somebody may not have heard them.
   */
  | { readonly kind: "say_in_call"; readonly signal: CallSignal }
  | { readonly kind: "mark_read"; readonly n: number };

export type Input =
  | { readonly kind: "frame"; readonly frame: Frame }
  /** The socket said hello: what `ready` has of this room, or null when it is not in there. */
  | { readonly kind: "ready"; readonly room: WireRoom | null }
  | { readonly kind: "offline" }
  | { readonly kind: "tick" }
  | { readonly kind: "command"; readonly command: Command };

export type AlarmCode =
  /** Somebody's view of the log differs from ours (E19): `who` said so. */
  | "fork"
  /** Entries nobody could open in one epoch (E19): the offer to compare. */
  | "unreadable"
  /** A commit broke the rules and was skipped (E18): `who` made it. */
  | "bad_commit"
  /** The device list of the server is not that of the tree (E20): `who` committed it. */
  | "routing"
  /** This device could not complete a commit and asks to be added again (E18): `who` made it. */
  | "stuck"
  /** Traffic of this device that it never sent: its state was destroyed (E39). */
  | "copy"
  /** A member disputes the state that a newcomer was given (E24). */
  | "snapshot_disputed"
  /** A Welcome that answers this device's own request was not one to accept (E22, E25). */
  | "welcome"
  /** The server holds positions back. */
  | "log_broken";

/** In order. Everything is released only after the new state is stored; frames of `send` as they are. */
export type Effect =
  | { readonly kind: "send"; readonly frames: readonly (Send | Fetch | Ephemeral)[] }
  /** Everything up to n is stored once this state is. */
  | { readonly kind: "cursor"; readonly n: number }
  /** POST /api/rejoin-requests */
  | { readonly kind: "rejoin"; readonly sealed: Uint8Array }
  | {
      readonly kind: "alarm";
      readonly code: AlarmCode;
      /** An account. */
      readonly who: Uint8Array | null;
      readonly at: number;
      /** CBOR, for whoever looks into it later. */
      readonly evidence: Uint8Array | null;
    }
  /** A leaf came into the tree, or was there when we came: the people whom this device knows learn of it. */
  | { readonly kind: "met"; readonly leaf: LeafIdentity }
  /** The pin list of E22 changed (roomPin). */
  | { readonly kind: "pins" }
  /** Send `tick` at this time at the latest (ms, `now`). The latest one counts. */
  | { readonly kind: "wake"; readonly at: number }
  /** An invite of this person is over: DELETE /api/registration-tokens/{inviteId}. */
  | { readonly kind: "withdraw_token"; readonly inviteId: Uint8Array }
  /** An invite of this device is committed: its link works now. */
  | { readonly kind: "invited"; readonly inviteId: Uint8Array }
  /** A new message for the person, for unread counts and notices. */
  | { readonly kind: "arrived"; readonly id: Uint8Array }
  /**
   * The keys of the call (E35, E36), for the SFrame worker: decrypt by them from now on, and encrypt by no others. At first
   * when this device comes in, then for every epoch that is merged, and again for the same epoch when a hold is over. The
   * base key is the driver's to hand over and to wipe, and nobody else has it.
   */
  | {
      readonly kind: "media";
      readonly epoch: bigint;
      readonly baseKey: Uint8Array;
      readonly ownLeaf: number;
      readonly leaves: ReadonlyMap<number, CallLeaf>;
    }
  /** Encrypt nothing until the next `media`: somebody goes, whom nobody is to hear from now on (E14), or the room is paused (E19). */
  | { readonly kind: "media_hold"; readonly gone: (CallLeaf & { readonly leaf: number }) | null }
  /** This device is in the call no more: all of its keys are to be forgotten. */
  | { readonly kind: "media_end" }
  /** Somebody in this device's call said something of themselves. A reaction is shown for a moment and kept nowhere. */
  | {
      readonly kind: "heard_in_call";
      readonly accountId: Uint8Array;
      readonly deviceId: Uint8Array;
      readonly signal: CallSignal;
    }
  /** Somebody else calls the group, and the ring has not lapsed. */
  | { readonly kind: "rang"; readonly call: Uint8Array }
  /** What was asked for is not possible any more, and was dropped. */
  | { readonly kind: "dropped"; readonly command: Command["kind"]; readonly code: string };

/** Who sits at a leaf. */
export type CallLeaf = { readonly deviceId: Uint8Array; readonly accountId: Uint8Array };

export type Stepped = {
  readonly state: RoomStateRef;
  readonly effects: readonly Effect[];
  /** Secrets to wipe once the new state is stored. */
  readonly wiped: readonly Uint8Array[];
};

import type { RoomState as RoomStateRef } from "./state";

/** A command that cannot be taken. The state is as it was. */
export class CommandError extends Error {
  constructor(readonly code: string) {
    super(code);
    this.name = "CommandError";
  }
}

/** A Welcome that this device does not accept, and why. */
export class WelcomeError extends Error {
  constructor(
    readonly code: string,
    options?: ErrorOptions,
  ) {
    super(code, options);
    this.name = "WelcomeError";
  }
}

/** What a device that asked to be let in by an invite waits for (E25, E29). Plain data: it can be stored as it is. */
export type JoinExpectation = {
  readonly roomId: Uint8Array;
  readonly inviteId: Uint8Array;
  /** The secret of the link's fragment. */
  readonly secret: Uint8Array;
  /** First 16 bytes of the hash of the inviter's root key, from the link: its account id (E6). */
  readonly inviterRoot: Uint8Array;
  readonly requestHash: Uint8Array;
  readonly keyPackage: Uint8Array;
  readonly secrets: KeyPackageSecrets;
};

/** One room of the pin list that a recovered device is given (E22). */
export type Pin = {
  readonly room: Uint8Array;
  readonly accounts: readonly { readonly accountId: Uint8Array; readonly rootKey: Uint8Array }[];
  readonly position: number;
  readonly head: Uint8Array;
};

// What is shown. Ids are bytes; the engine writes them as text and adds the standing of persons.

export type Delivery = "queued" | "server" | "delivered";

export type SightItem =
  | {
      readonly kind: "post";
      readonly id: Uint8Array;
      /** Log position; 0 while queued. */
      readonly n: number;
      readonly at: number;
      readonly author: Uint8Array;
      readonly authorName: string;
      readonly mine: boolean;
      readonly text: string;
      readonly deleted: boolean;
      readonly editedAt: number | null;
      readonly replyTo: { readonly id: Uint8Array; readonly name: string; readonly text: string } | null;
      readonly reactions: readonly {
        readonly emoji: string;
        readonly who: readonly string[];
        readonly mine: boolean;
      }[];
      readonly delivery: Delivery;
    }
  | {
      readonly kind: "system";
      readonly id: Uint8Array;
      readonly n: number;
      readonly at: number;
      readonly code: string;
      readonly who: string;
      readonly by: string;
      readonly detail: string;
      /** Of a call: why it was called, or which meeting it was. */
      readonly about?: string;
    };

export type SightMember = {
  readonly accountId: Uint8Array;
  readonly rootKey: Uint8Array;
  readonly name: string;
  readonly devices: number;
  readonly founder: boolean;
  readonly online: boolean;
};

export type SightCaller = {
  readonly accountId: Uint8Array;
  readonly deviceId: Uint8Array;
  readonly state: "joining" | "here" | "silent";
  readonly since: number;
  /** When it went up (ms), by its owner's word; null: it is down. */
  readonly hand: number | null;
  readonly mic: boolean;
  readonly camera: boolean;
  readonly screen: boolean;
};

export type SightCall = {
  /** Which call this is, and its begin (ms); null until the server has said it. */
  readonly sitting: Uint8Array | null;
  readonly since: number | null;
  /** By the server's word, of this room's members. */
  readonly participants: readonly SightCaller[];
  /** This device: out of it, to come in, in it, or in it and sending nothing. */
  readonly media: "off" | "waiting" | "on" | "held";
};

export type SightState = "ready" | "paused" | "rejoining" | "removed" | "left";

export type RoomSight = {
  readonly roomId: Uint8Array;
  readonly title: string;
  readonly state: SightState;
  readonly members: readonly SightMember[];
  readonly items: readonly SightItem[];
  readonly older: boolean;
  readonly readUpTo: number;
  readonly unread: number;
  readonly lastAt: number;
  readonly lastText: string;
  /** Account ids of those who are writing. */
  readonly typing: readonly Uint8Array[];
  readonly invites: readonly {
    readonly inviteId: Uint8Array;
    readonly by: Uint8Array;
    readonly mine: boolean;
    readonly notAfter: number;
  }[];
  readonly removals: readonly {
    readonly accountId: Uint8Array;
    readonly name: string;
    readonly approvals: number;
    readonly needed: number;
    readonly approvedByMe: boolean;
  }[];
  readonly removesAlone: boolean;
  readonly amFounder: boolean;
  readonly provisional: boolean;
  readonly confirmedAt: number | null;
  /** Null where nobody is in a call. */
  readonly call: SightCall | null;
  /** As the log has them: ringView, occurrences and their like say what is to be shown. */
  readonly rings: Rings;
  readonly meetings: Meetings;
};
