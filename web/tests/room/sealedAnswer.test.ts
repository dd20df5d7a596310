import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EMPTY } from "../../src/bytes/bytes";
import { UsageError } from "../../src/mls/errors";
import { roomSuite } from "../../src/mls/suite";
import { leafIndex } from "../../src/mls/treeMath";
import { decodeCanonical, encodeCanonical } from "../../src/room/canonical";
import { RoomDataError, RoomRuleError } from "../../src/room/errors";
import { padTo } from "../../src/room/padding";
import { type AnswerCode, type AnswerPlace, openAnswer, sealAnswer } from "../../src/room/sealedAnswer";
import { id, seeded, spoilt } from "../identity/people";
import { ROOM } from "./world";

const PLACE: AnswerPlace = { groupId: ROOM, epoch: 7n, author: leafIndex(1), eventId: id("event") };
const ABOUT = id("question");
const keysOf = (leaf: number) => roomSuite.deriveKeyPair(seeded(`encryption ${leaf}`)(48));
const devices = (...leaves: readonly number[]) =>
  leaves.map((leaf) => ({ leaf: leafIndex(leaf), encryptionKey: keysOf(leaf).publicKey }));
const own = (leaf: number) => ({ leaf: leafIndex(leaf), encryptionPrivateKey: keysOf(leaf).privateKey });
const seal = (answer: AnswerCode, ...leaves: readonly number[]) =>
  sealAnswer(PLACE, devices(...leaves), { about: ABOUT, answer }, seeded("seal"));
const SEALED = seal("may_know", 5, 3);

type Boxes = { leaf: number; kem_output: Uint8Array; ciphertext: Uint8Array }[];
const boxesOf = (sealed: Uint8Array) => decodeCanonical(sealed, 1 << 16).boxes as Boxes;

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof RoomRuleError) return `${error.rule} ${error.code}`;
    expect(error).toBeInstanceOf(RoomDataError);
    return "room_data";
  }
  return "opened";
}

describe("E34: sealed answers", () => {
  it("E34 open on every device of the one they are for, and on no other", () => {
    for (const leaf of [3, 5])
      expect(openAnswer(PLACE, own(leaf), SEALED)).toEqual({ about: ABOUT, answer: "may_know" });
    expect(openAnswer(PLACE, own(4), SEALED)).toBeNull();
    // Whoever takes another leaf's box has not its key.
    const stolen = { ...own(4), leaf: leafIndex(3) };
    expect(refusal(() => openAnswer(PLACE, stolen, SEALED))).toBe("E34 answer_sealed");
    const swapped = { ...own(5), leaf: leafIndex(3) };
    expect(refusal(() => openAnswer(PLACE, swapped, SEALED))).toBe("E34 answer_sealed");
  });

  it("E34 hold for one room, epoch, author and event: a box that is copied elsewhere does not open", () => {
    for (const change of [
      { groupId: id("another room") },
      { epoch: 8n },
      { author: leafIndex(2) },
      { eventId: id("another event") },
    ]) {
      expect(refusal(() => openAnswer({ ...PLACE, ...change }, own(3), SEALED))).toBe("E34 answer_sealed");
    }
    // A box of one device handed to another of the same person.
    const [three, five] = boxesOf(SEALED);
    const exchanged = encodeCanonical({
      boxes: [
        { ...five!, leaf: 3 },
        { ...three!, leaf: 5 },
      ],
    });
    expect(refusal(() => openAnswer(PLACE, own(3), exchanged))).toBe("E34 answer_sealed");
  });

  it("E34 all answers have one size", () => {
    const sizes = (["may_know", "fine", "too_identifying"] as const).map((one) => seal(one, 3).length);
    expect(new Set(sizes).size).toBe(1);
    const two = boxesOf(SEALED);
    expect(two.map(({ ciphertext }) => ciphertext.length)).toEqual([144, 144]);
    expect(two[0]!.ciphertext).not.toEqual(two[1]!.ciphertext);
  });

  it("E34 an answer without a reader, or for more devices than one person has, is our own mistake", () => {
    expect(() => seal("fine")).toThrow(UsageError);
    expect(() => seal("fine", ...Array.from({ length: 33 }, (_, i) => i))).toThrow(UsageError);
    const short = { ...PLACE, groupId: ROOM.slice(1) };
    expect(() => sealAnswer(short, devices(3), { about: ABOUT, answer: "fine" }, seeded("x"))).toThrow(
      UsageError,
    );
  });

  it("E34 boxes stand in order, each leaf once, of one size", () => {
    const [three, five] = boxesOf(SEALED);
    for (const boxes of [
      [],
      [five!, three!],
      [three!, three!],
      [{ ...three!, ciphertext: three!.ciphertext.slice(1) }],
      [{ ...three!, kem_output: EMPTY }],
      [{ ...three!, leaf: 256 }],
      [{ ...three!, more: 1 }],
    ]) {
      expect(refusal(() => openAnswer(PLACE, own(3), encodeCanonical({ boxes })))).toBe("room_data");
    }
  });

  it("E34 what is in a box is an answer, or nothing", () => {
    const [{ leaf, encryptionKey }] = devices(3) as [ReturnType<typeof devices>[number]];
    const context = Uint8Array.of(
      ...ROOM,
      ...[0, 0, 0, 0, 0, 0, 0, 7],
      0,
      0,
      0,
      1,
      0,
      0,
      0,
      3,
      ...PLACE.eventId,
    );
    const holding = (fields: Record<string, unknown>) => {
      const content = padTo(encodeCanonical(fields), 128);
      const encrypt = roomSuite.encrypterWithLabel("Collegium 1.0 sealed", context);
      const box = encrypt(encryptionKey, content, seeded("by hand"));
      return encodeCanonical({ boxes: [{ leaf, kem_output: box.kemOutput, ciphertext: box.ciphertext }] });
    };
    const open = (fields: Record<string, unknown>) =>
      refusal(() => openAnswer(PLACE, own(3), holding(fields)));
    expect(open({ about: ABOUT, answer: "fine" })).toBe("opened");
    expect(open({ about: ABOUT, answer: "no" })).toBe("room_data");
    expect(open({ about: ABOUT.slice(1), answer: "fine" })).toBe("room_data");
    expect(open({ about: ABOUT, answer: "fine", more: 1 })).toBe("room_data");
  });

  it("E34 invariant: any bytes, and any change of good ones, are null, a RoomDataError or a RoomRuleError", () => {
    const run = (sealed: Uint8Array) => {
      refusal(() => {
        const opened = openAnswer(PLACE, own(3), sealed);
        // What still opens is what was said: the change was in the box of another device.
        if (opened !== null) expect(opened).toEqual({ about: ABOUT, answer: "may_know" });
      });
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), run));
    fc.assert(
      fc.property(fc.nat({ max: SEALED.length - 1 }), (at) => run(spoilt(SEALED, at))),
      { numRuns: 60 },
    );
  });
});
