/**
 * What this device remembers of the people it has met (E7, E11): a fold over leaves as they come by. It decides what a
 * person is shown and what is due to be removed, and never whether a Commit is valid (E14).
 */

import { compare, equal, toHex } from "../bytes/bytes";
import { decode, encode, type Reader, type Writer } from "../mls/codec";
import { DecodeError, StorageError, UsageError } from "../mls/errors";
import type { LeafIdentity } from "./credential";
import { ID_BYTES, KEY_BYTES } from "./rootKeys";
import { isPrefix, MAX_LINKS, readVersion } from "./statement";

/**
 * introduced: by an invite, never compared. changed: another identity key or root since then. verified: compared by
 * voice. blocked: two successors of one root claim to be this person; nothing counts until compared by voice.
 */
export type Standing = "introduced" | "changed" | "verified" | "blocked";

export type KnownPerson = {
  readonly accountId: Uint8Array;
  /** Every root this device has seen in force, the first one first. */
  readonly roots: readonly Uint8Array[];
  readonly identityKey: Uint8Array;
  readonly identitySerial: number;
  readonly standing: Standing;
  /** Roots that claimed to follow and conflict with `roots`; after a comparison, those that lost it. */
  readonly disputed: readonly Uint8Array[];
};

/** By account id, in hexadecimal. */
export type KnownPeople = ReadonlyMap<string, KnownPerson>;

/**
 * What a leaf tells that was not known. introduced: somebody new. changed: a new identity key under the same root.
 * root_changed: a new recovery code. blocked: see `Standing`. outdated: the leaf is under keys that were superseded, or
 * that never superseded the known ones, and is due to be removed.
 */
export type News = "introduced" | "changed" | "root_changed" | "blocked" | "outdated" | null;

export const NOBODY: KnownPeople = new Map();

/** Whoever signs more successors than these adds nothing to the dispute. */
const MAX_DISPUTED = 16;

/** Take notice of a leaf that the authentication service has verified. */
export function meet(
  known: KnownPeople,
  leaf: LeafIdentity,
): { readonly known: KnownPeople; readonly news: News } {
  const person = known.get(toHex(leaf.accountId));
  if (person === undefined) return { known: put(known, introduce(leaf)), news: "introduced" };
  const relation = relate(person, leaf);
  switch (relation) {
    case "conflict": {
      const disputed = addRoots(person.disputed, [leaf.roots.find((root) => !includes(person.roots, root))!]);
      const news = person.standing === "blocked" ? null : "blocked";
      return { known: put(known, { ...person, standing: "blocked", disputed }), news };
    }
    case "older":
      return { known, news: person.standing === "blocked" ? null : "outdated" };
    case "same":
      return { known, news: null };
    default: {
      // Who is blocked stays so, whatever either successor signs.
      if (person.standing === "blocked") return { known, news: null };
      const shown = relation === "renewed" ? person.standing : "changed";
      const news = relation === "renewed" ? null : relation;
      return { known: put(known, { ...person, ...keysOf(leaf), standing: shown }), news };
    }
  }
}

/** Null of somebody this device has never met. */
export function standing(known: KnownPeople, accountId: Uint8Array): Standing | null {
  return known.get(toHex(accountId))?.standing ?? null;
}

/**
 * Compared by voice (E12): these are the person's keys. It ends a block, and a successor that conflicts with them counts
 * no more.
 *
 * @throws UsageError when the keys were superseded, so that no comparison can have been about them.
 */
export function markVerified(known: KnownPeople, leaf: LeafIdentity): KnownPeople {
  const person = known.get(toHex(leaf.accountId)) ?? introduce(leaf);
  const relation = relate(person, leaf);
  if (relation === "older") throw new UsageError("outdated", "keys that were superseded cannot be verified");
  if (relation === "same") return put(known, { ...person, standing: "verified" });
  const lost = addRoots(
    [],
    [...person.roots, ...person.disputed].filter((root) => !includes(leaf.roots, root)),
  );
  return put(known, { ...person, ...keysOf(leaf), standing: "verified", disputed: lost });
}

