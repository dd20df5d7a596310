/** People and devices with fixed keys, and the bytes of their statements written out by hand, so that a test can break one thing. */

import { sha256 } from "@noble/hashes/sha2.js";
import { expect } from "vitest";
import { concat, type Rng, u32, utf8 } from "../../src/bytes/bytes";
import { identifyLeaf } from "../../src/identity/authService";
import { certifyDevice, MAX_CERTIFICATE_LIFETIME } from "../../src/identity/certificate";
import { encodeCredential, type LeafIdentity } from "../../src/identity/credential";
import { type Identity, newIdentity } from "../../src/identity/identity";
import { newRecoveryCode } from "../../src/identity/recoveryCode";
import { type RootKeys, rootKeys } from "../../src/identity/rootKeys";
import * as ed25519 from "../../src/mls/ed25519";
import type { KeyPair } from "../../src/mls/kem";

/** Random bytes that are the same at every run. */
export function seeded(name: string): Rng {
  let blocks = 0;
  return (length) => {
    const parts = [];
    for (let made = 0; made < length; made += 32) parts.push(sha256(concat(utf8(name), u32(blocks++))));
    return concat(...parts).slice(0, length);
  };
}

export const id = (name: string): Uint8Array => seeded(`id ${name}`)(16);
export const keyPair = (name: string): KeyPair => ed25519.generate(seeded(`key ${name}`));
export const NOW = 1_800_000_000_000;
export const DEPLOYMENT = id("deployment");

export type Someone = { readonly code: Uint8Array; readonly keys: RootKeys; readonly identity: Identity };

export function someone(name: string): Someone {
  const code = newRecoveryCode(seeded(`code ${name}`));
  const keys = rootKeys(code);
  return { code, keys, identity: newIdentity(keys, seeded(`identity ${name}`)) };
}

export type Lifetime = { readonly notBefore: number; readonly notAfter: number };
export const LIFETIME: Lifetime = { notBefore: NOW, notAfter: NOW + MAX_CERTIFICATE_LIFETIME };

export type Device = {
  readonly leafKey: KeyPair;
  readonly deviceId: Uint8Array;
  readonly certificate: Uint8Array;
  readonly credential: Uint8Array;
};

export function device(
  identity: Identity,
  name: string,
  changes: Partial<Lifetime & { serial: number; leafKey: KeyPair; deploymentId: Uint8Array }> = {},
): Device {
  const leafKey = changes.leafKey ?? keyPair(`leaf ${name}`);
  const deviceId = id(`device ${name}`);
  const certificate = certifyDevice(identity, {
    deploymentId: changes.deploymentId ?? DEPLOYMENT,
    deviceId,
    leafKey: leafKey.publicKey,
    serial: changes.serial ?? 1,
    notBefore: changes.notBefore ?? LIFETIME.notBefore,
    notAfter: changes.notAfter ?? LIFETIME.notAfter,
  });
  return { leafKey, deviceId, certificate, credential: encodeCredential(identity.chain, certificate) };
}

export function leafOf(
  identity: Identity,
  name: string,
  changes: Parameters<typeof device>[2] = {},
): LeafIdentity {
  const made = device(identity, name, changes);
  return identifyLeaf(made.credential, made.leafKey.publicKey);
}

/** Flip one bit. */
export function spoilt(bytes: Uint8Array, at: number): Uint8Array {
  const out = bytes.slice();
  out[at < 0 ? out.length + at : at]! ^= 1;
  return out;
}

export function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(Error);
    return (error as { code: string }).code;
  }
  return "nothing was thrown";
}
