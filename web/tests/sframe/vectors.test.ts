import { expect } from "vitest";
import { concat, fromHex, toHex, utf8 } from "../../src/bytes/bytes";
import { decodeHeader, encodeHeader } from "../../src/sframe/header";
import { sframeSecret } from "../../src/sframe/keyDerivation";
import { keyAndNonce, protect, unprotect } from "../../src/sframe/protect";
import { sframeSuite } from "../../src/sframe/suites";
import { eachVectorFile } from "../vectors";

type HeaderVector = { kid: number | bigint; ctr: number | bigint; encoded: string };
type CtrHmacVector = {
  cipher_suite: number;
  key: string;
  enc_key: string;
  auth_key: string;
  nonce: string;
  aad: string;
  pt: string;
  ct: string;
};
type SframeVector = {
  cipher_suite: number;
  kid: number | bigint;
  ctr: number | bigint;
  base_key: string;
  sframe_key_label: string;
  sframe_salt_label: string;
  sframe_secret: string;
  sframe_key: string;
  sframe_salt: string;
  metadata: string;
  nonce: string;
  aad: string;
  pt: string;
  ct: string;
};
type SframeFile = {
  header?: HeaderVector[];
  aes_ctr_hmac?: CtrHmacVector[];
  sframe?: SframeVector[];
  // AES-256 with HMAC is no suite of RFC 9605.
  aes_256_ctr_hmac?: CtrHmacVector[];
  sframe_aes_256_ctr_hmac?: SframeVector[];
};

const LAST_SUITE = 5;

function checkHeader({ kid, ctr, encoded }: HeaderVector): void {
  expect(toHex(encodeHeader(BigInt(kid), BigInt(ctr)))).toBe(encoded);
  const decoded = decodeHeader(concat(fromHex(encoded), utf8("what follows")));
  expect(decoded).toEqual({ kid: BigInt(kid), ctr: BigInt(ctr), length: encoded.length / 2 });
}

function checkCtrHmac(vector: CtrHmacVector): void {
  expect(vector.key).toBe(vector.enc_key + vector.auth_key);
  const { seal, open } = sframeSuite(vector.cipher_suite);
  const [key, nonce, aad] = [fromHex(vector.key), fromHex(vector.nonce), fromHex(vector.aad)];
  expect(toHex(seal(key, nonce, aad, fromHex(vector.pt)))).toBe(vector.ct);
  expect(toHex(open(key, nonce, aad, fromHex(vector.ct)))).toBe(vector.pt);
}

function checkSframe(vector: SframeVector): void {
  const suite = sframeSuite(vector.cipher_suite);
  const [kid, ctr, baseKey] = [BigInt(vector.kid), BigInt(vector.ctr), fromHex(vector.base_key)];
  const metadata = fromHex(vector.metadata);
  expect(toHex(sframeSecret(suite, baseKey))).toBe(vector.sframe_secret);
  const { key, salt, nonce } = keyAndNonce(suite, baseKey, kid, ctr);
  expect(toHex(key)).toBe(vector.sframe_key);
  expect(toHex(salt)).toBe(vector.sframe_salt);
  expect(toHex(nonce)).toBe(vector.nonce);
  expect(toHex(encodeHeader(kid, ctr)) + vector.metadata).toBe(vector.aad);
  expect(toHex(protect(suite, baseKey, kid, ctr, metadata, fromHex(vector.pt)))).toBe(vector.ct);
  const opened = unprotect(suite, () => baseKey, metadata, fromHex(vector.ct));
  expect({ ...opened, plaintext: toHex(opened.plaintext) }).toEqual({ kid, ctr, plaintext: vector.pt });
}

eachVectorFile<SframeFile>("sframe", (files) => {
  let checked = 0;
  let outOfScope = 0;
  for (const file of files) {
    for (const vector of file.header ?? []) {
      checkHeader(vector);
      checked++;
    }
    for (const vector of [...(file.aes_ctr_hmac ?? []), ...(file.aes_256_ctr_hmac ?? [])]) {
      if (vector.cipher_suite > LAST_SUITE) outOfScope++;
      else {
        checkCtrHmac(vector);
        checked++;
      }
    }
    for (const vector of [...(file.sframe ?? []), ...(file.sframe_aes_256_ctr_hmac ?? [])]) {
      if (vector.cipher_suite > LAST_SUITE) outOfScope++;
      else {
        checkSframe(vector);
        checked++;
      }
    }
  }
  return { checked, outOfScope };
});
