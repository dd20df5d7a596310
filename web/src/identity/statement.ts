/**
 * Identity statements (E7): which identity key an account has, said by its root key.
 *
 *   struct {
 *     uint8 version = 1;
 *     opaque account_id[16];
 *     uint32 serial;
 *     opaque root_key[32];
 *     opaque identity_key[32];
 *     optional<opaque[32]> new_root;
 *     opaque signature[64];      // by root_key, label "Collegium 1.0 identity", over all that stands before it
 *   } IdentityStatement;
 *
 *   IdentityStatement chain<V>;  // 1 to 8: each but the last names the root that signs the next
 */

import { equal } from "../bytes/bytes";
import { decode, encode, type Reader, type Writer } from "../mls/codec";
import * as ed25519 from "../mls/ed25519";
import { DecodeError, UsageError } from "../mls/errors";
import { AsError } from "./errors";
import { accountIdOf, ID_BYTES, KEY_BYTES } from "./rootKeys";
import { signLabelled, verifyLabelled } from "./signed";

export const MAX_LINKS = 8;
const VERSION = 1;
/** Eight links with a new root each take 1,458 bytes. */
export const MAX_CHAIN_BYTES = 1536;

export type IdentityStatement = {
  readonly accountId: Uint8Array;
  readonly serial: number;
  readonly rootKey: Uint8Array;
  readonly identityKey: Uint8Array;
  /** The root that signs from now on: a new recovery code. */
  readonly newRoot: Uint8Array | null;
};

/** What a verified chain says. */
export type Chain = {
  readonly accountId: Uint8Array;
  /** Every root the account has had, the first one first; the last is in force. */
  readonly roots: readonly Uint8Array[];
  readonly identityKey: Uint8Array;
  readonly serial: number;
};

/** One statement, signed. @throws KeyError | UsageError */
export function signStatement(rootPrivateKey: Uint8Array, statement: IdentityStatement): Uint8Array {
  const content = encode((writer) => writeContent(writer, statement));
  const signature = signLabelled(rootPrivateKey, "identity", content);
  return encode((writer) => writer.bytes(content).bytes(signature));
}

/** @throws UsageError when there are none or too many. */
export function encodeChain(statements: readonly Uint8Array[]): Uint8Array {
  if (statements.length === 0 || statements.length > MAX_LINKS) {
    throw new UsageError("chain_length", `a chain of ${statements.length} statements`);
  }
  return encode((writer) => writer.vector(statements, (inner, statement) => inner.bytes(statement)));
}

/** The statements of a chain as they came, none of them verified. @throws AsError "malformed" */
export function splitChain(bytes: Uint8Array): Uint8Array[] {
  return readStatements(bytes).map(({ whole }) => whole);
}

/**
 * Verify every link (E7): the account id is that of the first root, each link but the last names the root that signs
 * the next, serials rise, no root comes twice, every signature holds.
 *
 * @throws AsError
 */
export function readChain(bytes: Uint8Array): Chain {
  const links = readStatements(bytes);
  const first = links[0]!.statement;
  const last = links[links.length - 1]!.statement;
  // E6: an account proves itself.
  if (!equal(first.accountId, accountIdOf(first.rootKey))) {
    throw new AsError("chain_account", "the account id is not that of the first root key");
  }
  const roots: Uint8Array[] = [];
  let before: IdentityStatement | null = null;
  for (const { statement, content, signature } of links) {
    if (!equal(statement.accountId, first.accountId)) {
      throw new AsError("chain_account", "the links are of different accounts");
    }
    if (before !== null && (before.newRoot === null || !equal(before.newRoot, statement.rootKey))) {
      throw new AsError("chain_root", "a link is signed by a root that the one before it does not name");
    }
    // E7: who has a successor signs nothing more, not even by coming back as somebody's successor.
    if (roots.some((root) => equal(root, statement.rootKey))) {
      throw new AsError("chain_root", "a root that has a successor signs again");
    }
    // E7: only a higher serial supersedes.
    if (before !== null && statement.serial <= before.serial) {
      throw new AsError("chain_serial", "serials do not rise along the chain");
    }
    if (!verifyLabelled(statement.rootKey, "identity", content, signature)) {
      throw new AsError("statement_signature", "an identity statement's signature does not hold");
    }
    roots.push(statement.rootKey);
    before = statement;
  }
  // The new root signs for itself, so nobody can be succeeded by a key whose owner doesn't have it.
  if (last.newRoot !== null) throw new AsError("chain_root", "the new root has signed nothing yet");
  return { accountId: first.accountId, roots, identityKey: last.identityKey, serial: last.serial };
}

/** Whether `older` are the first of `newer`, or the same. */
export function isPrefix(older: readonly Uint8Array[], newer: readonly Uint8Array[]): boolean {
  return older.length <= newer.length && older.every((root, i) => equal(root, newer[i]!));
}

type Link = {
  readonly statement: IdentityStatement;
  readonly content: Uint8Array;
  readonly signature: Uint8Array;
  readonly whole: Uint8Array;
};

function readStatements(bytes: Uint8Array): Link[] {
  return decodeAs("a chain of statements", bytes, MAX_CHAIN_BYTES, (reader) => {
    const links = reader.vector(readLink, MAX_LINKS);
    if (links.length === 0) throw new DecodeError("a chain without a link");
    return links;
  });
}

function readLink(reader: Reader): Link {
  const start = reader.position;
  const statement = readContent(reader);
  const content = reader.since(start);
  const signature = reader.bytes(ed25519.SIGNATURE_LENGTH);
  return { statement, content, signature, whole: reader.since(start) };
}

function writeContent(writer: Writer, statement: IdentityStatement): void {
  writer
    .uint8(VERSION)
    .bytes(sized(statement.accountId, ID_BYTES))
    .uint32(statement.serial)
    .bytes(sized(statement.rootKey, KEY_BYTES))
    .bytes(sized(statement.identityKey, KEY_BYTES))
    .optional(statement.newRoot, (inner, root) => inner.bytes(sized(root, KEY_BYTES)));
}

function readContent(reader: Reader): IdentityStatement {
  readVersion(reader, VERSION);
  return {
    accountId: reader.bytes(ID_BYTES),
    serial: reader.uint32(),
    rootKey: reader.bytes(KEY_BYTES),
    identityKey: reader.bytes(KEY_BYTES),
    newRoot: reader.optional((inner) => inner.bytes(KEY_BYTES)) ?? null,
  };
}

/** A field of fixed size that our own code fills. @throws UsageError */
export function sized(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length !== length) {
    throw new UsageError("field_length", `a field of ${bytes.length} bytes, not ${length}`);
  }
  return bytes;
}

/** @throws DecodeError when it is a version that this program does not know. */
export function readVersion(reader: Reader, version: number): void {
  const found = reader.uint8();
  if (found !== version) throw new DecodeError(`version ${found}, not ${version}`);
}

/** Read a structure of a peer that takes up all of `bytes`. @throws AsError "malformed", and nothing else */
export function decodeAs<T>(what: string, bytes: Uint8Array, limit: number, read: (reader: Reader) => T): T {
  if (bytes.length > limit) throw new AsError("malformed", `${what} of ${bytes.length} bytes`);
  try {
    return decode(bytes, read);
  } catch (cause) {
    if (cause instanceof DecodeError) throw new AsError("malformed", `not ${what}`, { cause });
    throw cause;
  }
}
