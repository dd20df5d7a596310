/**
 * What one device knows of one room. Immutable; `step` gives the next one. What is marked volatile is not stored: it
 * begins anew with the program or the connection.
 */

import { equal } from "../../bytes/bytes";
import type { LeafIdentity } from "../../identity/credential";
import type { Group } from "../../mls/group";
import type { ProposalReference } from "../../mls/judgeCommit";
import type { KeyPackageSecrets } from "../../mls/keyPackage";
import type { LeafIndex } from "../../mls/treeMath";
import { encode } from "../../wire/cbor";
import type { CallState } from "../../wire/generated";
import type { RoomChange } from "../change";
import type { EphemeralSeen, EphemeralSender } from "../ephemeral";
import type { EventBody } from "../events";
import type { Fold } from "../fold";
import type { Seen } from "../logHead";
import type { OpenInvite, RoomContext } from "../roomContext";
import type { Roster } from "../roster";
import type { Pages } from "../snapshot";
import type { Timeline } from "../timeline";
import type { Heads } from "./heads";
import type { Pin } from "./surface";

export type Stage = "member" | "rejoining" | "removed" | "left";

/** The present epoch: the group, and what follows from it. */
export type Membership = {
  readonly group: Group;
  readonly context: RoomContext;
  readonly roster: Roster;
  readonly me: LeafIdentity;
};

/** Who made the present epoch, and by which entry. */
export type EpochMaker = {
  readonly n: number;
  readonly accountId: Uint8Array;
  readonly deviceId: Uint8Array;
  /** The stamp of the entry, where it is known. */
  readonly time?: number;
};

/** `RoomChange` without the epoch that it leads to: what the fold and the timeline take of a commit. */
export type Happened = Pick<RoomChange, "committer" | "added" | "removed" | "gone" | "what">;

export type RoomLog = {
  /** Everything up to here was processed. */
  readonly n: number;
  /** H_n. Null until a newcomer's snapshot has told it (E24). */
  readonly head: Uint8Array | null;
  /** The stamp of n. */
  readonly time: number;
  /** The last Commit or leave that was processed, valid or not (E17). */
  readonly after: number;
  readonly heads: Heads;
  readonly maker: EpochMaker;
  /** Deleted entries were passed in this epoch: one of them may have been a commit (E23). */
  readonly gap: boolean;
};

/** Volatile: the connection as this room sees it. */
export type Link = {
  readonly connected: boolean;
  /** The server has sent all that was missed. */
  readonly caughtUp: boolean;
  /** The highest position that is known to exist. */
  readonly target: number;
  /** Positions that were asked for once more. */
  readonly fetching: { readonly upto: number; readonly at: number; readonly tries: number } | null;
  /** Nothing is sent before this time: the server's storage refused. */
  readonly notBefore: number;
  /** What `ready` said, until it was compared: whom the server serves at its last entry, and the last Commit or leave. */
  readonly ready: {
    readonly list: readonly Uint8Array[];
    readonly last: number;
    readonly after: number;
  } | null;
};

export const OFFLINE: Link = {
  connected: false,
  caughtUp: false,
  target: 0,
  fetching: null,
  notBefore: 0,
  ready: null,
};

/** An event of this device on its way into the log. */
export type Outgoing = {
  readonly id: Uint8Array;
  readonly event: EventBody;
  /** When the person said it. */
  readonly at: number;
  /** What was sent last, and the `after` it was made for. Null: to be encrypted. */
  readonly sealed: { readonly payload: Uint8Array; readonly after: number; readonly counter: number } | null;
  /** Every ciphertext that was made of it. An entry with another one is not ours (E39). */
  readonly made: readonly Made[];
  /** Its position by the server's word; 0 before the ack. */
  readonly acked: number;
  /** Volatile: sent on this connection. */
  readonly inFlight: boolean;
};

export type Made = {
  /** SHA-384 of the ciphertext. */
  readonly hash: Uint8Array;
  readonly counter: number;
  readonly signature: Uint8Array;
};

/** What a person asked the group to agree on; a commit at a time, tried again until it holds or makes no sense. */
export type Intent =
  | { readonly kind: "invite"; readonly invite: OpenInvite }
  | { readonly kind: "withdraw_invite"; readonly inviteId: Uint8Array }
  | { readonly kind: "rename"; readonly title: string }
  | { readonly kind: "remove_member"; readonly accountId: Uint8Array }
  | { readonly kind: "withdraw_removal"; readonly accountId: Uint8Array }
  | { readonly kind: "revoke_device"; readonly statement: Uint8Array; readonly deviceId: Uint8Array };

/** Two are the same when they ask for the same: objects come anew from the store. */
export function sameIntent(a: Intent, b: Intent): boolean {
  return equal(encode(a), encode(b));
}

/** Why a commit was made. */
export type Purpose =
  | { readonly kind: "intent"; readonly intent: Intent }
  | { readonly kind: "request"; readonly requestId: Uint8Array }
  | {
      readonly kind:
        | "leaves"
        | "own_devices"
        | "update"
        | "renew"
        | "expiry"
        | "repair"
        | "before_call"
        | "after_call";
    };

