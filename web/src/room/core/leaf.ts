/** Leaf keys of this device: fresh for each room and each coming, certified by the identity key (E8). */

import { certificateWindow, certifyDevice } from "../../identity/certificate";
import { encodeCredential } from "../../identity/credential";
import { basicCredential, type Credential } from "../../mls/credential";
import { createKeyPackage, type KeyPackageSecrets } from "../../mls/keyPackage";
import { type KeyPair, roomSuite } from "../../mls/suite";
import { MAX_KEY_PACKAGE_LIFETIME } from "../leafRules";
import type { Env } from "./surface";

export type FreshLeaf = {
  readonly signature: KeyPair;
  readonly credential: Credential;
  /** Seconds since 1970, for the leaf's own lifetime. */
  readonly notBefore: bigint;
  readonly notAfter: bigint;
};

/** @param above the serial of the certificate that this leaf's takes over from; 0 where there is none */
export function freshLeaf({ me, serverNow, rng }: Env, above: number): FreshLeaf {
  const signature = roomSuite.signatureKeyPair(rng);
  const { notBefore, notAfter } = certificateWindow(serverNow);
  const seconds = BigInt(Math.floor(notBefore / 1000));
  const certificate = certifyDevice(me.identity, {
    deploymentId: me.deploymentId,
    deviceId: me.deviceId,
    leafKey: signature.publicKey,
    // E9: it never falls, also on a device that has lost what it knew.
    serial: Math.max(above, Math.floor(serverNow / 1000)),
    notBefore,
    notAfter,
  });
  return {
    signature,
    credential: basicCredential(encodeCredential(me.identity.chain, certificate)),
    notBefore: seconds,
    // E10: who is asked answers within days; the certificate lasts longer.
    notAfter: seconds + BigInt(MAX_KEY_PACKAGE_LIFETIME),
  };
}

export function freshKeyPackage(
  env: Env,
  above: number,
): { readonly bytes: Uint8Array; readonly secrets: KeyPackageSecrets } {
  const leaf = freshLeaf(env, above);
  return createKeyPackage(roomSuite, leaf, env.rng);
}
