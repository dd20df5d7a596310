/**
 * KeyPackages as a server might hand them out, honest and not, the same as in
 * tests/crypto/room/key_package_cases.py: what is asked for is the laptop of anna, by the keys that she is known by.
 */

import { expect } from "vitest";
import { concat, toHex } from "../../src/bytes/bytes";
import { revokeDevice } from "../../src/identity/certificate";
import { type Identity, supersedeIdentity } from "../../src/identity/identity";
import { readChain } from "../../src/identity/statement";
import { basicCredential } from "../../src/mls/credential";
import type { Extension } from "../../src/mls/extension";
import { createKeyPackage, type KeyPackageInput, keyPackageRef } from "../../src/mls/keyPackage";
import { type CipherSuite, roomSuite } from "../../src/mls/suite";
import { suiteOf } from "../../src/mls/suites";
import { judgeClaimed, MAX_KEY_PACKAGE, makeKeyPackage, type WantedDevice } from "../../src/room/keyPackages";
import { codeOf, DEPLOYMENT, device, id, NOW, seeded, someone, spoilt } from "../identity/people";

const DAY = 24 * 3_600_000;
export const STAMP = NOW + DAY;
const SECONDS = NOW / 1000;
const MONTH = 30 * 86_400;

const anna = someone("anna");
export const ANNA = anna.identity;
const RENEWED = supersedeIdentity(anna.identity, anna.keys, seeded("anna renewed"));

type Made = ReturnType<typeof createKeyPackage>;
type LeafChanges = Parameters<typeof device>[2] & {
  readonly identity?: Identity;
  readonly from?: number;
  readonly lasting?: number;
};

function leaf(who: string, { identity, from, lasting, ...certified }: LeafChanges = {}): KeyPackageInput {
  const made = device(identity ?? someone(who.split(" ")[0]!).identity, who, certified);
  const notBefore = from ?? SECONDS;
  return {
    signature: made.leafKey,
    credential: basicCredential(made.credential),
    notBefore: BigInt(notBefore),
    notAfter: BigInt(notBefore + (lasting ?? MONTH)),
  };
}

const make = (name: string, content: KeyPackageInput, lastResort = false): Made =>
  makeKeyPackage(content, lastResort, seeded(`key package ${name}`));

const byHand = (name: string, suite: CipherSuite, extensions: readonly Extension[] = []): Made =>
  createKeyPackage(suite, { ...leaf("anna laptop"), extensions }, seeded(`key package ${name}`));

export const MADE = {
  good: make("good", leaf("anna laptop")),
  last_resort: make("last_resort", leaf("anna laptop"), true),
  renewed: make("renewed", leaf("anna laptop", { identity: RENEWED })),
  other_person: make("other_person", leaf("ben laptop")),
  other_device: make("other_device", leaf("anna phone")),
  other_server: make("other_server", leaf("anna laptop", { deploymentId: id("elsewhere") })),
  other_suite: byHand("other_suite", suiteOf(1)),
  long: make("long", leaf("anna laptop", { lasting: MONTH + 86_400 + 1 })),
  certificate_over: make("certificate_over", leaf("anna laptop", { notAfter: STAMP - 1 })),
  future: make("future", leaf("anna laptop", { from: SECONDS + 2 * 86_400 })),
  mark_with_data: byHand("mark_with_data", roomSuite, [{ type: 0x000a, data: Uint8Array.of(1) }]),
} as const;

export type Case = {
  readonly name: string;
  readonly data: Uint8Array;
  /** The code of the check that it does not pass, or what it is taken for. */
  readonly verdict: string;
  readonly identity?: Identity;
  readonly now?: number;
  readonly revocations?: readonly Uint8Array[];
  readonly seen?: ReadonlySet<string>;
};

const refOf = (name: keyof typeof MADE): string => toHex(keyPackageRef(roomSuite, MADE[name].bytes));

/** The type of the mark changed to that of nothing. */
function unmarked(): Uint8Array {
  const out = MADE.last_resort.bytes.slice();
  let at = out.length - 3;
  while (out[at] !== 0 || out[at + 1] !== 0x0a || out[at + 2] !== 0) at -= 1;
  out[at + 1] = 0x0b;
  return out;
}