/** One's own commit between persisting it and its position in the log (E21). */
export type StagedCommit = {
  readonly id: Uint8Array;
  readonly purpose: Purpose;
  readonly payload: Uint8Array;
  readonly hash: Uint8Array;
  /** The authenticated content of `payload`, encoded: what everyone else will find in it. */
  readonly content: Uint8Array;
  readonly after: number;
  readonly devices: readonly Uint8Array[];
  readonly welcomes: readonly { readonly device: Uint8Array; readonly payload: Uint8Array }[];
  readonly answered: readonly Uint8Array[];
  readonly next: Group;
  /** Volatile. */
  readonly inFlight: boolean;
};

/** Somebody who asks to be added. Volatile: the server says it again at every hello. */
export type OpenRequest = {
  readonly id: Uint8Array;
  readonly kind: "join" | "rejoin";
  readonly sealed: Uint8Array;
  /** Not answered before this time: others come first. */
  readonly due: number;
  /** The epoch in which it was found that nothing can be done about it; another epoch may change that. */
  readonly hopeless: bigint | null;
};

/** An own wish to leave, until the server has it. */
export type Leaving = {
  readonly id: Uint8Array;
  readonly payload: Uint8Array | null;
  readonly hashes: readonly Uint8Array[];
  readonly after: number;
  readonly inFlight: boolean;
};

/** A Remove of its sender that waits for a commit (E14). */
export type PendingLeave = ProposalReference & { readonly leaf: LeafIndex; readonly n: number };

/** Something that was read while the state it belongs to had not arrived. */
export type Held = {
  readonly n: number;
  readonly time: number;
  /** The `after` at its time, for the check of what its author had seen. */
  readonly after: number;
  readonly leaf: LeafIdentity;
  readonly seen: Seen;
} & (
  | { readonly kind: "event"; readonly envelope: Uint8Array }
  | { readonly kind: "commit"; readonly id: Uint8Array; readonly happened: Happened }
);

/** A device that came by a Welcome, until the snapshot is there (E24). */
export type Newcomer = {
  /** The commit that added this device. */
  readonly c: number;
  readonly since: number;
  /** What the log has above c, to compute its heads when H_c is known. */
  readonly entries: readonly { readonly n: number; readonly time: number; readonly hash: Uint8Array }[];
  readonly held: readonly Held[];
  /** Pages that came so far, by their author's device in hex. */
  readonly pages: ReadonlyMap<string, Pages>;
  /** The other accounts that were there at c. */
  readonly others: readonly Uint8Array[];
};

/** A snapshot that this device took over, until others have confirmed it (E24). */
export type Provisional = {
  readonly c: number;
  readonly hash: Uint8Array;
  readonly poster: Uint8Array;
  /** Accounts that were there at c, besides the poster and this one: one of them has to confirm. */
  readonly witnesses: readonly Uint8Array[];
};

/** The state at somebody's Add, for the newcomer: to be posted, then confirmed (E24). */
export type SnapshotDuty = {
  readonly c: number;
  /** Canonical, as of c. */
  readonly data: Uint8Array;
  readonly hash: Uint8Array;
  /** When this device posts it or says what it thinks of it, by its own clock; null: it has posted. */
  readonly due: number | null;
  /** How many pages of it each device has posted, in order, by device in hex. */
  readonly pages: readonly { readonly by: string; readonly next: number }[];
  /** The account that posted it, and the hash of what it posted. */
  readonly posted: { readonly accountId: Uint8Array; readonly hash: Uint8Array } | null;
};

/** What one's own rejoin waits for (E22). */
export type Rejoining = {
  readonly since: number;
  readonly sealed: Uint8Array;
  readonly keyPackage: Uint8Array;
  readonly secrets: KeyPackageSecrets;
  /** Whose Welcome is not taken: the author of the commit that could not be completed (E18). */
  readonly not: Uint8Array | null;
  /** Known accounts and their roots: one of them must be the adder. */
  readonly pin: Pin;
  /** The statement of E18, sealed in the old epoch, until the server has it. */
  readonly statement: {
    readonly id: Uint8Array;
    readonly payload: Uint8Array;
    readonly after: number;
  } | null;
  /** A Welcome came that was not taken: when to ask once more (once an hour, E22). */
  readonly again: number | null;
};

/** Why nothing is sent until the person goes on (E19). */
export type Pause = { readonly who: Uint8Array | null; readonly at: number };

/** Volatile: who is here and who writes, by device in hex, until when (ms). */
export type Presence = {
  readonly sender: EphemeralSender | null;
  readonly seen: EphemeralSeen;
  readonly here: ReadonlyMap<string, number>;
  readonly typing: ReadonlyMap<string, number>;
  readonly saidHere: number;
  readonly saidTyping: number;
};

export const NOBODY: Presence = {
  sender: null,
  seen: new Map(),
  here: new Map(),
  typing: new Map(),
  saidHere: 0,
  saidTyping: 0,
};

