import { describe, expect, it } from "vitest";
import { ROSTER_DIGITS, rosterCode, rosterCodeAsync, rosterCodeGroups } from "../../src/identity/rosterCode";
import { UsageError } from "../../src/mls/errors";
import { someone, spoilt } from "./people";

const roster = ["anna", "ben", "cleo"].map((name) => {
  const { accountId, rootKey } = someone(name).identity;
  return { accountId, rootKey };
});
const [anna, ben, cleo] = roster as [RosterEntry, RosterEntry, RosterEntry];
type RosterEntry = (typeof roster)[number];
const CODE = rosterCode(roster);

describe("e12: the roster code", () => {
  it("is thirty digits, read in groups of five", () => {
    expect(CODE).toMatch(/^\d{30}$/);
    expect(rosterCodeGroups(CODE)).toHaveLength(6);
    expect(rosterCodeGroups(CODE).join("")).toBe(CODE);
    expect(rosterCodeGroups("0".repeat(ROSTER_DIGITS)).every((group) => group === "00000")).toBe(true);
  });

  it("keeps zeros at its beginning", () => {
    expect(rosterCode([someone("zero 0").identity])).toBe("048042088515584030641048003462");
  });

  it("does not depend on the order in which a device lists people, nor on the way it is computed", async () => {
    const parts: number[] = [];
    expect(await rosterCodeAsync([cleo, anna, ben], (part) => parts.push(part))).toBe(CODE);
    expect(parts.at(-1)).toBe(1);
  });

  it("changes with one bit of a root key, with one account more, and with one less", () => {
    const codes = [
      CODE,
      rosterCode([anna, { ...ben, rootKey: spoilt(ben.rootKey, 31) }, cleo]),
      rosterCode([anna, ben]),
      rosterCode([...roster, someone("dora").identity]),
      // The same keys, exchanged between two accounts.
      rosterCode([{ ...anna, rootKey: ben.rootKey }, { ...ben, rootKey: anna.rootKey }, cleo]),
    ];
    expect(new Set(codes).size).toBe(codes.length);
  });

  it("nobody, somebody twice, and keys of another size are our own mistake", () => {
    for (const wrong of [
      [],
      [anna, ben, anna],
      [{ ...anna, rootKey: new Uint8Array(31) }],
      [{ ...anna, accountId: new Uint8Array(17) }],
    ]) {
      expect(() => rosterCode(wrong)).toThrow(UsageError);
    }
  });
});
