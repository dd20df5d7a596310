/**
 * The recovery bundle (E22): what a device recovered by code needs, kept by the server, which can't read it. Sealed to
 * the X-Wing key that the recovery code makes, and signed by the identity key.
 *
 *   struct {
 *     uint8 version = 1;
 *     opaque account_id[16];
 *     opaque identity_key[32];    // private
 *     opaque chain<V>;
 *     opaque name<V>;             // UTF-8
 *     Person people<V>;           // {account_id, root_key}, sorted, each once
 *     Pin pins<V>;                // {room[16], position, head[48], uint16 people<V>}
 *     opaque signature[64];       // by the identity key, label "Collegium 1.0 bundle", over all that stands before it
 *   } RecoveryBundle;             // then zeros up to a multiple of 1,024 bytes
 *
 *   struct {
 *     uint8 version = 1;
 *     opaque account_id[16];
 *     opaque kem_output<V>;
 *     opaque ciphertext<V>;
 *   } SealedBundle;               // 64 KiB at most
 */

import { compare, concat, equal, fromUtf8, type Rng, toHex, utf8 } from "../bytes/bytes";
import { decode, encode, Reader, type Writer } from "../mls/codec";
import * as ed25519 from "../mls/ed25519";
import { AeadError, DecodeError, KeyError, UsageError } from "../mls/errors";
import { roomSuite } from "../mls/suite";
import type { LeafIdentity } from "./credential";
import { AsError, BundleError } from "./errors";
import type { Identity } from "./identity";
import { ID_BYTES, KEY_BYTES, type RootKeys } from "./rootKeys";
import { signLabelled, verifyLabelled } from "./signed";
import { type Chain, MAX_CHAIN_BYTES, readChain, readVersion, sized } from "./statement";

/** What the server takes (PROTOCOL.md §1). */
export const MAX_BUNDLE_BYTES = 64 * 1024;
export const MAX_NAME_BYTES = 1024;
const VERSION = 1;
/** Its size tells the server little about how many people and rooms are in it (THREATS 22). */
const PADDED_TO = 1024;
const HEAD_BYTES = 48;
const MAX_PEOPLE = 0x10000;
const SEAL_INFO = utf8("Collegium 1.0 bundle");

/** What a room looked like when the bundle was made: who may let the recovered device in again. */
export type Pin = {
  readonly room: Uint8Array;
  readonly accounts: readonly { readonly accountId: Uint8Array; readonly rootKey: Uint8Array }[];
  /** The position in the room's log, and the head there (E19). */
  readonly position: number;
  readonly head: Uint8Array;
};

export type Bundle = {
  readonly identity: Identity;
  /** As colleagues see it. */
  readonly name: string;
  readonly pins: readonly Pin[];
};

/** @throws UsageError "bundle_too_large" when it doesn't fit into what the server takes. */
export function sealBundle({ identity, name, pins }: Bundle, rng: Rng): Uint8Array {
  const content = encode((writer) => writeContent(writer, identity, name, pins));
  const signed = concat(content, signLabelled(identity.identityKey.privateKey, "bundle", content));
  const padded = new Uint8Array(Math.ceil(signed.length / PADDED_TO) * PADDED_TO);
  padded.set(signed);
  const header = encode((writer) => writer.uint8(VERSION).bytes(sized(identity.accountId, ID_BYTES)));
  const { kemOutput, ciphertext } = roomSuite.hpkeSeal(identity.sealKey, SEAL_INFO, header, padded, rng);
  const sealed = encode((writer) => writer.bytes(header).opaque(kemOutput).opaque(ciphertext));
  if (sealed.length > MAX_BUNDLE_BYTES) {
    throw new UsageError("bundle_too_large", `a recovery bundle of ${sealed.length} bytes`);
  }
  return sealed;
}

/** @throws BundleError when it is not the bundle of the account whose recovery code made these keys. */
export function openBundle(sealed: Uint8Array, keys: Pick<RootKeys, "root" | "seal">): Bundle {
  const { accountId, header, kemOutput, ciphertext } = readSealed(sealed);
  let padded: Uint8Array;
  try {
    padded = roomSuite.hpkeOpen(keys.seal.privateKey, { kemOutput, ciphertext }, SEAL_INFO, header);
  } catch (cause) {
    if (!(cause instanceof AeadError || cause instanceof KeyError)) throw cause;
    throw new BundleError("bundle_sealed", "the bundle does not open with this recovery code", { cause });
  }
  const { value, content, signature } = readPadded(padded);
  const chain = verifiedChain(value.chain);
  // E6: the code's root is the one in force, so the chain is of the person who holds the code.
  if (
    !equal(chain.roots[chain.roots.length - 1]!, keys.root.publicKey) ||
    !equal(chain.accountId, accountId)
  ) {
    throw new BundleError("bundle_root", "the bundle is of another account than this recovery code");
  }
  if (!equal(value.accountId, accountId)) {
    throw new BundleError("bundle_root", "the bundle names another account than its seal");
  }
  if (!equal(ed25519.publicKey(value.identityKey), chain.identityKey)) {
    throw new BundleError("bundle_identity", "the bundle's private key is not the account's identity key");
  }
  // E22: anybody could seal to the key; only the account's own devices could sign.
  if (!verifyLabelled(chain.identityKey, "bundle", content, signature)) {
    throw new BundleError("bundle_signature", "the bundle's signature does not hold");
  }
  const identity: Identity = {
    accountId,
    rootKey: keys.root.publicKey,
    identityKey: { privateKey: value.identityKey, publicKey: chain.identityKey },
    serial: chain.serial,
    chain: value.chain,
    sealKey: keys.seal.publicKey,
  };
  return { identity, name: value.name, pins: value.pins };
}

