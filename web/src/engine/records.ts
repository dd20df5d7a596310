import { equal, toHex } from "../bytes/bytes";
import type { Identity } from "../identity/identity";
import { decodePeople, encodePeople, type KnownPeople, NOBODY } from "../identity/knownPeople";
import type { KeyPair } from "../mls/kem";
import type { KeyPackageSecrets } from "../mls/keyPackage";
import type { JoinExpectation } from "../room/core";
import { DamagedRow } from "../vault/wraps";
import { anyBytes, bytes, type Check, either, fields, list, number, oneOf, orNull, text } from "./shape";

/**
 * What the engine keeps beside its rooms, each a row of the vault. Immutable: a change makes a new one, and the rows
 * that differ are written together with the rooms' in one transaction.
 */

export type Account = {
  readonly deploymentId: Uint8Array;
  readonly identity: Identity;
  readonly deviceId: Uint8Array;
  readonly signIn: KeyPair;
  readonly name: string;
  /** The recovery code and the groups that are asked for, until they were typed back. Never stored afterwards (E6). */
  readonly code: { readonly bytes: Uint8Array; readonly ask: readonly number[] } | null;
  /** What the server was not yet heard to have taken. The same keys are offered until it was. */
  readonly pending:
    | {
        readonly kind: "register";
        readonly token: Uint8Array;
        readonly recoveryKey: Uint8Array;
        readonly backup: Uint8Array;
      }
    | { readonly kind: "recover"; readonly grant: Uint8Array }
    | null;
  /** An invitation to accept when the account stands: the text of its link. */
  readonly link: string | null;
};

/** An invitation that was accepted: what was sent, and what the Welcome is judged by (E25, E29). */
export type WaitingRow = {
  readonly inviteId: Uint8Array;
  readonly since: number;
  readonly notAfter: number;
  readonly state: "asking" | "waiting" | "expired" | "refused";
  readonly token: Uint8Array;
  readonly sealed: Uint8Array;
  readonly expectation: JoinExpectation;
};

export type AlarmRow = {
  readonly id: Uint8Array;
  readonly code: string;
  readonly roomId: Uint8Array | null;
  readonly who: Uint8Array | null;
  /** As the person was called then. */
  readonly name: string | null;
  readonly at: number;
  readonly evidence: Uint8Array | null;
};

/** A call to the server that must not be lost: done until it was answered. */
export type Errand = { readonly notBefore: number } & (
  | { readonly kind: "backup" }
  | { readonly kind: "passkey"; readonly registration: string }
  | { readonly kind: "withdraw_token"; readonly inviteId: Uint8Array }
  | { readonly kind: "rejoin"; readonly roomId: Uint8Array; readonly sealed: Uint8Array }
  | { readonly kind: "revoke"; readonly deviceId: Uint8Array; readonly statement: Uint8Array }
  | { readonly kind: "push"; readonly endpoint: string | null }
);

/** Where the browser's push service reaches this device, and whether the server took it. */
export type PushRow = { readonly endpoint: string; readonly state: "asking" | "on" | "refused" };

/** A group that is being started: between the server's word and the vault's. */
export type Founding = { readonly roomId: Uint8Array; readonly title: string };

/** One KeyPackage of this device, with its private keys: until it was used, or a while after it ran out (E10). */
export type KeptKeyPackage = {
  readonly ref: Uint8Array;
  readonly keyPackage: Uint8Array;
  readonly secrets: KeyPackageSecrets;
  readonly notAfter: number;
  readonly lastResort: boolean;
  /** The server was heard to have taken it. */
  readonly sent: boolean;
};

/** One of another device that the server has handed to this one: it is taken once (THREATS 3). */
export type SeenKeyPackage = { readonly ref: Uint8Array; readonly notAfter: number };

