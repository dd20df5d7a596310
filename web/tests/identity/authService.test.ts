import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concat, EMPTY } from "../../src/bytes/bytes";
import {
  checkDeployment,
  checkLifetime,
  checkRevocation,
  checkSuccessor,
  expired,
  identifyLeaf,
  obsolete,
} from "../../src/identity/authService";
import { certifyDevice, revokeDevice } from "../../src/identity/certificate";
import { encodeCredential, MAX_CREDENTIAL_BYTES, splitCredential } from "../../src/identity/credential";
import { AsError } from "../../src/identity/errors";
import { type Identity, succeedRoot, supersedeIdentity } from "../../src/identity/identity";
import { encodeChain, signStatement } from "../../src/identity/statement";
import {
  codeOf,
  DEPLOYMENT,
  device,
  id,
  keyPair,
  LIFETIME,
  leafOf,
  NOW,
  seeded,
  someone,
  spoilt,
} from "./people";

const { keys: ANNA_KEYS, identity: ANNA } = someone("anna");
const { keys: BEN_KEYS, identity: BEN } = someone("ben");
const LAPTOP = device(ANNA, "laptop");

describe("e9: the check of a leaf", () => {
  it("gives the account, its keys and the device", () => {
    expect(identifyLeaf(LAPTOP.credential, LAPTOP.leafKey.publicKey)).toEqual({
      accountId: ANNA.accountId,
      rootKey: ANNA_KEYS.root.publicKey,
      roots: [ANNA_KEYS.root.publicKey],
      identityKey: ANNA.identityKey.publicKey,
      identitySerial: 1,
      deploymentId: DEPLOYMENT,
      deviceId: LAPTOP.deviceId,
      leafKey: LAPTOP.leafKey.publicKey,
      certificateSerial: 1,
      ...LIFETIME,
    });
  });

  it("with a new root, the account stays and the last root is in force", () => {
    const next = someone("anna's new code").keys;
    const leaf = leafOf(succeedRoot(ANNA, ANNA_KEYS, next), "laptop");
    expect(leaf.accountId).toEqual(ANNA.accountId);
    expect(leaf.rootKey).toEqual(next.root.publicKey);
    expect(leaf.roots).toEqual([ANNA_KEYS.root.publicKey, next.root.publicKey]);
  });

  it("the leaf signs with the key that is certified", () => {
    const other = keyPair("another leaf").publicKey;
    expect(codeOf(() => identifyLeaf(LAPTOP.credential, other))).toBe("leaf_key");
    expect(codeOf(() => identifyLeaf(LAPTOP.credential, EMPTY))).toBe("leaf_key");
  });

  it("the certificate is by the identity key that the root names", () => {
    // Ben certifies a device for Anna's account and puts Anna's chain before it: threats 1 and 2.
    const forged = device({ ...BEN, accountId: ANNA.accountId, chain: ANNA.chain }, "ghost");
    expect(codeOf(() => identifyLeaf(forged.credential, forged.leafKey.publicKey))).toBe(
      "certificate_identity",
    );
  });

  it("the certificate is for the account of the chain", () => {
    const strayed = device({ ...ANNA, accountId: BEN.accountId }, "laptop");
    expect(codeOf(() => identifyLeaf(strayed.credential, strayed.leafKey.publicKey))).toBe(
      "certificate_account",
    );
  });

  it("both signatures are verified", () => {
    const key = LAPTOP.leafKey.publicKey;
    const badChain = encodeCredential(spoilt(ANNA.chain, -1), LAPTOP.certificate);
    expect(codeOf(() => identifyLeaf(badChain, key))).toBe("statement_signature");
    const badCertificate = encodeCredential(ANNA.chain, spoilt(LAPTOP.certificate, -1));
    expect(codeOf(() => identifyLeaf(badCertificate, key))).toBe("certificate_signature");
  });

  it("an account that somebody else's root claims is refused (E6)", () => {
    const identityKey = BEN.identityKey.publicKey;
    const claim = signStatement(BEN_KEYS.root.privateKey, {
      accountId: ANNA.accountId,
      serial: 9,
      rootKey: BEN_KEYS.root.publicKey,
      identityKey,
      newRoot: null,
    });
    const forged = device({ ...BEN, accountId: ANNA.accountId, chain: encodeChain([claim]) }, "ghost");
    expect(codeOf(() => identifyLeaf(forged.credential, forged.leafKey.publicKey))).toBe("chain_account");
  });

  it("the answer depends on the bytes alone: remembered or not, failures too", () => {
    const key = LAPTOP.leafKey.publicKey;
    expect(identifyLeaf(LAPTOP.credential.slice(), key.slice())).toBe(identifyLeaf(LAPTOP.credential, key));
    const bad = spoilt(LAPTOP.credential, -1);
    for (let i = 0; i < 3; i++) expect(codeOf(() => identifyLeaf(bad, key))).toBe("certificate_signature");
    // The same bytes cut elsewhere between credential and key are another question.
    const moved = concat(LAPTOP.credential, key.slice(0, 1));
    expect(codeOf(() => identifyLeaf(moved, key.slice(1)))).toBe("malformed");
  });

  it("a certificate is for one server", () => {
    const leaf = leafOf(ANNA, "laptop");
    expect(() => checkDeployment(leaf, DEPLOYMENT)).not.toThrow();
    expect(codeOf(() => checkDeployment(leaf, id("another server")))).toBe("deployment");
  });

  it("credentials of another version, cut, followed or oversized are refused", () => {
    const other = LAPTOP.credential.slice();
    other[0] = 2;
    const cut = LAPTOP.credential.slice(0, -1);
    const followed = concat(LAPTOP.credential, EMPTY, Uint8Array.of(0));
    for (const bad of [other, cut, followed, EMPTY, new Uint8Array(MAX_CREDENTIAL_BYTES + 1)]) {
      expect(codeOf(() => splitCredential(bad))).toBe("malformed");
    }
  });

  it("invariant: any bytes, and any change of a good credential, raise AsError", () => {
    const key = LAPTOP.leafKey.publicKey;
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 600 }),
        fc.uint8Array({ maxLength: 40 }),
        (credential, leafKey) => {
          expect(() => identifyLeaf(credential, leafKey)).toThrow(AsError);
        },
      ),
      { seed: 9, numRuns: 300 },
    );
    fc.assert(
      fc.property(
        fc.nat({ max: LAPTOP.credential.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        (at, bits) => {
          const changed = LAPTOP.credential.slice();
          changed[at]! ^= bits;
          expect(() => identifyLeaf(changed, key)).toThrow(AsError);
        },
      ),
      { seed: 9, numRuns: 200 },
    );
  });
});