function cases(): readonly Case[] {
  const good = MADE.good.bytes;
  const lost = revokeDevice(ANNA, id("device anna laptop"), 1);
  const others = revokeDevice(ANNA, id("device anna phone"), 1);
  const end = (SECONDS + MONTH) * 1000;
  return [
    { name: "good", data: good, verdict: "single" },
    { name: "good to the last second", data: good, verdict: "single", now: end + 999 },
    { name: "good beside what others are revoked for", data: good, verdict: "single", revocations: [others] },
    { name: "last resort", data: MADE.last_resort.bytes, verdict: "last_resort" },
    {
      name: "last resort once more",
      data: MADE.last_resort.bytes,
      verdict: "last_resort",
      seen: new Set([refOf("last_resort")]),
    },
    { name: "a newer identity key, known", data: MADE.renewed.bytes, verdict: "single", identity: RENEWED },
    // THREATS 2: swapped.
    { name: "another person", data: MADE.other_person.bytes, verdict: "key_package_account" },
    { name: "another device", data: MADE.other_device.bytes, verdict: "key_package_device" },
    { name: "another server", data: MADE.other_server.bytes, verdict: "deployment" },
    {
      name: "another identity key than the known one",
      data: MADE.renewed.bytes,
      verdict: "key_package_identity",
    },
    {
      name: "an identity key that was superseded",
      data: good,
      verdict: "key_package_identity",
      identity: RENEWED,
    },
    // E1: no other suite, whoever signed it.
    { name: "another suite", data: MADE.other_suite.bytes, verdict: "v401_key_package_suite" },
    // THREATS 3: stale, and again.
    { name: "over by a second", data: good, verdict: "key_package_expired", now: end + 1000 },
    { name: "not yet", data: MADE.future.bytes, verdict: "key_package_expired" },
    { name: "before its certificate", data: good, verdict: "not_yet_valid", now: NOW - 1000 },
    { name: "valid for too long", data: MADE.long.bytes, verdict: "key_package_lifetime" },
    { name: "its certificate is over", data: MADE.certificate_over.bytes, verdict: "expired" },
    { name: "revoked", data: good, verdict: "revoked", revocations: [others, lost] },
    { name: "once more", data: good, verdict: "key_package_seen", seen: new Set([refOf("good")]) },
    // Altered on its way.
    { name: "a bit of its signature", data: spoilt(good, -1), verdict: "v402_key_package_signature" },
    { name: "a bit of its init key", data: spoilt(good, 10), verdict: "v402_key_package_signature" },
    { name: "the mark taken away", data: unmarked(), verdict: "v402_key_package_signature" },
    { name: "a mark with data", data: MADE.mark_with_data.bytes, verdict: "last_resort" },
    { name: "cut", data: good.slice(0, -1), verdict: "decode" },
    { name: "longer", data: concat(good, new Uint8Array(1)), verdict: "decode" },
    { name: "nothing", data: new Uint8Array(), verdict: "decode" },
    { name: "too large", data: new Uint8Array(MAX_KEY_PACKAGE + 1), verdict: "decode" },
  ];
}

export const CASES = cases();

export function wantedBy(identity: Identity): WantedDevice {
  const { accountId, identityKey, serial, roots } = readChain(identity.chain);
  return { deviceId: id("device anna laptop"), accountId, identityKey, identitySerial: serial, roots };
}

/** What this program says of it. */
export function verdictOf({
  data,
  identity = ANNA,
  now = STAMP,
  revocations = [],
  seen = new Set(),
}: Case): string {
  let taken: string | null = null;
  const code = codeOf(() => {
    const claimed = judgeClaimed(data, wantedBy(identity), {
      deploymentId: DEPLOYMENT,
      now,
      revocations,
      seen,
    });
    expect(claimed.ref).toEqual(keyPackageRef(roomSuite, data));
    expect(claimed.identity.deviceId).toEqual(id("device anna laptop"));
    expect(claimed.notAfter).toBe((SECONDS + MONTH) * 1000);
    taken = claimed.lastResort ? "last_resort" : "single";
  });
  return taken ?? code;
}