/** How a leaf stands to what is known of its account. renewed: the same identity key, said again later. */
type Relation = "same" | "older" | "renewed" | "changed" | "root_changed" | "conflict";

function relate(person: KnownPerson, leaf: LeafIdentity): Relation {
  const newRoots = leaf.roots.length - person.roots.length;
  const sameKey = equal(leaf.identityKey, person.identityKey);
  if (leaf.roots.some((root) => includes(person.disputed, root))) {
    // After a comparison the successors that lost it are as good as superseded.
    return person.standing === "blocked" ? "conflict" : "older";
  }
  // E7: whoever has seen a root's successor refuses all else that the old root signs. A device whose chain is not yet
  // renewed is refused nothing while its identity key is the one that the successor names as well.
  const stale = sameKey && person.standing !== "blocked" ? "same" : "older";
  if (newRoots < 0 && isPrefix(leaf.roots, person.roots)) return stale;
  // E7: two successors block the account until compared by voice.
  if (!isPrefix(person.roots, leaf.roots)) return "conflict";
  // E7: only a higher serial supersedes. A successor below what its own root has said is a conflict of the root's.
  if (newRoots > 0) return leaf.identitySerial > person.identitySerial ? "root_changed" : "conflict";
  if (leaf.identitySerial > person.identitySerial) return sameKey ? "renewed" : "changed";
  return leaf.identitySerial === person.identitySerial && sameKey ? "same" : stale;
}

function introduce(leaf: LeafIdentity): KnownPerson {
  return { accountId: leaf.accountId, ...keysOf(leaf), standing: "introduced", disputed: [] };
}

function keysOf({ roots, identityKey, identitySerial }: LeafIdentity) {
  return { roots, identityKey, identitySerial };
}

function includes(roots: readonly Uint8Array[], root: Uint8Array): boolean {
  return roots.some((one) => equal(one, root));
}

function addRoots(roots: readonly Uint8Array[], more: readonly Uint8Array[]): readonly Uint8Array[] {
  const out = [...roots];
  for (const root of more) if (!includes(out, root) && out.length < MAX_DISPUTED) out.push(root);
  return out;
}

function put(known: KnownPeople, person: KnownPerson): KnownPeople {
  return new Map(known).set(toHex(person.accountId), person);
}

const VERSION = 1;
const STANDINGS: readonly Standing[] = ["introduced", "changed", "verified", "blocked"];

/** For the vault: the same people give the same bytes. */
export function encodePeople(known: KnownPeople): Uint8Array {
  const people = [...known.values()].sort((a, b) => compare(a.accountId, b.accountId));
  const keys = (writer: Writer, roots: readonly Uint8Array[]) =>
    writer.vector(roots, (inner, root) => inner.bytes(root));
  return encode((writer) =>
    writer.uint8(VERSION).vector(people, (inner, person) => {
      inner.bytes(person.accountId).bytes(person.identityKey).uint32(person.identitySerial);
      inner.uint8(STANDINGS.indexOf(person.standing));
      keys(inner, person.roots);
      keys(inner, person.disputed);
    }),
  );
}

/** @throws StorageError "people" when it is not what was stored. */
export function decodePeople(bytes: Uint8Array): KnownPeople {
  try {
    const people = decode(bytes, (reader) => {
      readVersion(reader, VERSION);
      return reader.vector(readPerson);
    });
    return new Map(people.map((person) => [toHex(person.accountId), person]));
  } catch (cause) {
    if (cause instanceof DecodeError)
      throw new StorageError("people", "the known people are damaged", { cause });
    throw cause;
  }
}

function readPerson(reader: Reader): KnownPerson {
  const key = (inner: Reader) => inner.bytes(KEY_BYTES);
  const accountId = reader.bytes(ID_BYTES);
  const identityKey = reader.bytes(KEY_BYTES);
  const identitySerial = reader.uint32();
  const shown = STANDINGS[reader.uint8()];
  if (shown === undefined) throw new DecodeError("not a standing");
  const roots = reader.vector(key, MAX_LINKS);
  const disputed = reader.vector(key, MAX_DISPUTED);
  return { accountId, roots, identityKey, identitySerial, standing: shown, disputed };
}
