/** With the platform's curves everything is as it is without: the same bytes, the same refusals, and nothing believed is left behind. */

import { ed25519 as noble } from "@noble/curves/ed25519.js";
import { describe, expect, it } from "vitest";
import { fromHex, type Rng, toHex, utf8 } from "../../src/bytes/bytes";
import { identifyLeaf } from "../../src/identity/authService";
import { ahead, aheadBy } from "../../src/mls/ahead";
import { protectApplication, unprotect } from "../../src/mls/application";
import { completeCommit } from "../../src/mls/completeCommit";
import * as ed25519 from "../../src/mls/ed25519";
import { epochAuthenticator, type Group } from "../../src/mls/group";
import { joinByWelcome } from "../../src/mls/joinGroup";
import { judgeCommit } from "../../src/mls/judgeCommit";
import { decodeKeyPackage } from "../../src/mls/keyPackage";
import { examine, type PlatformCurves, platformCurves } from "../../src/mls/platformCurves";
import { stageCommit } from "../../src/mls/stageCommit";
import { suiteOf } from "../../src/mls/suites";
import { agreedOn, computedOnce, signatureOf, Trial, verdictOf, whenCertain } from "../../src/mls/trial";
import { x25519Ephemeral } from "../../src/mls/x25519";
import { device, someone, spoilt } from "../identity/people";
import { edgeCases } from "./ed25519Cases";
import { codeOf } from "./randomWalk";
import { seededRng } from "./seededRng";
import { add, Person } from "./simulation";

const curves = (await platformCurves())!;

/** Counts what it is asked, and answers as `by` does. */
class Counted implements PlatformCurves {
  asked = 0;
  constructor(readonly by: PlatformCurves = curves) {}
  holds: PlatformCurves["holds"] = (question) => {
    this.asked += 1;
    return this.by.holds(question);
  };
  agree: PlatformCurves["agree"] = (question) => {
    this.asked += 1;
    return this.by.agree(question);
  };
  sign: PlatformCurves["sign"] = (question) => {
    this.asked += 1;
    return this.by.sign(question);
  };
}

const SILENT: PlatformCurves = {
  holds: async () => false,
  agree: async () => null,
  sign: async () => null,
};

type Run = <T>(rng: Rng, run: (rng: Rng) => T) => Promise<T>;
const plainly: Run = async (rng, run) => run(rng);
const by =
  (platform: PlatformCurves): Run =>
  (rng, run) =>
    aheadBy(platform, rng, run);

/** Everything that leaves a device and what the members agree on, of a group of five in its first three epochs. */
async function story(suiteId: number, run: Run): Promise<string[]> {
  const rng = seededRng(`ahead ${suiteId}`);
  const people = ["ada", "ben", "cleo", "dan", "eva"].map((name) => new Person(suiteOf(suiteId), name, rng));
  const founded = people[0]!.found().group;
  const packages = people.slice(1).map((person) => person.keyPackage());
  const commit = (group: Group, proposals: Parameters<typeof add>[0][] = []) =>
    run(rng, (own) =>
      stageCommit(group, { proposals: proposals.map(add), authenticatedData: utf8("id"), rng: own }),
    );
  const follow = (group: Group, message: Uint8Array) =>
    run(rng, () => {
      const opened = unprotect(group, message);
      return completeCommit(opened.group, judgeCommit(opened.group, opened, [])).next;
    });
  const added = await commit(
    founded,
    packages.map(({ bytes }) => decodeKeyPackage(bytes)),
  );
  let groups = [added.next];
  for (const { bytes, secrets } of packages) {
    const { suite } = people[0]!;
    const input = { suite, welcome: added.welcome!, keyPackage: bytes, secrets };
    groups.push((await run(rng, () => joinByWelcome(input))).group);
  }
  const out = [toHex(added.message), toHex(added.welcome!)];
  for (const author of [3, 1]) {
    const { message, next } = await commit(groups[author]!);
    const all = [];
    for (const [i, group] of groups.entries()) all.push(i === author ? next : await follow(group, message));
    groups = all;
    out.push(toHex(message), ...groups.map((group) => toHex(epochAuthenticator(group))));
  }
  const input = { data: utf8("hello"), authenticatedData: utf8("id"), paddedTo: 64 };
  const sent = await run(rng, (own) => protectApplication(groups[0]!, { ...input, rng: own }));
  const opened = await run(rng, () => unprotect(groups[4]!, sent.message));
  out.push(toHex(sent.message), JSON.stringify(opened.content), toHex(rng(8)));
  return out;
}

