/** What a room agrees on, in the signed GroupContext: extension 0xF101 `collegium_room` (E13). */

import { compare, equal } from "../bytes/bytes";
import { CredentialType } from "../mls/credential";
import { type Extension, ExtensionType, requiredCapabilitiesExtension } from "../mls/extension";
import {
  ascending,
  decodeCanonical,
  encodeCanonical,
  FieldReader,
  isAscending,
  readBytes,
} from "./canonical";
import { RoomDataError, RoomRuleError } from "./errors";
import { isTitle } from "./text";

export const ROOM_EXTENSION = ExtensionType.collegiumRoom;

export const ID_LENGTH = 16;
export const KEY_LENGTH = 32;
export const HASH_LENGTH = 48;
export const MAX_LEAVES = 256;
export const MAX_GUESTS = 16;
export const MAX_INVITES = 64;
export const MAX_PENDING = 64;
export const MAX_REVOCATIONS = 256;
export const MAX_APPROVALS = 8;
/** A signed request (without its KeyPackage), a revocation, or a chain of identity statements. */
export const MAX_GROUND = 4096;
export const MAX_REVOCATION = 1024;
const MAX_CONTEXT = 512 * 1024;
const MAX_TIME = 2 ** 53 - 1;

/** No account: an id is a hash, and none is all zeros. */
export const NOBODY = new Uint8Array(ID_LENGTH);

export type RoomKind = "commons" | "case";

/** How many accounts admit a newcomer, the inviter among them. 1: the inviter alone. */
export type Policy = { readonly admitApprovals: number };

/** Somebody who may see a case until `ends` (ms). */
export type Guest = { readonly account: Uint8Array; readonly ends: number };

/** An invite that any member's device may answer (E28). Held by id, in ascending order. */
export type OpenInvite = {
  readonly id: Uint8Array;
  /** The account that invited. */
  readonly inviter: Uint8Array;
  readonly joinKey: Uint8Array;
  readonly welcomeKey: Uint8Array;
  readonly sealKey: Uint8Array;
  readonly role: "member";
  /** Milliseconds; judged at the stamp of the Commit that uses it. */
  readonly notAfter: number;
};

/** What needs several accounts (E14). */
export type Change =
  | { readonly kind: "remove"; readonly target: Uint8Array }
  | { readonly kind: "policy"; readonly policy: Policy }
  | { readonly kind: "charter"; readonly hash: Uint8Array }
  | { readonly kind: "founder"; readonly target: Uint8Array }
  /** An open invite, where policy asks for more than its inviter. `target` is the invite's id. */
  | { readonly kind: "invite"; readonly target: Uint8Array };

/** A change and the accounts that approve it, in ascending order, at least one. */
export type Pending = Change & { readonly approvers: readonly Uint8Array[] };

/** What a Commit rests on. They count only in the Commit whose own GroupContextExtensions brings them. */
export type Grounds =
  | { readonly kind: "join"; readonly request: Uint8Array }
  | { readonly kind: "rejoin"; readonly request: Uint8Array }
  | { readonly kind: "revocation"; readonly statement: Uint8Array }
  | { readonly kind: "expiry" }
  | { readonly kind: "identity"; readonly chain: Uint8Array };

export type RoomContext = {
  readonly kind: RoomKind;
  /** The commons that a case branches from; null in a commons. */
  readonly parent: Uint8Array | null;
  readonly title: string;
  readonly policy: Policy;
  /** SHA-384 of the charter's text. */
  readonly charterHash: Uint8Array | null;
  /** An account; NOBODY when it is gone: whoever comes back later comes back as a member like all others. */
  readonly founder: Uint8Array;
  readonly guests: readonly Guest[];
  readonly invites: readonly OpenInvite[];
  readonly pending: readonly Pending[];
  /** Revocation statements (E9), oldest first; the devices they name never come back under that certificate. */
  readonly revocations: readonly Uint8Array[];
  readonly grounds: Grounds | null;
};

/** A commons as its founder begins it. */
export function newCommons(founder: Uint8Array, title: string): RoomContext {
  return {
    kind: "commons",
    parent: null,
    title,
    policy: { admitApprovals: 1 },
    charterHash: null,
    founder,
    guests: [],
    invites: [],
    pending: [],
    revocations: [],
    grounds: null,
  };
}

