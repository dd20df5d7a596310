/** The key schedule of RFC 9420 §8: from one epoch's init secret to all secrets of the next. Pure functions. */

import { EMPTY, wipe } from "../bytes/bytes";
import type { CipherSuite, KeyPair } from "./suite";

/** What an epoch's members share. `encryption` feeds the secret tree once and is then wiped. */
export type EpochSecrets = Readonly<{
  senderData: Uint8Array;
  encryption: Uint8Array;
  exporter: Uint8Array;
  external: Uint8Array;
  confirmation: Uint8Array;
  membership: Uint8Array;
  resumption: Uint8Array;
  authenticator: Uint8Array;
  init: Uint8Array;
}>;

/** The all-zero vector of KDF.Nh bytes: no path, or no PSK. */
export function zeroSecret(suite: CipherSuite): Uint8Array {
  return new Uint8Array(suite.nh);
}

/** @param groupContext the encoded GroupContext of the epoch that begins */
export function joinerSecret(
  suite: CipherSuite,
  initSecret: Uint8Array,
  commitSecret: Uint8Array,
  groupContext: Uint8Array,
): Uint8Array {
  const extracted = suite.extract(initSecret, commitSecret);
  const secret = suite.expandWithLabel(extracted, "joiner", groupContext, suite.nh);
  wipe(extracted);
  return secret;
}

/** What a Welcome's GroupInfo is encrypted under (RFC 9420 §12.4.3.1). */
export function welcomeSecret(suite: CipherSuite, joiner: Uint8Array, pskSecret: Uint8Array): Uint8Array {
  const extracted = suite.extract(joiner, pskSecret);
  const secret = suite.deriveSecret(extracted, "welcome");
  wipe(extracted);
  return secret;
}

export function epochSecret(
  suite: CipherSuite,
  joiner: Uint8Array,
  pskSecret: Uint8Array,
  groupContext: Uint8Array,
): Uint8Array {
  const extracted = suite.extract(joiner, pskSecret);
  const secret = suite.expandWithLabel(extracted, "epoch", groupContext, suite.nh);
  wipe(extracted);
  return secret;
}

/** All secrets of an epoch. The caller wipes `epochSecret`. */
export function epochSecrets(suite: CipherSuite, epochSecret: Uint8Array): EpochSecrets {
  const derive = (label: string): Uint8Array => suite.deriveSecret(epochSecret, label);
  return {
    senderData: derive("sender data"),
    encryption: derive("encryption"),
    exporter: derive("exporter"),
    external: derive("external"),
    confirmation: derive("confirm"),
    membership: derive("membership"),
    resumption: derive("resumption"),
    authenticator: derive("authentication"),
    init: derive("init"),
  };
}

/** MLS-Exporter (RFC 9420 §8.5). The label whole, as the application gives it. */
export function exporter(
  suite: CipherSuite,
  exporterSecret: Uint8Array,
  label: string,
  context: Uint8Array,
  length: number,
): Uint8Array {
  const derived = suite.deriveSecret(exporterSecret, label);
  const secret = suite.expandWithLabel(derived, "exported", suite.hash(context), length);
  wipe(derived);
  return secret;
}

/** The key pair that the whole group holds, for external commits (RFC 9420 §8). */
export function externalKeyPair(suite: CipherSuite, externalSecret: Uint8Array): KeyPair {
  return suite.deriveKeyPair(externalSecret);
}

/**
 * The init secret that an external commit brings (RFC 9420 §8.3).
 * @throws KeyError when the KEM output is not one
 */
export function receiveExternalInit(
  suite: CipherSuite,
  externalSecret: Uint8Array,
  kemOutput: Uint8Array,
): Uint8Array {
  const { privateKey } = externalKeyPair(suite, externalSecret);
  const secret = suite.hpkeExportReceiver(privateKey, kemOutput, EMPTY, EXTERNAL_INIT, suite.nh);
  wipe(privateKey);
  return secret;
}

const EXTERNAL_INIT = new TextEncoder().encode("MLS 1.0 external init secret");
