/** A GroupOrigin that was stored is the same as before, and damage to it is the store's. */

import { describe, expect, it } from "vitest";
import { concat, equal, utf8 } from "../../src/bytes/bytes";
import { encodeCredential } from "../../src/mls/credential";
import { epochAuthenticator } from "../../src/mls/group";
import {
  branchGroup,
  type GroupOrigin,
  joinFromOrigin,
  originOf,
  type SameMember,
} from "../../src/mls/groupOrigin";
import { decodeOrigin, encodeOrigin } from "../../src/mls/originState";
import { ROOM_SUITE } from "../../src/mls/suite";
import { suiteOf } from "../../src/mls/suites";
import { codeOf } from "./randomWalk";
import { seededRng } from "./seededRng";
import { type Client, FOREVER, Person, roomExtensions, roomOf } from "./simulation";

const suite = suiteOf(ROOM_SUITE);
const rng = seededRng("origin state");
const [ada, ben] = roomOf(ROOM_SUITE, ["ada", "ben"], rng) as [Client, Client];
const origin = originOf(ada.group);
const ended: GroupOrigin = {
  ...origin,
  reinit: {
    type: "reinit",
    groupId: utf8("anew"),
    version: 1,
    suite: ROOM_SUITE,
    extensions: roomExtensions("anew"),
  },
};
const stored = (one: GroupOrigin): GroupOrigin => decodeOrigin(encodeOrigin(one));

describe("a stored origin", () => {
  it("comes back as it was stored", () => {
    for (const one of [origin, ended]) expect(stored(one)).toEqual(one);
  });

  it("E31: lets a case begin, on both sides", () => {
    const sameMember: SameMember = (old, present) =>
      equal(encodeCredential(old.credential), encodeCredential(present.credential));
    const founder = new Person(suite, "ada", rng);
    const { bytes, secrets, keyPackage } = new Person(suite, "ben", rng).keyPackage();
    const { signature, credential } = founder;
    const staged = branchGroup(stored(origin), {
      ...{ signature, credential, ...FOREVER, keyPackages: [keyPackage], sameMember, rng },
      ...{ suite, groupId: utf8("a case"), extensions: roomExtensions("case") },
      authenticatedData: new Uint8Array(0),
    });
    const { group } = joinFromOrigin({
      ...{ suite, welcome: staged.welcome!, keyPackage: bytes, secrets, sameMember },
      origins: () => stored(originOf(ben.group)),
    });
    expect(epochAuthenticator(group)).toEqual(epochAuthenticator(staged.next));
  });

  it("is damaged by the store's fault, wherever it is cut", () => {
    const data = encodeOrigin(ended);
    const read = (bytes: Uint8Array) => codeOf(() => decodeOrigin(bytes));
    for (let end = 0; end < data.length; end += 97) {
      expect(() => decodeOrigin(data.subarray(0, end))).toThrow(
        expect.objectContaining({ fault: "storage" }),
      );
    }
    expect(read(data.subarray(0, -1))).toBe("group_origin");
    expect(read(concat(data, utf8("x")))).toBe("group_origin");
    expect(read(Uint8Array.of(2, ...data.subarray(1)))).toBe("group_format");
    expect(read(encodeOrigin({ ...origin, psk: origin.psk.subarray(1) }))).toBe("group_secret");
    expect(read(encodeOrigin({ ...origin, context: { ...origin.context, suite: 1 } }))).toBe("group_origin");
  });
});
