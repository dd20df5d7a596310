import { describe, expect, it } from "vitest";
import { EMPTY, fromHex, type Rng, systemRng, toHex, utf8 } from "../../src/bytes/bytes";
import { AeadError, MlsError, SuiteError, UsageError } from "../../src/mls/errors";
import { signContent } from "../../src/mls/signLabel";
import { type CipherSuite, ROOM_SUITE } from "../../src/mls/suite";
import { suiteOf } from "../../src/mls/suites";
import { eachVectorFile } from "../vectors";

type CryptoBasics = {
  cipher_suite: number;
  ref_hash: { label: string; value: string; out: string };
  expand_with_label: { secret: string; label: string; context: string; length: number; out: string };
  derive_secret: { secret: string; label: string; out: string };
  derive_tree_secret: { secret: string; label: string; generation: number; length: number; out: string };
  sign_with_label: { priv: string; pub: string; content: string; label: string; signature: string };
  encrypt_with_label: {
    priv: string;
    pub: string;
    label: string;
    context: string;
    plaintext: string;
    kem_output: string;
    ciphertext: string;
  };
};

const SUITES = [1, 2, 3, ROOM_SUITE];

function check(suite: CipherSuite, vector: CryptoBasics): void {
  const { ref_hash: ref, expand_with_label: exp, derive_secret: der, derive_tree_secret: tree } = vector;
  expect(toHex(suite.refHash(ref.label, fromHex(ref.value)))).toBe(ref.out);
  expect(toHex(suite.expandWithLabel(fromHex(exp.secret), exp.label, fromHex(exp.context), exp.length))).toBe(
    exp.out,
  );
  expect(toHex(suite.deriveSecret(fromHex(der.secret), der.label))).toBe(der.out);
  expect(toHex(suite.deriveTreeSecret(fromHex(tree.secret), tree.label, tree.generation, tree.length))).toBe(
    tree.out,
  );

  const { sign_with_label: sig, encrypt_with_label: enc } = vector;
  const content = fromHex(sig.content);
  expect(toHex(suite.signaturePublicKey(fromHex(sig.priv)))).toBe(sig.pub);
  expect(suite.verifyWithLabel(fromHex(sig.pub), sig.label, content, fromHex(sig.signature))).toBe(true);
  expect(suite.verifyWithLabel(fromHex(sig.pub), `${sig.label}x`, content, fromHex(sig.signature))).toBe(
    false,
  );
  const own = suite.signWithLabel(fromHex(sig.priv), sig.label, content);
  expect(suite.verifyWithLabel(fromHex(sig.pub), sig.label, content, own)).toBe(true);

  const context = fromHex(enc.context);
  const plaintext = fromHex(enc.plaintext);
  const given = { kemOutput: fromHex(enc.kem_output), ciphertext: fromHex(enc.ciphertext) };
  expect(suite.decryptWithLabel(fromHex(enc.priv), enc.label, context, given)).toEqual(plaintext);
  const sealed = suite.encrypterWithLabel(enc.label, context)(fromHex(enc.pub), plaintext, systemRng);
  expect(suite.decryptWithLabel(fromHex(enc.priv), enc.label, context, sealed)).toEqual(plaintext);
}

eachVectorFile<CryptoBasics>("mls/crypto-basics", (entries) => {
  const ours = entries.filter((entry) => SUITES.includes(entry.cipher_suite));
  for (const entry of ours) check(suiteOf(entry.cipher_suite), entry);
  return { checked: ours.length, outOfScope: entries.length - ours.length };
});

function codeOf(use: () => unknown): string {
  try {
    use();
  } catch (error) {
    if (error instanceof MlsError) return `${error.fault}:${error.code}`;
    throw error;
  }
  return "nothing thrown";
}

describe("suiteOf", () => {
  it("knows suites 1 to 3 and the one for rooms", () => {
    expect(SUITES.map((id) => suiteOf(id).id)).toEqual(SUITES);
    expect(suiteOf(ROOM_SUITE)).toMatchObject({ nh: 48, nk: 32, nn: 12 });
  });

  it("refuses every other", () => {
    for (const id of [0, 4, 5, 6, 7, 0xfc01, 0xfc03, -1, 1.5]) expect(() => suiteOf(id)).toThrow(SuiteError);
    expect(codeOf(() => suiteOf(7))).toBe("peer:unsupported_suite");
  });
});

