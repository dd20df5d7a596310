/** What a valid Commit did to a room, said for the fold and for people. */

import type { LeafIdentity } from "../identity/credential";
import type { LeafIndex } from "../mls/treeMath";
import type { Change, Policy, RoomContext } from "./roomContext";
import type { Roster } from "./roster";

/** An account, and a device where one is meant, as ids. */
export type Happening =
  /** A new person, by an invite. `name` is what they called themselves in their signed request. */
  | {
      readonly kind: "joined";
      readonly account: Uint8Array;
      readonly device: Uint8Array;
      readonly name: string;
      readonly inviteId: Uint8Array;
      readonly inviter: Uint8Array;
    }
  /** A further device of a person who is here: recovered by code, or newly certified. */
  | { readonly kind: "device_added"; readonly account: Uint8Array; readonly device: Uint8Array }
  /** A device that had lost its state was added anew. */
  | { readonly kind: "rejoined"; readonly account: Uint8Array; readonly device: Uint8Array }
  /** By their own wish. `whole`: no device of theirs is left here. */
  | {
      readonly kind: "left";
      readonly account: Uint8Array;
      readonly device: Uint8Array;
      readonly whole: boolean;
    }
  /** By the founder, or by these who approved. */
  | { readonly kind: "removed"; readonly account: Uint8Array; readonly approvers: readonly Uint8Array[] }
  /** A person took away a device of their own. */
  | { readonly kind: "device_removed"; readonly account: Uint8Array; readonly device: Uint8Array }
  /** A lost device, by its person's signed statement (E9). */
  | { readonly kind: "device_revoked"; readonly account: Uint8Array; readonly device: Uint8Array }
  /** Its certificate had run out (E10). */
  | { readonly kind: "expired"; readonly account: Uint8Array; readonly device: Uint8Array }
  /** A higher identity statement took out all devices under the older key (E9). */
  | { readonly kind: "identity_changed"; readonly account: Uint8Array }
  | { readonly kind: "renamed"; readonly from: string; readonly to: string }
  | { readonly kind: "policy"; readonly policy: Policy }
  | { readonly kind: "charter"; readonly hash: Uint8Array | null }
  | { readonly kind: "founder"; readonly account: Uint8Array }
  | { readonly kind: "invited"; readonly inviteId: Uint8Array }
  /** Taken back by its inviter or the founder, run out, or void because somebody was taken out (E30). */
  | {
      readonly kind: "invite_withdrawn";
      readonly inviteId: Uint8Array;
      readonly why: "withdrawn" | "expired" | "void";
    }
  | { readonly kind: "removal_proposed"; readonly target: Uint8Array }
  | { readonly kind: "removal_approved"; readonly target: Uint8Array }
  | { readonly kind: "removal_withdrawn"; readonly target: Uint8Array }
  /** The same for whatever else needs approvals. */
  | { readonly kind: "change_proposed"; readonly change: Change }
  | { readonly kind: "change_approved"; readonly change: Change }
  | { readonly kind: "change_withdrawn"; readonly change: Change }
  /** Nothing but fresh keys (E26). */
  | { readonly kind: "renewed" };

export type AddedLeaf = {
  readonly leaf: LeafIndex;
  readonly identity: LeafIdentity;
  /** The invite that was used, for an Add by invite. */
  readonly inviteId: Uint8Array | null;
  /** Hash of the signed request (join or rejoin) that the Add rests on. */
  readonly requestHash: Uint8Array | null;
  /** From a join request; else null. */
  readonly name: string | null;
};

export type RemovedLeaf = { readonly leaf: LeafIndex; readonly identity: LeafIdentity };

/** A Commit that every member finds valid (E14). */
export type RoomChange = {
  /** As it was before the Commit. */
  readonly committer: LeafIdentity;
  readonly added: readonly AddedLeaf[];
  readonly removed: readonly RemovedLeaf[];
  /** The accounts of which no leaf is left. */
  readonly gone: readonly Uint8Array[];
  readonly context: RoomContext;
  readonly roster: Roster;
  readonly what: readonly Happening[];
};