// Encoding

const policyFields = (policy: Policy) => ({ admit_approvals: policy.admitApprovals });

function changeFields(change: Change): Record<string, unknown> {
  switch (change.kind) {
    case "policy":
      return { kind: "policy", policy: policyFields(change.policy) };
    case "charter":
      return { kind: "charter", hash: change.hash };
    default:
      return { kind: change.kind, target: change.target };
  }
}

/** Its one spelling: what two changes are compared and ordered by. */
export const encodeChange = (change: Change): Uint8Array => encodeCanonical(changeFields(change));

export function encodeRoomContext(context: RoomContext): Uint8Array {
  return encodeCanonical({
    kind: context.kind,
    parent: context.parent ?? undefined,
    title: context.title,
    policy: policyFields(context.policy),
    charter_hash: context.charterHash ?? undefined,
    founder: context.founder,
    guests: context.guests.map(({ account, ends }) => ({ account, ends })),
    invites: context.invites.map((invite) => ({
      id: invite.id,
      inviter: invite.inviter,
      join_key: invite.joinKey,
      welcome_key: invite.welcomeKey,
      seal_key: invite.sealKey,
      role: invite.role,
      not_after: invite.notAfter,
    })),
    pending: context.pending.map((pending) => ({
      ...changeFields(pending),
      approvers: pending.approvers,
    })),
    revocations: context.revocations,
    grounds: context.grounds ?? undefined,
  });
}

// Decoding

function readPolicy(value: unknown): Policy {
  const reader = new FieldReader(value, "policy");
  const policy = { admitApprovals: reader.integer("admit_approvals", 1, MAX_APPROVALS) };
  reader.finish();
  return policy;
}

function readGuest(value: unknown): Guest {
  const reader = new FieldReader(value, "guest");
  const guest = { account: reader.bytes("account", ID_LENGTH), ends: reader.integer("ends", 0, MAX_TIME) };
  reader.finish();
  return guest;
}

function readInvite(value: unknown): OpenInvite {
  const reader = new FieldReader(value, "invite");
  const invite = {
    id: reader.bytes("id", ID_LENGTH),
    inviter: reader.bytes("inviter", ID_LENGTH),
    joinKey: reader.bytes("join_key", KEY_LENGTH),
    welcomeKey: reader.bytes("welcome_key", KEY_LENGTH),
    sealKey: reader.bytes("seal_key", KEY_LENGTH),
    role: reader.oneOf("role", ["member"]),
    notAfter: reader.integer("not_after", 0, MAX_TIME),
  };
  reader.finish();
  return invite;
}

function readChange(reader: FieldReader): Change {
  const kind = reader.oneOf("kind", ["remove", "policy", "charter", "founder", "invite"]);
  switch (kind) {
    case "policy":
      return { kind, policy: readPolicy(reader.value("policy")) };
    case "charter":
      return { kind, hash: reader.bytes("hash", HASH_LENGTH) };
    default:
      return { kind, target: reader.bytes("target", ID_LENGTH) };
  }
}

function readPending(value: unknown): Pending {
  const reader = new FieldReader(value, "pending");
  const change = readChange(reader);
  const approvers = reader.list("approvers", 1, MAX_LEAVES, (item) => readBytes(item, ID_LENGTH));
  reader.finish();
  if (!isAscending(approvers)) throw new RoomDataError("approvers are not in order");
  return { ...change, approvers };
}

function readGrounds(value: unknown): Grounds {
  const reader = new FieldReader(value, "grounds");
  const kind = reader.oneOf("kind", ["join", "rejoin", "revocation", "expiry", "identity"]);
  const grounds = ((): Grounds => {
    switch (kind) {
      case "join":
      case "rejoin":
        return { kind, request: reader.bytes("request", 1, MAX_GROUND) };
      case "revocation":
        return { kind, statement: reader.bytes("statement", 1, MAX_REVOCATION) };
      case "identity":
        return { kind, chain: reader.bytes("chain", 1, MAX_GROUND) };
      case "expiry":
        return { kind };
    }
  })();
  reader.finish();
  return grounds;
}