describe("the same comes out", () => {
  for (const suite of [1, 2, 0xfc02]) {
    it(`suite ${suite}: byte for byte, also where the platform has no answer`, async () => {
      const expected = await story(suite, plainly);
      const counted = new Counted();
      expect(await story(suite, by(counted))).toEqual(expected);
      expect(counted.asked > 20).toBe(suite !== 2); // which has neither of the curves
      expect(await story(suite, by(SILENT))).toEqual(expected);
    });
  }

  it("a function runs once where signatures hold, and twice where one does not, or something is made", async () => {
    const pair = ed25519.generate(seededRng("pair"));
    const signature = ed25519.sign(pair.privateKey, utf8("said"));
    const runs = async (task: () => unknown) => {
      let count = 0;
      const outcome = await ahead(seededRng("runs"), () => {
        count += 1;
        return task();
      });
      return [count, outcome];
    };
    expect(await runs(() => ed25519.verify(pair.publicKey, utf8("said"), signature))).toEqual([1, true]);
    expect(await runs(() => ed25519.verify(pair.publicKey, utf8("else"), signature))).toEqual([2, false]);
    const secret = new Uint8Array(32).fill(7);
    const [count, found] = await runs(() => x25519Ephemeral(secret, pair.publicKey));
    expect([count, found]).toEqual([2, x25519Ephemeral(secret, pair.publicKey)]);
    expect(await runs(() => ed25519.sign(pair.privateKey, utf8("said")))).toEqual([2, signature]);
    expect(await runs(() => "nothing asked")).toEqual([1, "nothing asked"]);
  });

  it("a second run draws what the first one drew, and afresh from where it goes another way", async () => {
    const pair = ed25519.generate(seededRng("pair"));
    const drawn: string[] = [];
    await ahead(seededRng("draws"), (rng) => {
      drawn.push(toHex(rng(4)));
      const holds = ed25519.verify(pair.publicKey, utf8("x"), new Uint8Array(64));
      drawn.push(toHex(rng(holds ? 8 : 6)), toHex(rng(4)));
    });
    expect(drawn[3]).toBe(drawn[0]);
    expect(drawn[1]).toHaveLength(16);
    expect(drawn[4]).toHaveLength(12);
    expect(drawn[1]!.startsWith(drawn[4]!)).toBe(false);
    expect(drawn[5]).not.toBe(drawn[2]);
  });
});

describe("what does not hold is refused", () => {
  it("for the same reason as without, wherever the signature stands", async () => {
    const rng = seededRng("refused");
    const [ada, ben] = ["ada", "ben"].map((name) => new Person(suiteOf(0xfc02), name, rng));
    const group = ada!.found().group;
    const good = ben!.keyPackage();
    const bad = decodeKeyPackage(good.bytes);
    const input = { authenticatedData: utf8("id") };
    const stage = (own: Rng, keyPackage: typeof bad) =>
      stageCommit(group, { proposals: [add(keyPackage)], ...input, rng: own });
    for (const forged of [
      { ...bad, signature: spoilt(bad.signature, 3) },
      { ...bad, leafNode: { ...bad.leafNode, signature: spoilt(bad.leafNode.signature, 40) } },
    ]) {
      const plain = codeOf(() => stage(rng, forged));
      expect(plain).toMatch(/^v\d/);
      await expect(ahead(rng, (own) => stage(own, forged))).rejects.toMatchObject({ code: plain });
    }
    const added = await ahead(rng, (own) => stage(own, bad));
    const join = { suite: ada!.suite, keyPackage: good.bytes, secrets: good.secrets };
    const { group: bens } = await ahead(rng, () => joinByWelcome({ ...join, welcome: added.welcome! }));
    const sent = protectApplication(bens, { data: utf8("x"), ...input, paddedTo: 1, rng });
    const damaged = spoilt(sent.message, -1);
    const plain = codeOf(() => unprotect(added.next, damaged));
    await expect(ahead(rng, () => unprotect(added.next, damaged))).rejects.toMatchObject({ code: plain });
  });

  it("e9: a credential that was believed for a moment is remembered by nobody", async () => {
    const { identity } = someone("mallory");
    const made = device(identity, "forged");
    const forged = spoilt(made.credential, -1);
    const identify = () => identifyLeaf(forged, made.leafKey.publicKey);
    const code = codeOf(identify);
    for (let i = 0; i < 3; i++)
      await expect(ahead(seededRng("e9"), identify)).rejects.toMatchObject({ code });
    expect(codeOf(identify)).toBe(code);
  });

  it("e9: one that holds is remembered, and asked for no more", async () => {
    const made = device(someone("nora").identity, "laptop");
    const counted = new Counted();
    const identify = () => identifyLeaf(made.credential, made.leafKey.publicKey);
    await aheadBy(counted, seededRng("e9"), identify);
    expect(counted.asked).toBeGreaterThan(1);
    const { asked } = counted;
    await aheadBy(counted, seededRng("e9"), identify);
    expect(counted.asked).toBe(asked);
  });

  it("an error of a trial that believed too much is not the caller's", async () => {
    const pair = ed25519.generate(seededRng("pair"));
    const outcome = await ahead(seededRng("error"), () => {
      if (ed25519.verify(pair.publicKey, utf8("x"), new Uint8Array(64))) throw new Error("believed");
      return "refused";
    });
    expect(outcome).toBe("refused");
    const thrown = ahead(seededRng("error"), () => {
      throw new Error("ours");
    });
    await expect(thrown).rejects.toThrow("ours");
    expect(verdictOf(pair.publicKey, utf8("x"), new Uint8Array(64))).toBeNull();
  });
});

