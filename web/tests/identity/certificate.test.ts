import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concat, toHex, u32, u64 } from "../../src/bytes/bytes";
import {
  certificateWindow,
  certifyDevice,
  MAX_CERTIFICATE_LIFETIME,
  readCertificate,
  readRevocation,
  revokeDevice,
  revokes,
} from "../../src/identity/certificate";
import { AsError } from "../../src/identity/errors";
import * as ed25519 from "../../src/mls/ed25519";
import { UsageError } from "../../src/mls/errors";
import { signContent } from "../../src/mls/signLabel";
import { codeOf, DEPLOYMENT, device, id, keyPair, LIFETIME, leafOf, NOW, someone, spoilt } from "./people";

const { identity: ANNA } = someone("anna");
const { identity: BEN } = someone("ben");
const LAPTOP = device(ANNA, "laptop");
const DAY = 86_400_000;

/** A certificate written out by hand and signed, so that its fields may be anything. */
function certificate(changes: { notBefore?: number | bigint; notAfter?: number | bigint; label?: string }) {
  const content = concat(
    Uint8Array.of(1),
    DEPLOYMENT,
    ANNA.accountId,
    ANNA.identityKey.publicKey,
    id("device laptop"),
    keyPair("leaf laptop").publicKey,
    u32(1),
    u64(changes.notBefore ?? LIFETIME.notBefore),
    u64(changes.notAfter ?? LIFETIME.notAfter),
  );
  const label = changes.label ?? "Collegium 1.0 device";
  return concat(content, ed25519.sign(ANNA.identityKey.privateKey, signContent(label, content)));
}

describe("e8: device certificates", () => {
  it("its bytes, signed by the identity key over label and content (E5)", () => {
    expect(toHex(LAPTOP.certificate)).toBe(toHex(certificate({})));
    expect(readCertificate(LAPTOP.certificate)).toEqual({
      deploymentId: DEPLOYMENT,
      accountId: ANNA.accountId,
      identityKey: ANNA.identityKey.publicKey,
      deviceId: id("device laptop"),
      leafKey: keyPair("leaf laptop").publicKey,
      serial: 1,
      ...LIFETIME,
    });
  });

  it("its signature holds, under its own label", () => {
    expect(codeOf(() => readCertificate(spoilt(LAPTOP.certificate, -1)))).toBe("certificate_signature");
    for (let at = 1; at < LAPTOP.certificate.length - 64; at += 16) {
      expect(codeOf(() => readCertificate(spoilt(LAPTOP.certificate, at)))).not.toBe("nothing was thrown");
    }
    const otherwise = certificate({ label: "Collegium 1.0 revocation" });
    expect(codeOf(() => readCertificate(otherwise))).toBe("certificate_signature");
  });

  it("lasts at most 180 days", () => {
    expect(MAX_CERTIFICATE_LIFETIME).toBe(180 * DAY);
    expect(readCertificate(certificate({ notAfter: NOW + 180 * DAY })).notAfter).toBe(NOW + 180 * DAY);
    expect(codeOf(() => readCertificate(certificate({ notAfter: NOW + 180 * DAY + 1 })))).toBe(
      "certificate_lifetime",
    );
    expect(() => device(ANNA, "long", { notAfter: NOW + 180 * DAY + 1 })).toThrow(UsageError);
  });

  it("does not end before it begins", () => {
    expect(codeOf(() => readCertificate(certificate({ notAfter: NOW - 1 })))).toBe("certificate_lifetime");
    expect(() => device(ANNA, "short", { notAfter: NOW - 1 })).toThrow(UsageError);
  });

  it("times are numbers that JavaScript holds exactly", () => {
    const late = 2n ** 53n;
    expect(codeOf(() => readCertificate(certificate({ notBefore: late, notAfter: late })))).toBe("malformed");
  });

  it("other versions, missing bytes and bytes that follow are refused", () => {
    const other = LAPTOP.certificate.slice();
    other[0] = 2;
    const cut = LAPTOP.certificate.slice(0, -1);
    for (const bad of [other, cut, concat(LAPTOP.certificate, Uint8Array.of(0)), new Uint8Array(1000)]) {
      expect(codeOf(() => readCertificate(bad))).toBe("malformed");
    }
  });

  it("a certificate made now holds also for those whose clock is behind", () => {
    const { notBefore, notAfter } = certificateWindow(NOW);
    expect([NOW - notBefore, notAfter - notBefore]).toEqual([DAY, MAX_CERTIFICATE_LIFETIME]);
    expect(certificateWindow(5).notBefore).toBe(0);
    expect(() => device(ANNA, "now", certificateWindow(NOW))).not.toThrow();
  });

  it("fields of another size, and serials that are none, are our own mistake", () => {
    const fields = {
      deploymentId: DEPLOYMENT,
      deviceId: id("d"),
      leafKey: keyPair("l").publicKey,
      serial: 1,
    };
    for (const wrong of [{ deviceId: new Uint8Array(15) }, { leafKey: new Uint8Array(31) }, { serial: -1 }]) {
      expect(() => certifyDevice(ANNA, { ...fields, ...LIFETIME, ...wrong })).toThrow(UsageError);
    }
  });

  it("invariant: any bytes are a certificate or raise AsError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 190, maxLength: 220 }), (bytes) => {
        bytes[0] = 1;
        expect(() => readCertificate(bytes)).toThrow(AsError);
        expect(() => readRevocation(bytes)).toThrow(AsError);
      }),
      { seed: 8, numRuns: 200 },
    );
  });
});