describe.each(SUITES.map((id) => [suiteOf(id).name, suiteOf(id)] as const))("%s", (_name, suite) => {
  const info = utf8("info");
  const aad = utf8("aad");
  const plaintext = utf8("the door is open");
  const keys = suite.deriveKeyPair(systemRng(32));

  it("v904: opens what it sealed, and nothing else", () => {
    const ct = suite.hpkeSeal(keys.publicKey, info, aad, plaintext, systemRng);
    expect(suite.hpkeOpen(keys.privateKey, ct, info, aad)).toEqual(plaintext);
    expect(() => suite.hpkeOpen(keys.privateKey, ct, info, EMPTY)).toThrow(AeadError);
    expect(() => suite.hpkeOpen(keys.privateKey, ct, aad, aad)).toThrow(AeadError);
    const other = suite.deriveKeyPair(systemRng(32));
    expect(() => suite.hpkeOpen(other.privateKey, ct, info, aad)).toThrow(AeadError);
    const short = { ...ct, ciphertext: ct.ciphertext.slice(0, 15) };
    expect(codeOf(() => suite.hpkeOpen(keys.privateKey, short, info, aad))).toBe("peer:aead");
  });

  it("exports the same secret on both sides", () => {
    const sent = suite.hpkeExportSender(keys.publicKey, info, aad, suite.nh, systemRng);
    const received = suite.hpkeExportReceiver(keys.privateKey, sent.kemOutput, info, aad, suite.nh);
    expect(received).toEqual(sent.secret);
    expect(suite.hpkeExportReceiver(keys.privateKey, sent.kemOutput, info, info, suite.nh)).not.toEqual(
      sent.secret,
    );
  });

  it("derives key pairs from the seed alone, leaving it untouched", () => {
    const seed = new Uint8Array(32).fill(7);
    expect(suite.deriveKeyPair(seed)).toEqual(suite.deriveKeyPair(seed));
    expect(seed).toEqual(new Uint8Array(32).fill(7));
    expect(suite.deriveKeyPair(new Uint8Array(32).fill(8))).not.toEqual(suite.deriveKeyPair(seed));
  });

  it("leaves private keys usable after use", () => {
    const before = keys.privateKey.slice();
    const ct = suite.hpkeSeal(keys.publicKey, info, aad, plaintext, systemRng);
    suite.hpkeOpen(keys.privateKey, ct, info, aad);
    expect(keys.privateKey).toEqual(before);
  });

  it("calls a public key or KEM output that is none the peer's fault", () => {
    const ct = suite.hpkeSeal(keys.publicKey, info, aad, plaintext, systemRng);
    const none = [EMPTY, new Uint8Array(keys.publicKey.length), keys.publicKey.slice(1)];
    for (const key of none) {
      expect(codeOf(() => suite.hpkeSeal(key, info, aad, plaintext, systemRng))).toBe("peer:key");
      const bad = { ...ct, kemOutput: key };
      expect(codeOf(() => suite.hpkeOpen(keys.privateKey, bad, info, aad))).toBe("peer:key");
    }
  });

  it("refuses a random source that gives too little", () => {
    const short: Rng = (length) => new Uint8Array(length - 1);
    expect(codeOf(() => suite.hpkeSeal(keys.publicKey, info, aad, plaintext, short))).toBe("caller:rng");
    expect(codeOf(() => suite.signatureKeyPair(short))).toBe("caller:rng");
  });

  it("signs, and verifies only that", () => {
    const { privateKey, publicKey } = suite.signatureKeyPair(systemRng);
    expect(suite.signaturePublicKey(privateKey)).toEqual(publicKey);
    const signature = suite.sign(privateKey, plaintext);
    expect(suite.verify(publicKey, plaintext, signature)).toBe(true);
    expect(suite.verify(publicKey, aad, signature)).toBe(false);
    expect(suite.verify(suite.signatureKeyPair(systemRng).publicKey, plaintext, signature)).toBe(false);
    for (const bad of [EMPTY, signature.slice(1), new Uint8Array(signature.length)]) {
      expect(suite.verify(publicKey, plaintext, bad)).toBe(false);
      expect(suite.verify(bad, plaintext, signature)).toBe(false);
    }
  });

  it("compares MACs whole", () => {
    const tag = suite.mac(info, plaintext);
    expect(tag.length).toBe(suite.nh);
    expect(suite.verifyMac(info, plaintext, tag)).toBe(true);
    expect(suite.verifyMac(info, plaintext, tag.slice(0, 16))).toBe(false);
    expect(suite.verifyMac(aad, plaintext, tag)).toBe(false);
  });

  it("refuses AEAD keys and nonces of another length", () => {
    const key = new Uint8Array(suite.nk);
    const nonce = new Uint8Array(suite.nn);
    expect(suite.open(key, nonce, aad, suite.seal(key, nonce, aad, plaintext))).toEqual(plaintext);
    // The other AES key length, and a nonce that GCM would hash down.
    expect(() => suite.seal(new Uint8Array(24), nonce, aad, plaintext)).toThrow(UsageError);
    expect(() => suite.seal(key, new Uint8Array(16), aad, plaintext)).toThrow(UsageError);
  });

  it("refuses secrets and lengths that HKDF is not defined for", () => {
    expect(() => suite.expand(new Uint8Array(suite.nh - 1), info, 32)).toThrow(UsageError);
    expect(() => suite.expand(new Uint8Array(suite.nh), info, 255 * suite.nh + 1)).toThrow(UsageError);
  });
});

describe("signContent", () => {
  it("is the label and the content, each with its length", () => {
    expect(toHex(signContent("ab", fromHex("0102ff")))).toBe("026162030102ff");
    expect(toHex(signContent("", EMPTY))).toBe("0000");
    expect(toHex(signContent("", new Uint8Array(64)).slice(0, 3))).toBe("004040");
  });

  it("puts MLS 1.0 before the labels of MLS, so no signature of ours is one of MLS (E5)", () => {
    const suite = suiteOf(ROOM_SUITE);
    const { privateKey, publicKey } = suite.signatureKeyPair(systemRng);
    const signature = suite.signWithLabel(privateKey, "LeafNodeTBS", EMPTY);
    expect(suite.verify(publicKey, signContent("MLS 1.0 LeafNodeTBS", EMPTY), signature)).toBe(true);
    expect(suite.verify(publicKey, signContent("Collegium 1.0 LeafNodeTBS", EMPTY), signature)).toBe(false);
  });
});