/** What this device owes the group by the clock. */
export type Chores = {
  /** This device's time of the first event after its last commit; 0 when there was none (E26). */
  readonly firstEvent: number;
  /** Unreadable entries in this epoch (E19). */
  readonly unreadable: number;
  /** In this epoch there was, or may have been, a call: its keys are to be superseded when it is over (E37). */
  readonly called: boolean;
};

export const NO_CHORES: Chores = { firstEvent: 0, unreadable: 0, called: false };

/** Volatile: when this device does what any member may do; others who come first make it needless. */
export type Dues = {
  readonly leaves: number | null;
  readonly repair: number | null;
  readonly expiry: number | null;
  readonly afterCall: number | null;
  readonly leftCall: number | null;
  readonly start: number | null;
};

export const NO_DUES: Dues = {
  ...{ leaves: null, repair: null, expiry: null },
  ...{ afterCall: null, leftCall: null, start: null },
};

/** Volatile: this device's own part in the room's call (E35). No key is in it: each goes out with the effect that makes it. */
export type Media =
  | { readonly stage: "off" }
  /**
   * It comes in as soon as it may. `starts`: after a commit with a path (E37). `merged`: one was merged since it waits,
   * which is enough of a start.
   */
  | { readonly stage: "waiting"; readonly starts: boolean; readonly merged: boolean }
  /** It was given the keys of this epoch. `held`: it encrypts nothing. */
  | {
      readonly stage: "on" | "held";
      readonly epoch: bigint;
      /** Leaves of this epoch whose going is not committed yet (E14). */
      readonly unheard: readonly LeafIndex[];
    };

export const NO_MEDIA: Media = { stage: "off" };

/** Who is in the room's call, by the server's word. */
export type Sitting = Pick<CallState, "participants"> & { readonly id: Uint8Array; readonly since: number };

/** What a device in a call says of itself (E38): when its hand went up, by its own word, and what of it is on. */
export type InCall = {
  readonly hand: number | null;
  readonly mic: boolean;
  readonly camera: boolean;
  readonly screen: boolean;
};

/** Of whom nothing was heard yet. */
export const SILENT: InCall = { hand: null, mic: false, camera: false, screen: false };

/** Volatile: the room's call. */
export type Call = {
  /** Null where nobody is in it, or nothing was said of one. */
  readonly sitting: Sitting | null;
  /** Whether the server has spoken on this connection; its silence until it has sent all says that nobody is in a call. */
  readonly told: boolean;
  /** Since when this device knows that nobody is in it. */
  readonly overAt: number | null;
  /** When this device left, being the last. */
  readonly lastAt: number | null;
  /** When it left with keys that are not superseded yet. */
  readonly leftAt: number | null;
  /** Since when it knows of a call in this epoch. */
  readonly heardAt: number | null;
  /** What was heard, of which sitting, by device in hex. */
  readonly heardIn: Uint8Array | null;
  readonly heard: ReadonlyMap<string, InCall>;
  readonly reacted: ReadonlyMap<string, number>;
  /** What this device says of itself; null: nothing yet. */
  readonly mine: InCall | null;
  /** When that was said last; `again`: it is to be said again. */
  readonly saidAt: number;
  readonly again: boolean;
};

export const NO_CALL: Call = {
  sitting: null,
  told: false,
  overAt: null,
  lastAt: null,
  leftAt: null,
  heardAt: null,
  heardIn: null,
  heard: new Map(),
  reacted: new Map(),
  mine: null,
  saidAt: 0,
  again: false,
};

export type RoomState = {
  readonly roomId: Uint8Array;
  readonly stage: Stage;
  /** Null in `removed` and `left`, and where the state was destroyed (E39). */
  readonly membership: Membership | null;
  /** As this device last knew it. */
  readonly title: string;
  readonly log: RoomLog;
  readonly fold: Fold;
  /** Whether the fold has every event: not after messages were deleted unread (E23). */
  readonly whole: boolean;
  readonly timeline: Timeline;
  /** The names that accounts ever had here, by account id in hex: also of those who are gone. */
  readonly names: ReadonlyMap<string, string>;
  readonly outbox: readonly Outgoing[];
  /** The counter of the next event of this device (E16). */
  readonly counter: number;
  readonly intents: readonly Intent[];
  readonly staged: StagedCommit | null;
  readonly leaves: readonly PendingLeave[];
  readonly leaving: Leaving | null;
  readonly newcomer: Newcomer | null;
  readonly provisional: Provisional | null;
  readonly duties: readonly SnapshotDuty[];
  readonly rejoining: Rejoining | null;
  readonly pause: Pause | null;
  /** Accounts, in hex, whose other view of the log this person has accepted (E19). */
  readonly tolerated: ReadonlySet<string>;
  readonly readUpTo: number;
  /** The stamp of the last word of another account that had the same head. */
  readonly confirmedAt: number | null;
  readonly chores: Chores;
  // Volatile
  readonly link: Link;
  readonly dues: Dues;
  readonly requests: readonly OpenRequest[];
  /** How far the other devices are, by device id in hex. */
  readonly cursors: ReadonlyMap<string, number>;
  readonly presence: Presence;
  readonly media: Media;
  readonly call: Call;
  /** The wake that was asked for last. */
  readonly wake: number | null;
};