describe("e10: lifetimes", () => {
  const leaf = leafOf(ANNA, "laptop");

  it("both ends belong to it", () => {
    for (const at of [leaf.notBefore, leaf.notAfter]) expect(() => checkLifetime(leaf, at)).not.toThrow();
    expect(codeOf(() => checkLifetime(leaf, leaf.notBefore - 1))).toBe("not_yet_valid");
    expect(codeOf(() => checkLifetime(leaf, leaf.notAfter + 1))).toBe("expired");
  });

  it("nothing expires by itself: an expired leaf is still identified, and due", () => {
    expect(expired(leaf, leaf.notAfter)).toBe(false);
    expect(expired(leaf, leaf.notAfter + 1)).toBe(true);
    expect(expired(leaf, leaf.notBefore - 1)).toBe(false);
    const old = device(ANNA, "old", { notBefore: 0, notAfter: 1 });
    expect(identifyLeaf(old.credential, old.leafKey.publicKey).notAfter).toBe(1);
  });
});

describe("e9: a leaf's successor on its own path", () => {
  const before = leafOf(ANNA, "laptop", { serial: 5 });
  const next = (identity: Identity, name: string, serial: number) => leafOf(identity, name, { serial });

  it("may have the same certificate serial or a higher one, and other keys", () => {
    for (const serial of [5, 6, 100]) {
      const after = leafOf(ANNA, "laptop", { serial, leafKey: keyPair(`renewed ${serial}`) });
      expect(() => checkSuccessor(before, after)).not.toThrow();
    }
  });

  it("the certificate serial does not fall", () => {
    expect(codeOf(() => checkSuccessor(before, next(ANNA, "laptop", 4)))).toBe("successor_serial");
  });

  it("the device is the same", () => {
    expect(codeOf(() => checkSuccessor(before, next(ANNA, "phone", 5)))).toBe("successor_device");
  });

  it("the identity key is the same", () => {
    const renewed = supersedeIdentity(ANNA, ANNA_KEYS, seeded("renewed"));
    expect(codeOf(() => checkSuccessor(before, next(renewed, "laptop", 5)))).toBe("successor_identity");
  });

  it("the account is the same", () => {
    // Ben's root also names Anna's identity key, so that the account alone differs.
    const claim = signStatement(BEN_KEYS.root.privateKey, {
      accountId: BEN.accountId,
      serial: 1,
      rootKey: BEN_KEYS.root.publicKey,
      identityKey: ANNA.identityKey.publicKey,
      newRoot: null,
    });
    const mixed = { ...ANNA, accountId: BEN.accountId, chain: encodeChain([claim]) };
    expect(codeOf(() => checkSuccessor(before, next(mixed, "laptop", 5)))).toBe("successor_account");
  });

  it("a new recovery code with the same identity key makes no difference", () => {
    const moved = succeedRoot(ANNA, ANNA_KEYS, someone("anna's new code").keys);
    expect(() => checkSuccessor(before, next(moved, "laptop", 5))).not.toThrow();
  });
});

