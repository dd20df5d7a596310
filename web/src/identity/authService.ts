/**
 * The authentication service (RFC 9750 §6.4; E9): the rule by which a client decides that a leaf belongs to a person. It
 * runs here and never on a server; it reads no clock and knows nobody, so all members judge alike.
 */

import { sha256 } from "@noble/hashes/sha2.js";
import { equal, toHex } from "../bytes/bytes";
import { encode } from "../mls/codec";
import { whenCertain } from "../mls/trial";
import { type Revocation, readCertificate, readRevocation, revokes } from "./certificate";
import { type LeafIdentity, splitCredential } from "./credential";
import { AsError } from "./errors";
import { isPrefix, readChain } from "./statement";

/** More than the leaves of several full rooms. */
const MAX_REMEMBERED = 4096;

/**
 * Verified credentials by the hash of what was verified. The answer depends on nothing else, so to remember it changes
 * nothing but the time it takes. Failures are not kept: nobody can fill this with noise.
 */
const remembered = new Map<string, LeafIdentity>();

/**
 * Decode a leaf's credential and verify every signature in it: the chain from the account id to the identity key, the
 * certificate by that key, and that it certifies the key the leaf signs with.
 *
 * @throws AsError
 */
export function identifyLeaf(credentialIdentity: Uint8Array, signatureKey: Uint8Array): LeafIdentity {
  const name = toHex(sha256(encode((writer) => writer.opaque(credentialIdentity).opaque(signatureKey))));
  const known = remembered.get(name);
  if (known !== undefined) return known;
  const leaf = verifyCredential(credentialIdentity, signatureKey);
  whenCertain(() => {
    if (remembered.size >= MAX_REMEMBERED) remembered.delete(remembered.keys().next().value!);
    remembered.set(name, leaf);
  });
  return leaf;
}

function verifyCredential(credentialIdentity: Uint8Array, signatureKey: Uint8Array): LeafIdentity {
  const parts = splitCredential(credentialIdentity);
  const chain = readChain(parts.chain);
  const certificate = readCertificate(parts.certificate);
  // E8: the certificate is of this account, by the identity key that its root names.
  if (!equal(certificate.accountId, chain.accountId)) {
    throw new AsError("certificate_account", "the certificate is of another account");
  }
  if (!equal(certificate.identityKey, chain.identityKey)) {
    throw new AsError("certificate_identity", "the certificate is not by the account's identity key");
  }
  if (!equal(certificate.leafKey, signatureKey)) {
    throw new AsError("leaf_key", "the leaf signs with a key that is not certified");
  }
  return Object.freeze({
    accountId: chain.accountId,
    rootKey: chain.roots[chain.roots.length - 1]!,
    identityKey: chain.identityKey,
    identitySerial: chain.serial,
    deploymentId: certificate.deploymentId,
    deviceId: certificate.deviceId,
    leafKey: certificate.leafKey,
    certificateSerial: certificate.serial,
    notBefore: certificate.notBefore,
    notAfter: certificate.notAfter,
    roots: chain.roots,
  });
}

/** E8: a certificate is for one server. @throws AsError "deployment" */
export function checkDeployment(leaf: LeafIdentity, deploymentId: Uint8Array): void {
  if (!equal(leaf.deploymentId, deploymentId)) {
    throw new AsError("deployment", "the leaf is certified for another server");
  }
}

/** E10: at the stamp of the log entry that brings the leaf, or by a committer's own clock. @throws AsError */
export function checkLifetime(leaf: LeafIdentity, at: number): void {
  if (at < leaf.notBefore) throw new AsError("not_yet_valid", "the certificate is not valid yet");
  if (expired(leaf, at)) throw new AsError("expired", "the certificate has expired");
}

/** E10: nothing expires by itself. A device removes such a leaf only if its own clock agrees. */
export function expired(leaf: LeafIdentity, at: number): boolean {
  return at > leaf.notAfter;
}

/** E9: what a sender's own path may put in the place of its leaf. @throws AsError */
export function checkSuccessor(before: LeafIdentity, after: LeafIdentity): void {
  if (!equal(before.accountId, after.accountId)) {
    throw new AsError("successor_account", "a leaf was replaced by one of another account");
  }
  if (!equal(before.identityKey, after.identityKey)) {
    throw new AsError("successor_identity", "a leaf was replaced by one under another identity key");
  }
  if (!equal(before.deviceId, after.deviceId)) {
    throw new AsError("successor_device", "a leaf was replaced by one of another device");
  }
  if (after.certificateSerial < before.certificateSerial) {
    throw new AsError("successor_serial", "a leaf was replaced by one with an older certificate");
  }
}

/** E9: a revocation statement that holds and voids this leaf's certificate. @throws AsError */
export function checkRevocation(statement: Uint8Array, leaf: LeafIdentity): Revocation {
  const revocation = readRevocation(statement);
  if (!revokes(revocation, leaf)) {
    throw new AsError("revocation_other", "the statement does not revoke this leaf's certificate");
  }
  return revocation;
}

/**
 * E9: whether a leaf is under older keys than a chain of statements names, and so is due to be removed. The chain must
 * go on from the leaf's own: a chain that branches off says nothing about it (two successors are for people to settle).
 *
 * @throws AsError when the chain does not hold.
 */
export function obsolete(leaf: LeafIdentity, chainBytes: Uint8Array): boolean {
  const chain = readChain(chainBytes);
  return (
    // E6: the first root makes the account id, so this is a chain of the same account.
    isPrefix(leaf.roots, chain.roots) &&
    // E7: only a higher serial supersedes.
    chain.serial > leaf.identitySerial &&
    !equal(chain.identityKey, leaf.identityKey)
  );
}
