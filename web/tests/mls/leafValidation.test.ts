/** v101 to v109 and v401 to v404: leaves and KeyPackages that break one rule each. */

import { describe, expect, it } from "vitest";
import { utf8 } from "../../src/bytes/bytes";
import { type Capabilities, greased, MLS_10, ownCapabilities } from "../../src/mls/capabilities";
import { encode } from "../../src/mls/codec";
import { basicCredential } from "../../src/mls/credential";
import { ExtensionType, requiredCapabilitiesExtension, writeExtensions } from "../../src/mls/extension";
import { GREASE_VALUES } from "../../src/mls/grease";
import {
  decodeKeyPackage,
  encodeKeyPackage,
  type KeyPackage,
  keyPackageRef,
  verifyKeyPackage,
} from "../../src/mls/keyPackage";
import { type LeafNode, signLeafNode, writeLeafNode } from "../../src/mls/leafNode";
import { checkLeafAlone, checkLeafInGroup, checkLeafSucceeds } from "../../src/mls/leafValidation";
import { type CipherSuite, ROOM_SUITE } from "../../src/mls/suite";
import { suiteOf } from "../../src/mls/suites";
import { leafIndex } from "../../src/mls/treeMath";
import { seededRng } from "./seededRng";
import { codeOf, newPerson, type Person } from "./treeWorld";

const suite = suiteOf(1);
const rng = seededRng("leaves");
const person = newPerson(suite, rng);
const leaf = person.keyPackage.leafNode;
const place = { groupId: utf8("group"), leaf: leafIndex(3) };
const PRIVATE_TYPE = 0xf777;

/** The leaf with changes, signed again. */
function resigned(changes: Partial<LeafNode>, of: Person = person, own: CipherSuite = suite): LeafNode {
  const { signature: _, ...old } = of.keyPackage.leafNode;
  return signLeafNode(own, { ...old, ...changes }, of.signature.privateKey, place);
}

function alone(node: LeafNode, own: CipherSuite = suite): string {
  return codeOf(() => checkLeafAlone(own, node, node.source.kind, place));
}

const NONE = "nothing thrown";
const other: Capabilities = { versions: [], suites: [], extensions: [], proposals: [], credentials: [] };

