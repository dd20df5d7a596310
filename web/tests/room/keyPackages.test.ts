import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { sha256 } from "@noble/hashes/sha2.js";
import { describe, expect, it, test } from "vitest";
import { EMPTY, toHex } from "../../src/bytes/bytes";
import { ownCapabilities } from "../../src/mls/capabilities";
import { encodeMlsMessage } from "../../src/mls/mlsMessage";
import { ROOM_SUITE, roomSuite } from "../../src/mls/suite";
import { judgeClaimed, LAST_RESORT, welcomedRefs } from "../../src/room/keyPackages";
import { codeOf, DEPLOYMENT } from "../identity/people";
import { ANNA, CASES, MADE, STAMP, verdictOf, wantedBy } from "./keyPackageCases";

const FILE = join(dirname(fileURLToPath(import.meta.url)), "../../../tests/agreement/key_packages.json");

describe("E1, E9, E10; THREATS 2, 3: what a server hands out as a device's KeyPackage", () => {
  test.each(CASES.map((one) => [one.name, one] as const))("%s", (_, one) => {
    expect(verdictOf(one)).toBe(one.verdict);
  });

  it("E7 is not by an older statement than the known one", () => {
    const wanted = { ...wantedBy(ANNA), identitySerial: 2 };
    const at = { deploymentId: DEPLOYMENT, now: STAMP, revocations: [], seen: new Set<string>() };
    expect(codeOf(() => judgeClaimed(MADE.good.bytes, wanted, at))).toBe("identity_older");
  });

  it("is the same bytes in every language, and judged the same", async () => {
    const made = Object.entries(MADE).map(([name, { bytes, secrets }]) => [
      name,
      { data: toHex(bytes), init: toHex(secrets.initPrivateKey) },
    ]);
    const cases = CASES.map((one) => ({
      case: one.name,
      hash: toHex(sha256(one.data)),
      verdict: verdictOf(one),
    }));
    const written = `${JSON.stringify({ made: Object.fromEntries(made), cases }, null, 1)}\n`;
    await expect(written).toMatchFileSnapshot(FILE);
  });

  it("has its mark in one KeyPackage and lists it in every leaf (RFC 9420 §10)", () => {
    const marked = MADE.last_resort.keyPackage;
    expect(marked.extensions).toContainEqual(LAST_RESORT);
    expect(MADE.good.keyPackage.extensions).not.toContainEqual(LAST_RESORT);
    for (const { leafNode } of [marked, MADE.good.keyPackage]) {
      const { extensions } = leafNode.capabilities;
      expect(extensions).toContain(LAST_RESORT.type);
      // E13: GREASE, beside what rooms need.
      expect(extensions.length).toBeGreaterThan(ownCapabilities(roomSuite).extensions.length + 1);
    }
  });

  it("is named by a Welcome alone", () => {
    const message = encodeMlsMessage({ type: "key_package", keyPackage: MADE.good.keyPackage });
    expect(codeOf(() => welcomedRefs(message))).toBe("v700_not_a_welcome");
    const refs = [new Uint8Array(48), new Uint8Array(48).fill(1)];
    const encrypted = { kemOutput: EMPTY, ciphertext: EMPTY };
    const secrets = refs.map((newMember) => ({ newMember, encrypted }));
    const welcome = { suite: ROOM_SUITE, secrets, encryptedGroupInfo: EMPTY };
    expect(welcomedRefs(encodeMlsMessage({ type: "welcome", welcome }))).toEqual(refs);
  });
});