describe("e9: what obliges a Remove", () => {
  const leaf = leafOf(ANNA, "laptop", { serial: 2 });
  const renewed = supersedeIdentity(ANNA, ANNA_KEYS, seeded("renewed"));

  it("a revocation that holds and names this certificate", () => {
    expect(checkRevocation(revokeDevice(ANNA, leaf.deviceId, 2), leaf).serial).toBe(2);
    expect(codeOf(() => checkRevocation(revokeDevice(ANNA, leaf.deviceId, 1), leaf))).toBe(
      "revocation_other",
    );
    expect(codeOf(() => checkRevocation(revokeDevice(BEN, leaf.deviceId, 2), leaf))).toBe("revocation_other");
    expect(codeOf(() => checkRevocation(spoilt(revokeDevice(ANNA, leaf.deviceId, 2), -1), leaf))).toBe(
      "revocation_signature",
    );
  });

  it("a higher identity statement, for every leaf under older keys and for no newly certified one", () => {
    expect(obsolete(leaf, renewed.chain)).toBe(true);
    expect(obsolete(leafOf(renewed, "laptop"), renewed.chain)).toBe(false);
    expect(obsolete(leafOf(renewed, "laptop"), ANNA.chain)).toBe(false);
    expect(obsolete(leaf, ANNA.chain)).toBe(false);
  });

  it("also across a new root", () => {
    const next = someone("anna's new code").keys;
    const moved = succeedRoot(ANNA, ANNA_KEYS, next);
    // The identity key went over: nothing of it is older.
    expect(obsolete(leaf, moved.chain)).toBe(false);
    const both = supersedeIdentity(moved, next, seeded("both"));
    expect(obsolete(leaf, both.chain)).toBe(true);
    expect(obsolete(leafOf(both, "laptop"), renewed.chain)).toBe(false);
  });

  it("not a statement of the same serial with another key: only a higher one supersedes (E7)", () => {
    const equalSerial = signStatement(ANNA_KEYS.root.privateKey, {
      accountId: ANNA.accountId,
      serial: 1,
      rootKey: ANNA_KEYS.root.publicKey,
      identityKey: keyPair("contradiction").publicKey,
      newRoot: null,
    });
    expect(obsolete(leaf, encodeChain([equalSerial]))).toBe(false);
  });

  it("not somebody else's chain, and not one that branches off from the leaf's own", () => {
    const bens = supersedeIdentity(BEN, BEN_KEYS, seeded("ben renewed"));
    expect(obsolete(leaf, bens.chain)).toBe(false);
    const here = someone("one successor").keys;
    const there = someone("other successor").keys;
    const leafHere = leafOf(succeedRoot(ANNA, ANNA_KEYS, here), "laptop");
    const movedThere = supersedeIdentity(succeedRoot(ANNA, ANNA_KEYS, there), there, seeded("there"));
    expect(obsolete(leafHere, movedThere.chain)).toBe(false);
  });

  it("not a chain that does not hold", () => {
    expect(codeOf(() => obsolete(leaf, spoilt(renewed.chain, -1)))).toBe("statement_signature");
  });

  it("newly certified, the same device is welcome again", () => {
    const certificate = certifyDevice(renewed, {
      deploymentId: DEPLOYMENT,
      deviceId: leaf.deviceId,
      leafKey: leaf.leafKey,
      serial: 3,
      notBefore: NOW,
      notAfter: NOW + 1,
    });
    const added = identifyLeaf(encodeCredential(renewed.chain, certificate), leaf.leafKey);
    expect(obsolete(added, renewed.chain)).toBe(false);
  });
});