export type Records = {
  readonly account: Account;
  readonly people: KnownPeople;
  readonly alarms: readonly AlarmRow[];
  readonly errands: readonly Errand[];
  readonly waiting: readonly WaitingRow[];
  readonly founding: Founding | null;
  readonly keyPackages: readonly KeptKeyPackage[];
  readonly seenKeyPackages: readonly SeenKeyPackage[];
  readonly push: PushRow | null;
  /** The rooms that have rows. */
  readonly rooms: readonly Uint8Array[];
};

export function newRecords(account: Account): Records {
  const none = { alarms: [], errands: [], waiting: [], founding: null, push: null, rooms: [] };
  return { account, people: NOBODY, keyPackages: [], seenKeyPackages: [], ...none };
}

const MAX_LIST = 4096;
export const MAX_ENDPOINT = 1024;
const MAX_ROOMS = 1024;
const id = bytes(16);
const key = bytes(32);
const keyPair: Check = fields({ privateKey: anyBytes, publicKey: anyBytes });
const account = fields({
  v: (value) => value === 1,
  deploymentId: id,
  identity: fields({
    accountId: id,
    rootKey: key,
    identityKey: keyPair,
    serial: number,
    chain: anyBytes,
    sealKey: anyBytes,
  }),
  deviceId: id,
  signIn: keyPair,
  name: text(1024),
  code: orNull(fields({ bytes: bytes(15), ask: list(number, 7) })),
  pending: orNull(
    either(
      fields({ kind: oneOf("register"), token: key, recoveryKey: key, backup: anyBytes }),
      fields({ kind: oneOf("recover"), grant: key }),
    ),
  ),
  link: orNull(text(1024)),
});
const alarm = fields({
  id,
  code: text(40),
  roomId: orNull(id),
  who: orNull(id),
  name: orNull(text(1024)),
  at: number,
  evidence: orNull(anyBytes),
});
const notBefore = number;
const errand = either(
  fields({ notBefore, kind: oneOf("backup") }),
  fields({ notBefore, kind: oneOf("passkey"), registration: text(64 * 1024) }),
  fields({ notBefore, kind: oneOf("withdraw_token"), inviteId: id }),
  fields({ notBefore, kind: oneOf("rejoin"), roomId: id, sealed: anyBytes }),
  fields({ notBefore, kind: oneOf("revoke"), deviceId: id, statement: anyBytes }),
  fields({ notBefore, kind: oneOf("push"), endpoint: orNull(text(MAX_ENDPOINT)) }),
);
const secrets = fields({
  initPrivateKey: anyBytes,
  encryptionPrivateKey: anyBytes,
  signaturePrivateKey: anyBytes,
});
const waiting = fields({
  inviteId: id,
  since: number,
  notAfter: number,
  state: oneOf("asking", "waiting", "expired", "refused"),
  token: key,
  sealed: anyBytes,
  expectation: fields({
    roomId: id,
    inviteId: id,
    secret: anyBytes,
    inviterRoot: anyBytes,
    requestHash: anyBytes,
    keyPackage: anyBytes,
    secrets,
  }),
});
const flag: Check = (value) => typeof value === "boolean";
const keyPackage = fields({
  ref: anyBytes,
  keyPackage: anyBytes,
  secrets,
  notAfter: number,
  lastResort: flag,
  sent: flag,
});