/** @throws RoomDataError */
export function decodeRoomContext(bytes: Uint8Array): RoomContext {
  const reader = new FieldReader(decodeCanonical(bytes, MAX_CONTEXT), "collegium_room");
  const context: RoomContext = {
    kind: reader.oneOf("kind", ["commons", "case"]),
    parent: reader.optionalBytes("parent", ID_LENGTH),
    title: reader.text("title", isTitle),
    policy: readPolicy(reader.value("policy")),
    charterHash: reader.optionalBytes("charter_hash", HASH_LENGTH),
    founder: reader.bytes("founder", ID_LENGTH),
    guests: reader.list("guests", 0, MAX_GUESTS, readGuest),
    invites: reader.list("invites", 0, MAX_INVITES, readInvite),
    pending: reader.list("pending", 0, MAX_PENDING, readPending),
    revocations: reader.list("revocations", 0, MAX_REVOCATIONS, (item) => readBytes(item, 1, MAX_REVOCATION)),
    grounds: reader.has("grounds") ? readGrounds(reader.value("grounds")) : null,
  };
  reader.finish();
  if ((context.kind === "case") !== (context.parent !== null)) {
    throw new RoomDataError("a case has a parent, a commons has none");
  }
  if (!isAscending(context.guests.map(({ account }) => account)))
    throw new RoomDataError("guests out of order");
  if (!isAscending(context.invites.map(({ id }) => id))) throw new RoomDataError("invites out of order");
  if (!isAscending(context.pending.map(encodeChange))) throw new RoomDataError("pending out of order");
  return context;
}

// In the GroupContext

/** E13: every leaf of a room knows the room extension and is a basic credential. */
const REQUIRED = requiredCapabilitiesExtension({
  extensions: [ROOM_EXTENSION],
  proposals: [],
  credentials: [CredentialType.basic],
});

/** The extensions of a room's GroupContext: exactly these two, in this order (E13). */
export function roomExtensions(context: RoomContext): readonly Extension[] {
  return [REQUIRED, { type: ROOM_EXTENSION, data: encodeRoomContext(context) }];
}

/** The room context of a GroupContext, which holds nothing besides (E13). @throws RoomRuleError | RoomDataError */
export function readRoomExtensions(extensions: readonly Extension[]): RoomContext {
  const [required, room] = extensions;
  const exact =
    extensions.length === 2 &&
    required?.type === REQUIRED.type &&
    equal(required.data, REQUIRED.data) &&
    room?.type === ROOM_EXTENSION;
  if (!exact) throw new RoomRuleError("E13", "extensions", "not exactly the two extensions of a room");
  return decodeRoomContext(room.data);
}

// Small changes, for validity and for plans alike

export function withInvites(context: RoomContext, invites: readonly OpenInvite[]): RoomContext {
  return { ...context, invites: [...invites].sort((a, b) => compare(a.id, b.id)) };
}

export function withPending(context: RoomContext, pending: readonly Pending[]): RoomContext {
  const keyed = pending.map((one) => ({ one, key: encodeChange(one) }));
  return { ...context, pending: keyed.sort((a, b) => compare(a.key, b.key)).map(({ one }) => one) };
}

export function withRevocation(context: RoomContext, statement: Uint8Array): RoomContext {
  // The oldest makes room: by then its device's certificate has long run out.
  return { ...context, revocations: [...context.revocations, statement].slice(-MAX_REVOCATIONS) };
}

/** The change's approvers, none when nobody proposed it. */
export function approversOf(context: RoomContext, change: Change): readonly Uint8Array[] {
  const key = encodeChange(change);
  return context.pending.find((one) => equal(encodeChange(one), key))?.approvers ?? [];
}

/** The change with exactly these approvers; without any it is gone. */
export function withApprovers(
  context: RoomContext,
  change: Change,
  approvers: readonly Uint8Array[],
): RoomContext {
  const key = encodeChange(change);
  const others = context.pending.filter((one) => !equal(encodeChange(one), key));
  return withPending(
    context,
    approvers.length === 0 ? others : [...others, { ...change, approvers: ascending(approvers) }],
  );
}
