/** Invites (E27 to E30): the link's secret, the request of whoever holds it, and the reply that only a member can make. */

import type { Rng } from "../bytes/bytes";
import type { KeyPair } from "../mls/kem";
import type { KeyPackage } from "../mls/keyPackage";
import type { OpenInvite } from "./roomContext";

/** E28: milliseconds. */
export const INVITE_LIFETIME = 72 * 3_600_000;

/** What the link holds behind its token. It never leaves the browser. */
export type Fragment = {
  readonly secret: Uint8Array;
  /** First 16 bytes of the hash of the inviter's root key: its account id. */
  readonly inviter: Uint8Array;
};

export type InviteKeys = {
  readonly inviteId: Uint8Array;
  readonly joinKey: KeyPair;
  readonly welcomeKey: Uint8Array;
  readonly sealKey: Uint8Array;
};

export declare function newInvite(
  rng: Rng,
  inviter: Uint8Array,
  now: number,
): { readonly fragment: Fragment; readonly open: OpenInvite };
export declare function encodeFragment(fragment: Fragment): string;
export declare function parseFragment(text: string): Fragment;

/** The text behind `#` of a link. The token is base64url of 32 bytes. */
export type Link =
  | { readonly kind: "founder"; readonly token: string }
  | { readonly kind: "invite"; readonly token: string; readonly fragment: Fragment };
export declare function encodeLink(link: Link): string;
export declare function parseLink(text: string): Link;

export declare function keysOf(secret: Uint8Array): InviteKeys;

export type JoinRequest = {
  readonly room: Uint8Array;
  readonly inviteId: Uint8Array;
  readonly inviter: Uint8Array;
  readonly account: Uint8Array;
  readonly name: string;
  readonly notAfter: number;
  readonly keyPackageRef: Uint8Array;
  readonly keyPackage: KeyPackage;
  readonly keyPackageBytes: Uint8Array;
  /** As signed: what goes into `grounds`. */
  readonly bytes: Uint8Array;
  readonly hash: Uint8Array;
};

export declare function sealJoinRequest(
  keys: InviteKeys,
  request: {
    readonly room: Uint8Array;
    readonly inviter: Uint8Array;
    readonly account: Uint8Array;
    readonly name: string;
    readonly notAfter: number;
    readonly keyPackage: Uint8Array;
  },
  rng: Rng,
): { readonly sealed: Uint8Array; readonly bytes: Uint8Array; readonly hash: Uint8Array };

/** The invite of a sealed request is found by trying: `open` are the room's open invites. Null when none opens it. */
export declare function openJoinRequest(
  open: readonly OpenInvite[],
  room: Uint8Array,
  sealed: Uint8Array,
): JoinRequest | null;

export type WelcomeClaim = {
  readonly requestHash: Uint8Array;
  readonly groupId: Uint8Array;
  readonly epoch: bigint;
  readonly groupContextHash: Uint8Array;
  readonly confirmationTag: Uint8Array;
  readonly adderLeaf: number;
};
export declare function welcomeReply(welcomeKey: Uint8Array, claim: WelcomeClaim): Uint8Array;
export declare function welcomeReplyIsValid(
  welcomeKey: Uint8Array,
  claim: WelcomeClaim,
  mac: Uint8Array,
): boolean;

/** `welcome` and `mac` for a newcomer; no mac for a device that rejoins. */
export type WelcomePayload = {
  readonly welcome: Uint8Array;
  readonly inviteId: Uint8Array | null;
  readonly mac: Uint8Array | null;
};
export declare function encodeWelcomePayload(payload: WelcomePayload): Uint8Array;
export declare function decodeWelcomePayload(bytes: Uint8Array): WelcomePayload;