/** The rows, their checks, and the way in and out of CBOR. */
const ROWS: readonly {
  readonly name: keyof Records;
  readonly check: Check;
  readonly absent: unknown;
  readonly out?: (value: never) => unknown;
  readonly back?: (value: never) => unknown;
}[] = [
  {
    name: "account",
    check: account,
    absent: undefined,
    out: (value: Account) => ({ v: 1, ...value }),
    back: ({ v: _, ...value }: Account & { v: 1 }) => value,
  },
  { name: "people", check: anyBytes, absent: NOBODY, out: encodePeople, back: decodePeople },
  { name: "alarms", check: list(alarm, MAX_LIST), absent: [] },
  { name: "errands", check: list(errand, MAX_LIST), absent: [] },
  { name: "waiting", check: list(waiting, MAX_LIST), absent: [] },
  { name: "founding", check: orNull(fields({ roomId: id, title: text(4096) })), absent: null },
  { name: "keyPackages", check: list(keyPackage, MAX_LIST), absent: [] },
  { name: "seenKeyPackages", check: list(fields({ ref: anyBytes, notAfter: number }), MAX_LIST), absent: [] },
  {
    name: "push",
    check: orNull(fields({ endpoint: text(MAX_ENDPOINT), state: oneOf("asking", "on", "refused") })),
    absent: null,
  },
  { name: "rooms", check: list(id, MAX_ROOMS), absent: [] },
];

export const RECORD_ROWS: readonly string[] = ROWS.map(({ name }) => name);

/** The rows that differ; `before` null: all of them. */
export function recordRows(before: Records | null, after: Records): Record<string, unknown> {
  const put: Record<string, unknown> = {};
  for (const { name, out } of ROWS) {
    if (before?.[name] !== after[name]) put[name] = out ? out(after[name] as never) : after[name];
  }
  return put;
}

/** From the values of RECORD_ROWS, null where there is no row. @throws DamagedRow */
export function readRecords(values: readonly unknown[]): Records {
  const found = ROWS.map(({ name, check, absent, back }, i) => {
    const value = values[i] ?? null;
    if (value === null && absent !== undefined) return [name, absent];
    if (!check(value)) throw new DamagedRow(name);
    return [name, back ? back(value as never) : value];
  });
  return Object.fromEntries(found) as Records;
}

const MAX_ALARMS = 100;

/** The same alarm about the same room and person is one, and the newest is first. */
export function withAlarm(records: Records, alarm: AlarmRow): Records {
  const tag = ({ code, roomId, who }: AlarmRow): string =>
    `${code} ${roomId ? toHex(roomId) : ""} ${who ? toHex(who) : ""}`;
  const others = records.alarms.filter((one) => tag(one) !== tag(alarm));
  return { ...records, alarms: [alarm, ...others].slice(0, MAX_ALARMS) };
}

function errandTag(errand: Errand): string {
  switch (errand.kind) {
    case "backup":
    case "passkey":
    case "push":
      return errand.kind;
    case "withdraw_token":
      return `withdraw_token ${toHex(errand.inviteId)}`;
    case "rejoin":
      return `rejoin ${toHex(errand.roomId)}`;
    case "revoke":
      return `revoke ${toHex(errand.deviceId)}`;
  }
}

/**
 * A newer errand of the same purpose takes the place of the older one. But for a request that is asked for again while it
 * waits: it may be on its way, and is posted once.
 */
export function withErrand(records: Records, errand: Errand): Records {
  if (errand.kind === "rejoin" && records.errands.some((one) => isSameRequest(one, errand))) return records;
  const others = records.errands.filter((one) => errandTag(one) !== errandTag(errand));
  return { ...records, errands: [...others, errand] };
}

function isSameRequest(
  one: Errand,
  { roomId, sealed, notBefore }: Errand & { readonly kind: "rejoin" },
): boolean {
  if (one.kind !== "rejoin" || one.notBefore !== notBefore) return false;
  return equal(one.roomId, roomId) && equal(one.sealed, sealed);
}

/** @param current the request that the room waits for, if it waits for one */
export function withoutOldRequest(records: Records, roomId: Uint8Array, current: Uint8Array | null): Records {
  const isOld = (one: Errand): boolean =>
    one.kind === "rejoin" && equal(one.roomId, roomId) && (current === null || !equal(one.sealed, current));
  if (!records.errands.some(isOld)) return records;
  return { ...records, errands: records.errands.filter((one) => !isOld(one)) };
}

export function withoutErrand(records: Records, errand: Errand): Records {
  return { ...records, errands: records.errands.filter((one) => one !== errand) };
}
