/** The identity of an account as its own devices hold it: an identity key, and the chain that says whose it is (E7). */

import { equal, type Rng } from "../bytes/bytes";
import * as ed25519 from "../mls/ed25519";
import { UsageError } from "../mls/errors";
import type { KeyPair } from "../mls/kem";
import { accountIdOf, type RootKeys } from "./rootKeys";
import { type Chain, encodeChain, readChain, signStatement, splitChain } from "./statement";

export type Identity = {
  readonly accountId: Uint8Array;
  /** Public: the root in force. Its private half is on no device (E6). */
  readonly rootKey: Uint8Array;
  readonly identityKey: KeyPair;
  /** Of the statement that names this identity key. */
  readonly serial: number;
  /** The statements that lead from the account id to the identity key. */
  readonly chain: Uint8Array;
  /** Public X-Wing key of the recovery code: bundles are sealed to it (E22). */
  readonly sealKey: Uint8Array;
};

export const FIRST_SERIAL = 1;

/** A new account's identity. */
export function newIdentity(keys: Pick<RootKeys, "root" | "seal">, rng: Rng): Identity {
  const identityKey = ed25519.generate(rng);
  const accountId = accountIdOf(keys.root.publicKey);
  const statement = signStatement(keys.root.privateKey, {
    accountId,
    serial: FIRST_SERIAL,
    rootKey: keys.root.publicKey,
    identityKey: identityKey.publicKey,
    newRoot: null,
  });
  return {
    accountId,
    rootKey: keys.root.publicKey,
    identityKey,
    serial: FIRST_SERIAL,
    chain: encodeChain([statement]),
    sealKey: keys.seal.publicKey,
  };
}

/** E7: a new identity key under the same root. @throws UsageError when the root is not the one in force. */
export function supersedeIdentity(
  identity: Identity,
  keys: Pick<RootKeys, "root" | "seal">,
  rng: Rng,
): Identity {
  const chain = requireRoot(identity, keys.root);
  const identityKey = ed25519.generate(rng);
  const serial = chain.serial + 1;
  const statement = signStatement(keys.root.privateKey, {
    accountId: chain.accountId,
    serial,
    rootKey: keys.root.publicKey,
    identityKey: identityKey.publicKey,
    newRoot: null,
  });
  const older = splitChain(identity.chain).slice(0, -1);
  return { ...identity, identityKey, serial, chain: encodeChain([...older, statement]) };
}

/**
 * E7: a new recovery code. The old root names the new one and signs nothing more; the identity key goes over.
 *
 * @throws UsageError when the old root is not the one in force, or the chain is at its end.
 */
export function succeedRoot(
  identity: Identity,
  old: Pick<RootKeys, "root">,
  next: Pick<RootKeys, "root" | "seal">,
): Identity {
  const chain = requireRoot(identity, old.root);
  const said = {
    accountId: chain.accountId,
    identityKey: identity.identityKey.publicKey,
  };
  const serial = chain.serial + 2;
  const farewell = signStatement(old.root.privateKey, {
    ...said,
    serial: serial - 1,
    rootKey: old.root.publicKey,
    newRoot: next.root.publicKey,
  });
  const statement = signStatement(next.root.privateKey, {
    ...said,
    serial,
    rootKey: next.root.publicKey,
    newRoot: null,
  });
  const older = splitChain(identity.chain).slice(0, -1);
  return {
    ...identity,
    rootKey: next.root.publicKey,
    serial,
    chain: encodeChain([...older, farewell, statement]),
    sealKey: next.seal.publicKey,
  };
}

function requireRoot(identity: Identity, root: KeyPair): Chain {
  const chain = readChain(identity.chain);
  if (equal(chain.roots[chain.roots.length - 1]!, root.publicKey)) return chain;
  throw new UsageError("root", "this root key is not the one in force");
}