describe("a leaf", () => {
  it("is valid as it was made, at any time: lifetimes are the caller's to judge", () => {
    expect(leaf.source).toEqual({ kind: "key_package", notBefore: 0n, notAfter: 1n });
    expect(alone(leaf)).toBe(NONE);
  });

  it("v101: is signed by its own key", () => {
    const signature = leaf.signature.slice();
    signature[7]! ^= 1;
    expect(alone({ ...leaf, signature })).toBe("v101_leaf_signature");
    expect(alone({ ...leaf, credential: basicCredential(utf8("mallory")) })).toBe("v101_leaf_signature");
    expect(alone({ ...leaf, signatureKey: newPerson(suite, rng).signature.publicKey })).toBe(
      "v101_leaf_signature",
    );
  });

  it("v101: belongs to its group and place once it was renewed", () => {
    for (const source of [{ kind: "update" }, { kind: "commit", parentHash: utf8("hash") }] as const) {
      const node = resigned({ source });
      expect(alone(node)).toBe(NONE);
      for (const elsewhere of [
        { ...place, leaf: leafIndex(2) },
        { ...place, groupId: utf8("other") },
      ]) {
        expect(codeOf(() => checkLeafAlone(suite, node, source.kind, elsewhere))).toBe("v101_leaf_signature");
      }
      expect(codeOf(() => checkLeafAlone(suite, node, source.kind, null))).toBe("leaf_place");
    }
    expect(codeOf(() => checkLeafAlone(suite, leaf, "key_package", null))).toBe(NONE);
  });

  it("v102: comes from where such a leaf comes from", () => {
    expect(codeOf(() => checkLeafAlone(suite, leaf, "update", place))).toBe("v102_leaf_source");
    expect(codeOf(() => checkLeafAlone(suite, leaf, "commit", place))).toBe("v102_leaf_source");
    expect(
      codeOf(() => checkLeafAlone(suite, resigned({ source: { kind: "update" } }), "key_package", null)),
    ).toBe("v102_leaf_source");
  });

  it("v103: lists its own credential type", () => {
    const capabilities = { ...leaf.capabilities, credentials: [2] };
    expect(alone(resigned({ capabilities }))).toBe("v103_credential_unlisted");
  });

  it("v104: lists its own extensions, but for those that everyone knows", () => {
    const extensions = [{ type: PRIVATE_TYPE, data: utf8("x") }];
    expect(alone(resigned({ extensions }))).toBe("v104_extension_unlisted");
    const capabilities = { ...leaf.capabilities, extensions: [PRIVATE_TYPE] };
    expect(alone(resigned({ extensions, capabilities }))).toBe(NONE);
    const applicationId = [{ type: ExtensionType.applicationId, data: utf8("x") }];
    expect(alone(resigned({ extensions: applicationId }))).toBe(NONE);
    // GREASE gets no better treatment.
    expect(alone(resigned({ extensions: [{ type: 0x1a1a, data: utf8("x") }], capabilities }))).toBe(
      "v104_extension_unlisted",
    );
  });

  it("v105: can do what the group requires", () => {
    const required = { extensions: [], proposals: [], credentials: [] };
    const check = (more: object, node = leaf) =>
      codeOf(() => checkLeafInGroup(node, [requiredCapabilitiesExtension({ ...required, ...more })]));
    expect(check({})).toBe(NONE);
    expect(check({ extensions: [ExtensionType.collegiumRoom], credentials: [1] })).toBe(NONE);
    expect(check({ extensions: [ExtensionType.externalSenders], proposals: [1, 7] })).toBe(NONE);
    expect(check({ extensions: [PRIVATE_TYPE] })).toBe("v105_required_capabilities");
    expect(check({ proposals: [PRIVATE_TYPE] })).toBe("v105_required_capabilities");
    // No credential type is known to all.
    expect(check({ credentials: [2] })).toBe("v105_required_capabilities");
    expect(check({ credentials: [1] }, resigned({ capabilities: other }))).toBe("v105_required_capabilities");
    const malformed = { type: ExtensionType.requiredCapabilities, data: utf8("?") };
    expect(codeOf(() => checkLeafInGroup(leaf, [malformed]))).toBe("decode");
  });

  it("v106: knows every extension of the GroupContext", () => {
    const room = [{ type: ExtensionType.collegiumRoom, data: utf8("room") }];
    expect(codeOf(() => checkLeafInGroup(leaf, room))).toBe(NONE);
    const without = resigned({ capabilities: { ...leaf.capabilities, extensions: [] } });
    expect(codeOf(() => checkLeafInGroup(without, room))).toBe("v106_group_extension");
  });

  it("v107: lists its version and cipher suite", () => {
    for (const changes of [{ versions: [2] }, { suites: [2, 3] }]) {
      const capabilities = { ...leaf.capabilities, ...changes };
      expect(alone(resigned({ capabilities }))).toBe("v107_suite_unlisted");
    }
  });

  it("v108: has an encryption key that others can encrypt to", () => {
    const small = new Uint8Array(32);
    for (const encryptionKey of [small, leaf.encryptionKey.slice(1), new Uint8Array(0)]) {
      expect(alone(resigned({ encryptionKey }))).toBe("v108_encryption_key");
    }
    const p256 = suiteOf(2);
    const one = newPerson(p256, rng);
    const off = one.keyPackage.leafNode.encryptionKey.slice();
    off[64]! ^= 1;
    expect(alone(resigned({}, one, p256), p256)).toBe(NONE);
    expect(alone(resigned({ encryptionKey: off }, one, p256), p256)).toBe("v108_encryption_key");
  });

  it("v108: … in either half of X-Wing", () => {
    const room = suiteOf(ROOM_SUITE);
    const one = newPerson(room, rng);
    const good = one.keyPackage.leafNode.encryptionKey;
    expect(alone(resigned({}, one, room), room)).toBe(NONE);
    const unreduced = good.slice();
    // 0xd01 is the modulus: the largest value that is allowed, and the first that is not.
    unreduced.set([0x00, (unreduced[1]! & 0xf0) | 0x0d]);
    expect(alone(resigned({ encryptionKey: unreduced }, one, room), room)).toBe(NONE);
    unreduced[0] = 0x01;
    expect(alone(resigned({ encryptionKey: unreduced }, one, room), room)).toBe("v108_encryption_key");
    const last = good.slice();
    last.set([0xff, 0xff], 1150);
    expect(alone(resigned({ encryptionKey: last }, one, room), room)).toBe("v108_encryption_key");
    const small = good.slice();
    small.fill(0, 1184);
    expect(alone(resigned({ encryptionKey: small }, one, room), room)).toBe("v108_encryption_key");
    expect(alone(resigned({ encryptionKey: good.slice(0, 1215) }, one, room), room)).toBe(
      "v108_encryption_key",
    );
  });

  it("v109: takes another's place with a fresh encryption key", () => {
    const renewed = resigned({ source: { kind: "update" } });
    expect(codeOf(() => checkLeafSucceeds(leaf, renewed))).toBe("v109_encryption_key_kept");
    const fresh = { ...renewed, encryptionKey: newPerson(suite, rng).keyPackage.initKey };
    expect(codeOf(() => checkLeafSucceeds(leaf, fresh))).toBe(NONE);
  });
});