describe("e9: revocation statements", () => {
  const leaf = leafOf(ANNA, "laptop", { serial: 3 });
  const statement = (serial = 3, name = "laptop") => revokeDevice(ANNA, id(`device ${name}`), serial);

  it("its bytes, signed by the identity key under a label of its own", () => {
    const content = concat(
      Uint8Array.of(1),
      ANNA.accountId,
      ANNA.identityKey.publicKey,
      id("device laptop"),
      u32(3),
    );
    const signature = ed25519.sign(
      ANNA.identityKey.privateKey,
      signContent("Collegium 1.0 revocation", content),
    );
    expect(toHex(statement())).toBe(toHex(concat(content, signature)));
    expect(codeOf(() => readRevocation(spoilt(statement(), -1)))).toBe("revocation_signature");
    expect(codeOf(() => readRevocation(spoilt(statement(), 20)))).toBe("revocation_signature");
    const otherwise = ed25519.sign(ANNA.identityKey.privateKey, signContent("Collegium 1.0 device", content));
    expect(codeOf(() => readRevocation(concat(content, otherwise)))).toBe("revocation_signature");
    expect(codeOf(() => readRevocation(statement().slice(1)))).toBe("malformed");
  });

  it("voids the device's certificates up to its serial, and no later one", () => {
    expect(revokes(readRevocation(statement(3)), leaf)).toBe(true);
    expect(revokes(readRevocation(statement(4)), leaf)).toBe(true);
    expect(revokes(readRevocation(statement(2)), leaf)).toBe(false);
  });

  it("voids no other device, no other account, and nothing under another identity key", () => {
    expect(revokes(readRevocation(statement(3, "phone")), leaf)).toBe(false);
    // Ben signs a statement that names Anna's account, and Anna's that names hers under Ben's key.
    const bensClaim = revokeDevice({ ...BEN, accountId: ANNA.accountId }, leaf.deviceId, 3);
    expect(revokes(readRevocation(bensClaim), leaf)).toBe(false);
    const wrongAccount = revokeDevice({ ...ANNA, accountId: BEN.accountId }, leaf.deviceId, 3);
    expect(revokes(readRevocation(wrongAccount), leaf)).toBe(false);
  });
});