describe("a trial", () => {
  it("tells nothing to what runs outside it, and keeps no secret when it is over", () => {
    const trial = new Trial();
    const [secret, other] = [new Uint8Array(32).fill(3), new Uint8Array(32).fill(9)];
    trial.run(() => agreedOn(secret, other));
    trial.run(() => signatureOf(secret, other));
    const values = trial.run(() => computedOnce("name", [secret], () => [Uint8Array.of(1, 2, 3)]));
    expect(agreedOn(secret, other)).toBeNull();
    expect(signatureOf(secret, other)).toBeNull();
    const key = trial.signings[0]!.question.privateKey;
    const [{ question }] = trial.agreements as [(typeof trial.agreements)[0]];
    expect(question.privateKey).toEqual(secret);
    trial.forget();
    expect([question.privateKey, key]).toEqual([new Uint8Array(32), new Uint8Array(32)]);
    expect(values).toEqual([Uint8Array.of(1, 2, 3)]);
    expect(secret).toEqual(new Uint8Array(32).fill(3));
  });

  it("does what must be certain when it is, and never when it was not", () => {
    const done: string[] = [];
    whenCertain(() => done.push("outside"));
    const [confirmed, dropped] = [new Trial(), new Trial()];
    confirmed.run(() => whenCertain(() => done.push("confirmed")));
    dropped.run(() => whenCertain(() => done.push("believed")));
    expect(done).toEqual(["outside"]);
    confirmed.confirm();
    dropped.stopBelieving();
    dropped.run(() => whenCertain(() => done.push("known")));
    dropped.confirm();
    expect(done).toEqual(["outside", "confirmed", "known"]);
  });
});

describe("e3: the platform's curves", () => {
  it("of this platform are fit, and say yes to no signature that the one rule refuses", async () => {
    expect(curves).not.toBeNull();
    for (const { name, public_key, message, signature, valid } of edgeCases()) {
      const question = {
        publicKey: fromHex(public_key),
        message: fromHex(message),
        signature: fromHex(signature),
      };
      const said = await curves.holds(question);
      if (said) expect(`${name}: ${valid}`).toBe(`${name}: true`);
      if (!/^R (the identity|of small order)/.test(name)) expect(said).toBe(valid);
    }
  });

  it("are not used where they take what the rule refuses, refuse everything, or agree on something else", async () => {
    const lenient: PlatformCurves = {
      ...curves,
      holds: async ({ publicKey, message, signature }) =>
        noble.verify(signature, message, publicKey, { zip215: true }),
    };
    const cofactored: PlatformCurves = {
      ...curves,
      holds: async ({ publicKey, message, signature }) =>
        ed25519.mayHold(publicKey, signature) && noble.verify(signature, message, publicKey),
    };
    const otherwise: PlatformCurves = {
      ...curves,
      agree: async ({ publicKey }) => ({ publicKey, secret: publicKey }),
    };
    for (const unfit of [lenient, cofactored, otherwise, SILENT, { ...curves, agree: SILENT.agree }]) {
      expect(await examine(unfit)).toBeNull();
    }
    expect(await examine(curves)).toBe(curves);
    const hedged = { ...curves, sign: async () => new Uint8Array(64).fill(1) };
    expect(
      await (await examine(hedged))!.sign({ privateKey: new Uint8Array(32), message: utf8("x") }),
    ).toBeNull();
  });

  it("e4: have no answer for a key of small order, which is then refused here", async () => {
    const privateKey = new Uint8Array(32).fill(5);
    const zero = new Uint8Array(32);
    expect(await curves.agree({ privateKey, publicKey: zero })).toBeNull();
    await expect(ahead(seededRng("e4"), () => x25519Ephemeral(privateKey, zero))).rejects.toMatchObject({
      code: "key",
    });
  });
});
