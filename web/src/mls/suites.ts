/** Every cipher suite that this program knows (RFC 9420 §17.1): that of rooms, and three for vectors and interoperability. */

import { AES_128_GCM, CHACHA20_POLY1305 } from "./aead";
import { DHKEM_P256, DHKEM_X25519 } from "./dhkem";
import { HKDF_SHA256 } from "./kdf";
import { ECDSA_P256, ED25519 } from "./signature";
import { type CipherSuite, cipherSuite, roomSuite, type SuiteLookup, unknownSuite } from "./suite";

/** Suites 1 to 3 never open a room (E1), so this module is not part of the browser client's build. */
const SUITES: ReadonlyMap<number, CipherSuite> = new Map(
  [
    roomSuite,
    cipherSuite({
      id: 0x0001,
      name: "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519",
      kem: DHKEM_X25519,
      kdf: HKDF_SHA256,
      aead: AES_128_GCM,
      signature: ED25519,
    }),
    cipherSuite({
      id: 0x0002,
      name: "MLS_128_DHKEMP256_AES128GCM_SHA256_P256",
      kem: DHKEM_P256,
      kdf: HKDF_SHA256,
      aead: AES_128_GCM,
      signature: ECDSA_P256,
    }),
    cipherSuite({
      id: 0x0003,
      name: "MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519",
      kem: DHKEM_X25519,
      kdf: HKDF_SHA256,
      aead: CHACHA20_POLY1305,
      signature: ED25519,
    }),
  ].map((suite) => [suite.id, suite]),
);

/** @throws SuiteError */
export const suiteOf: SuiteLookup = (id) => {
  const suite = SUITES.get(id);
  if (suite === undefined) throw unknownSuite(id);
  return suite;
};
