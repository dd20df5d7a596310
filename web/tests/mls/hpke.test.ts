import { describe, expect, it } from "vitest";
import { fromHex, toHex, utf8 } from "../../src/bytes/bytes";
import { AES_128_GCM, AES_256_GCM, CHACHA20_POLY1305 } from "../../src/mls/aead";
import { DHKEM_P256, DHKEM_X25519 } from "../../src/mls/dhkem";
import { type HpkeSuite, hpkeSuite, scheduled, setupReceiver, setupSender } from "../../src/mls/hpke";
import { HKDF_SHA256, HKDF_SHA384 } from "../../src/mls/kdf";
import { ROOM_SUITE } from "../../src/mls/suite";
import { suiteOf } from "../../src/mls/suites";
import { keyPairOfSeed, MLKEM768_X25519 } from "../../src/mls/xwing";
import { eachVectorFile } from "../vectors";
import { ROOM_SUITE_ANSWER } from "./roomSuiteAnswer";

type HpkeVector = {
  mode: number;
  kem_id: number;
  kdf_id: number;
  aead_id: number;
  info: string;
  ikmR: string;
  ikmE: string;
  skRm: string;
  pkRm: string;
  enc: string;
  shared_secret: string;
  key: string;
  base_nonce: string;
  exporter_secret: string;
  encryptions: { aad: string; ct: string; nonce: string; pt: string }[];
  exports: { exporter_context: string; L: number; exported_value: string }[];
};

const KEMS = [MLKEM768_X25519, DHKEM_X25519, DHKEM_P256];
const KDFS = [HKDF_SHA256, HKDF_SHA384];
const AEADS = [AES_128_GCM, AES_256_GCM, CHACHA20_POLY1305];

/** The parts that a vector names, or undefined where it names one that is not ours, or another mode than base. */
function suiteOfVector(vector: HpkeVector): HpkeSuite | undefined {
  const kem = KEMS.find(({ id }) => id === vector.kem_id);
  const kdf = KDFS.find(({ id }) => id === vector.kdf_id);
  const aead = AEADS.find(({ id }) => id === vector.aead_id);
  return vector.mode === 0 && kem && kdf && aead ? hpkeSuite(kem, kdf, aead) : undefined;
}

function check(suite: HpkeSuite, vector: HpkeVector): void {
  const info = scheduled(suite, fromHex(vector.info));
  const keys = suite.kem.deriveKeyPair(fromHex(vector.ikmR));
  expect(toHex(keys.privateKey)).toBe(vector.skRm);
  expect(toHex(keys.publicKey)).toBe(vector.pkRm);

  const encapsulated = suite.kem.encapsulate(keys.publicKey, fromHex(vector.ikmE));
  expect(toHex(encapsulated.kemOutput)).toBe(vector.enc);
  expect(toHex(encapsulated.sharedSecret)).toBe(vector.shared_secret);
  expect(toHex(suite.kem.decapsulate(fromHex(vector.enc), keys.privateKey))).toBe(vector.shared_secret);

  const sender = setupSender(suite, keys.publicKey, info, () => fromHex(vector.ikmE));
  expect(toHex(sender.kemOutput)).toBe(vector.enc);
  const receiver = setupReceiver(suite, keys.privateKey, fromHex(vector.enc), info);
  for (const context of [sender.context, receiver]) {
    expect(toHex(context.key())).toBe(vector.key);
    expect(toHex(context.baseNonce())).toBe(vector.base_nonce);
    expect(toHex(context.exporterSecret())).toBe(vector.exporter_secret);
  }

  expect(vector.encryptions[0]?.nonce).toBe(vector.base_nonce);
  for (const { aad, ct, nonce, pt } of vector.encryptions) {
    expect(toHex(suite.aead.seal(receiver.key(), fromHex(nonce), fromHex(aad), fromHex(pt)))).toBe(ct);
    expect(toHex(suite.aead.open(receiver.key(), fromHex(nonce), fromHex(aad), fromHex(ct)))).toBe(pt);
  }
  for (const { exporter_context: context, L, exported_value: expected } of vector.exports) {
    expect(toHex(receiver.exported(fromHex(context), L))).toBe(expected);
  }
}

eachVectorFile<HpkeVector>("hpke", (entries) => {
  let checked = 0;
  for (const entry of entries) {
    const suite = suiteOfVector(entry);
    if (suite === undefined) continue;
    check(suite, entry);
    checked++;
  }
  return { checked, outOfScope: entries.length - checked };
});

describe("the suite of rooms", () => {
  it("opens what another implementation sealed with HKDF-SHA384 and AES-256-GCM", () => {
    // The official entry for 0x647a has HKDF-SHA256 and ChaCha20Poly1305; this answer has the rooms' own three.
    const seed = Uint8Array.from({ length: 32 }, (_, i) => i);
    const sealed = fromHex(ROOM_SUITE_ANSWER);
    const ct = {
      kemOutput: sealed.slice(0, MLKEM768_X25519.kemOutputLength),
      ciphertext: sealed.slice(MLKEM768_X25519.kemOutputLength),
    };
    const privateKey = keyPairOfSeed(seed).privateKey;
    const opened = suiteOf(ROOM_SUITE).hpkeOpen(
      privateKey,
      ct,
      utf8("info of the room suite"),
      new Uint8Array(0),
    );
    expect(opened).toEqual(utf8("two of three doors"));
  });
});