/**
 * E22: whether a Welcome for the pinned room may come from this adder: an account on the list, whose keys still come
 * from the root that was pinned.
 */
export function pinAllows(pin: Pin, adder: LeafIdentity): boolean {
  return pin.accounts.some(
    ({ accountId, rootKey }) =>
      equal(accountId, adder.accountId) && adder.roots.some((root) => equal(root, rootKey)),
  );
}

type Content = {
  readonly accountId: Uint8Array;
  readonly identityKey: Uint8Array;
  readonly chain: Uint8Array;
  readonly name: string;
  readonly pins: readonly Pin[];
};

type Person = Pin["accounts"][number];

function writeContent(writer: Writer, identity: Identity, name: string, pins: readonly Pin[]): void {
  const nameBytes = utf8(name);
  if (nameBytes.length > MAX_NAME_BYTES) throw new UsageError("bundle_name", "a name that is too long");
  // Colleagues share several rooms: each pair of id and root is written once.
  const keyOf = ({ accountId, rootKey }: Person) =>
    concat(sized(accountId, ID_BYTES), sized(rootKey, KEY_BYTES));
  const distinct = new Map(pins.flatMap((pin) => pin.accounts.map((one) => [toHex(keyOf(one)), keyOf(one)])));
  const people = [...distinct.values()].sort(compare);
  const indexOf = new Map(people.map((person, index) => [toHex(person), index]));
  writer
    .uint8(VERSION)
    .bytes(sized(identity.accountId, ID_BYTES))
    .bytes(sized(identity.identityKey.privateKey, KEY_BYTES))
    .opaque(identity.chain)
    .opaque(nameBytes)
    .vector(people, (inner, person) => inner.bytes(person))
    .vector(pins, (inner, pin) => {
      inner.bytes(sized(pin.room, ID_BYTES)).uint64(pin.position).bytes(sized(pin.head, HEAD_BYTES));
      const indices = pin.accounts.map((one) => indexOf.get(toHex(keyOf(one)))!);
      inner.vector(indices, (list, index) => list.uint16(index));
    });
}

function readContent(reader: Reader): Content {
  readVersion(reader, VERSION);
  const accountId = reader.bytes(ID_BYTES);
  const identityKey = reader.bytes(KEY_BYTES);
  const chain = reader.opaque(MAX_CHAIN_BYTES);
  const name = readName(reader.opaque(MAX_NAME_BYTES));
  const people = reader.vector(
    (inner) => ({ accountId: inner.bytes(ID_BYTES), rootKey: inner.bytes(KEY_BYTES) }),
    MAX_PEOPLE,
  );
  const pins = reader.vector((inner) => readPin(inner, people));
  return { accountId, identityKey, chain, name, pins };
}

function readPin(reader: Reader, people: readonly Person[]): Pin {
  const room = reader.bytes(ID_BYTES);
  const position = reader.uint64();
  if (position > BigInt(Number.MAX_SAFE_INTEGER)) throw new DecodeError("a position beyond 2^53");
  const head = reader.bytes(HEAD_BYTES);
  const accounts = reader.vector((inner) => {
    const person = people[inner.uint16()];
    if (person === undefined) throw new DecodeError("a pin names nobody on the list");
    return person;
  }, MAX_PEOPLE);
  return { room, accounts, position: Number(position), head };
}

function readName(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch (cause) {
    throw new DecodeError("a name that is not UTF-8", { cause });
  }
}

function readSealed(bytes: Uint8Array) {
  if (bytes.length > MAX_BUNDLE_BYTES) throw new BundleError("bundle_malformed", "a bundle that is too long");
  return reading(() =>
    decode(bytes, (reader) => {
      readVersion(reader, VERSION);
      const accountId = reader.bytes(ID_BYTES);
      const header = reader.since(0);
      return { accountId, header, kemOutput: reader.opaque(), ciphertext: reader.opaque() };
    }),
  );
}

function readPadded(padded: Uint8Array) {
  return reading(() => {
    const reader = new Reader(padded);
    const value = readContent(reader);
    const content = reader.since(0);
    const signature = reader.bytes(ed25519.SIGNATURE_LENGTH);
    if (reader.rest().some((byte) => byte !== 0)) throw new DecodeError("padding that is not zero");
    return { value, content, signature };
  });
}

function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause;
    throw new BundleError("bundle_malformed", "not a recovery bundle that this program knows", { cause });
  }
}

function verifiedChain(bytes: Uint8Array): Chain {
  try {
    return readChain(bytes);
  } catch (cause) {
    if (!(cause instanceof AsError)) throw cause;
    throw new BundleError("bundle_root", "the bundle's chain of statements does not hold", { cause });
  }
}
