/** New key pairs for HPKE. */

import { type Rng, wipe } from "../bytes/bytes";
import { draw, type KeyPair } from "./kem";
import type { CipherSuite } from "./suite";

/** From KDF.Nh fresh random bytes, which are wiped: at least as many as any KEM here takes. */
export function freshHpkeKeys(suite: CipherSuite, rng: Rng): KeyPair {
  const seed = draw(rng, suite.nh);
  const keys = suite.deriveKeyPair(seed);
  wipe(seed);
  return keys;
}