/** A KeyPackage with changes, signed again. */
function repackaged(changes: Partial<KeyPackage>, of: Person = person): KeyPackage {
  const changed = { ...of.keyPackage, ...changes };
  const tbs = encode((writer) => {
    writer.uint16(changed.version).uint16(changed.suite).opaque(changed.initKey);
    writeLeafNode(writer, changed.leafNode);
    writeExtensions(writer, changed.extensions);
  });
  return { ...changed, signature: suite.signWithLabel(of.signature.privateKey, "KeyPackageTBS", tbs) };
}

const verified = (keyPackage: KeyPackage) => codeOf(() => verifyKeyPackage(suite, keyPackage));

describe("a KeyPackage", () => {
  it("is valid as it was made and read, with GREASE wherever it may be", () => {
    expect(encodeKeyPackage(decodeKeyPackage(person.bytes))).toEqual(person.bytes);
    expect(verified(decodeKeyPackage(person.bytes))).toBe(NONE);
    expect(verified(repackaged({}))).toBe(NONE);
    const { capabilities, extensions } = leaf;
    expect(capabilities.versions).toEqual([MLS_10]);
    for (const list of [
      capabilities.suites,
      capabilities.extensions,
      capabilities.proposals,
      capabilities.credentials,
    ])
      expect(list.filter((type) => GREASE_VALUES.includes(type))).toHaveLength(1);
    expect(extensions.map(({ type }) => GREASE_VALUES.includes(type))).toEqual([true]);
    expect(person.keyPackage.extensions.map(({ type }) => GREASE_VALUES.includes(type))).toEqual([true]);
    expect(capabilities.extensions).toContain(ExtensionType.collegiumRoom);
  });

  it("of given capabilities has those, and no GREASE", () => {
    const capabilities = ownCapabilities(suite);
    const { keyPackage } = newPerson(suite, rng, { capabilities });
    expect(keyPackage.leafNode.capabilities).toEqual(capabilities);
    expect([...keyPackage.extensions, ...keyPackage.leafNode.extensions]).toEqual([]);
    expect(verified(keyPackage)).toBe(NONE);
  });

  it("has GREASE of every value in time, and of no other", () => {
    const seen = new Set<number>();
    for (let i = 0; i < 300; i++) seen.add(greased(other, rng).proposals[0]!);
    expect([...seen].sort((a, b) => a - b)).toEqual(GREASE_VALUES);
    expect(GREASE_VALUES.map((value) => value.toString(16))).toEqual(
      "a0a 1a1a 2a2a 3a3a 4a4a 5a5a 6a6a 7a7a 8a8a 9a9a aaaa baba caca dada eaea".split(" "),
    );
  });

  it("is named by a hash of its bytes", () => {
    expect(keyPackageRef(suite, person.bytes)).toEqual(
      suite.refHash("MLS 1.0 KeyPackage Reference", person.bytes),
    );
  });

  it("v401: is of the group's version and cipher suite", () => {
    expect(verified(repackaged({ suite: 3 }))).toBe("v401_key_package_suite");
    expect(verified(repackaged({ version: 2 }))).toBe("v401_key_package_suite");
  });

  it("v402: is signed by its leaf's key", () => {
    expect(verified({ ...person.keyPackage, extensions: [] })).toBe("v402_key_package_signature");
    const stranger = newPerson(suite, rng);
    expect(verified({ ...person.keyPackage, leafNode: stranger.keyPackage.leafNode })).toBe(
      "v402_key_package_signature",
    );
  });

  it("v403: has two keys", () => {
    expect(verified(repackaged({ initKey: leaf.encryptionKey }))).toBe("v403_init_key_reused");
  });

  it("v404: has an init key that others can encrypt to", () => {
    expect(verified(repackaged({ initKey: new Uint8Array(32) }))).toBe("v404_init_key");
  });

  it("may have extensions that its leaf does not list: others send GREASE so", () => {
    const extensions = [{ type: PRIVATE_TYPE, data: utf8("x") }];
    expect(verified(repackaged({ extensions }))).toBe("nothing thrown");
  });

  it("v101, v102, v108: has a leaf that is valid", () => {
    expect(verified(repackaged({ leafNode: { ...leaf, extensions: [] } }))).toBe("v101_leaf_signature");
    expect(verified(repackaged({ leafNode: resigned({ source: { kind: "update" } }) }))).toBe(
      "v102_leaf_source",
    );
    expect(verified(repackaged({ leafNode: resigned({ encryptionKey: new Uint8Array(32) }) }))).toBe(
      "v108_encryption_key",
    );
  });
});
