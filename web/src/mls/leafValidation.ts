/**
 * What makes one leaf valid (RFC 9420 §7.3), but for lifetimes and the AS, which are the caller's to judge.
 *
 *   v101  the signature is the leaf's own                        v105  it can do what the group requires
 *   v102  it comes from where such a leaf comes from             v106  it knows the GroupContext's extensions
 *   v103  its credential type is among its capabilities          v107  it knows the version and the cipher suite
 *   v104  its extensions are among its capabilities              v108  its encryption key is a key
 *   v109  an Update or a path brings another encryption key than before
 */

import { equal } from "../bytes/bytes";
import { MLS_10, meets, supportsCredential, supportsExtension } from "./capabilities";
import { InvalidError, KeyError } from "./errors";
import { type Extension, requiredCapabilitiesIn } from "./extension";
import { type LeafNode, type LeafPlace, leafSignatureIsValid } from "./leafNode";
import type { CipherSuite } from "./suite";

/** Nobody could encrypt to it, and every later Commit of an honest member would fail. @throws InvalidError */
export function checkPublicKey(suite: CipherSuite, publicKey: Uint8Array, code: string): void {
  try {
    suite.checkPublicKey(publicKey);
  } catch (cause) {
    if (cause instanceof KeyError) throw new InvalidError(code, "not a public key of the suite", { cause });
    throw cause;
  }
}

/** All that the leaf says by itself. `source` is what its place demands. @throws InvalidError */
export function checkLeafAlone(
  suite: CipherSuite,
  leaf: LeafNode,
  source: LeafNode["source"]["kind"],
  place: LeafPlace | null,
): void {
  if (leaf.source.kind !== source) {
    throw new InvalidError("v102_leaf_source", `a leaf of source ${leaf.source.kind}, not ${source}`);
  }
  const { capabilities } = leaf;
  if (!supportsCredential(capabilities, leaf.credential.type)) {
    throw new InvalidError("v103_credential_unlisted", "a leaf's credential type is not in its capabilities");
  }
  if (!leaf.extensions.every(({ type }) => supportsExtension(capabilities, type))) {
    throw new InvalidError("v104_extension_unlisted", "a leaf's extension is not in its capabilities");
  }
  if (!capabilities.versions.includes(MLS_10) || !capabilities.suites.includes(suite.id)) {
    throw new InvalidError("v107_suite_unlisted", "a leaf does not know its own version or cipher suite");
  }
  checkPublicKey(suite, leaf.encryptionKey, "v108_encryption_key");
  if (!leafSignatureIsValid(suite, leaf, place)) {
    throw new InvalidError("v101_leaf_signature", "a leaf's signature is not valid");
  }
}

/** Whether the leaf fits the group whose GroupContext has these extensions. @throws InvalidError | DecodeError */
export function checkLeafInGroup(leaf: LeafNode, extensions: readonly Extension[]): void {
  const required = requiredCapabilitiesIn(extensions);
  if (required !== undefined && !meets(leaf.capabilities, required)) {
    throw new InvalidError("v105_required_capabilities", "a leaf lacks a capability that the group requires");
  }
  // RFC 9420 §13.4: an extension in use by the group is one that every member knows.
  if (!extensions.every(({ type }) => supportsExtension(leaf.capabilities, type))) {
    throw new InvalidError("v106_group_extension", "a leaf does not know an extension of the group");
  }
}

/** RFC 9420 §7.3, §12.4.2: a leaf that takes another's place brings a fresh key. @throws InvalidError */
export function checkLeafSucceeds(before: LeafNode, after: LeafNode): void {
  if (equal(before.encryptionKey, after.encryptionKey)) {
    throw new InvalidError("v109_encryption_key_kept", "a renewed leaf keeps its encryption key");
  }
}
