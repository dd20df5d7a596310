import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromHex, utf8 } from "../../src/bytes/bytes";
import { MlsError } from "../../src/mls/errors";
import { encodeBody as encodeBodyOf } from "../../src/room/bodies";
import { decodeSignal } from "../../src/room/ephemeral";
import { RoomDataError } from "../../src/room/errors";
import {
  decodeBody,
  decodeCommitData,
  decodeEnvelope,
  type Envelope,
  encodeBody,
  encodeCommitData,
  encodeEnvelope,
  eventSignatureIsValid,
  messageBucket,
  signEvent,
} from "../../src/room/events";
import { paddedLength, padTo, unpad } from "../../src/room/padding";
import { signStuck, stuckIsValid } from "../../src/room/stuck";
import { id, keyPair } from "../identity/people";
import { bytesOf, EVENT_CASES } from "./eventCases";
import { ROOM } from "./world";

const AGREEMENT = join(dirname(fileURLToPath(import.meta.url)), "../../../tests/agreement/events.json");

/** What each case is read by. */
function read(what: string, bytes: Uint8Array): unknown {
  if (what === "envelope") return decodeEnvelope(bytes);
  return what === "signal" ? decodeSignal(bytes) : decodeBody(what, bytes);
}

describe("E16: what is an event", () => {
  for (const one of EVENT_CASES) {
    it(`E16 ${one.name} is ${one.accepted ? "accepted" : "refused"}`, () => {
      const bytes = fromHex(bytesOf(one));
      if (one.accepted) expect(read(one.what, bytes)).not.toBeNull();
      else expect(() => read(one.what, bytes)).toThrow(RoomDataError);
    });
  }

  it("E16 gives every language the same bytes to judge", async () => {
    await expect(`${JSON.stringify(EVENT_CASES, null, 1)}\n`).toMatchFileSnapshot(AGREEMENT);
  });

  it("E16 every body goes through bytes and back", () => {
    for (const { what, accepted, ...one } of EVENT_CASES) {
      if (!accepted || what === "envelope" || what === "signal") continue;
      const bytes = fromHex(bytesOf({ ...one, what, accepted }));
      expect(encodeBody(decodeBody(what, bytes)!)).toEqual(bytes);
    }
  });

  it("E16 our own side cannot say what others would refuse", () => {
    expect(() => encodeBodyOf({ type: "profile", body: { name: " " } })).toThrow(RoomDataError);
    expect(() => encodeBodyOf({ type: "post", body: { text: "\ud800" } })).toThrow(RoomDataError);
  });

  it("E16 a type that is not known here is nobody's body, whatever is in it", () => {
    expect(decodeBody("constructor", utf8("x"))).toBeNull();
    expect(decodeBody("recusal", new Uint8Array(3))).toBeNull();
  });
});

describe("E16: the envelope", () => {
  const author = keyPair("author");
  const body = encodeBody({ type: "post", body: { text: "Hello" } });
  const unsigned = { id: id("event"), type: "post", body };
  const envelope: Envelope = {
    ...unsigned,
    counter: 3,
    seen: { n: 12, head: id("head") },
    signature: signEvent(author.privateKey, ROOM, unsigned),
  };

  it("E16 goes through bytes and back", () => {
    expect(decodeEnvelope(encodeEnvelope(envelope))).toEqual(envelope);
  });

  it("E16 is signed by its author over room, id, type and body", () => {
    expect(eventSignatureIsValid(author.publicKey, ROOM, envelope)).toBe(true);
    expect(eventSignatureIsValid(keyPair("other").publicKey, ROOM, envelope)).toBe(false);
    expect(eventSignatureIsValid(author.publicKey, id("another room"), envelope)).toBe(false);
    for (const change of [{ id: id("x") }, { type: "edit" }, { body: utf8("x") }]) {
      expect(eventSignatureIsValid(author.publicKey, ROOM, { ...envelope, ...change })).toBe(false);
    }
    // What moves from type to body is another event.
    const moved = { ...envelope, type: "pos", body: new Uint8Array([..."t"].map((c) => c.charCodeAt(0))) };
    expect(eventSignatureIsValid(author.publicKey, ROOM, moved)).toBe(false);
  });

  it("E16 invariant: any bytes are an event or a RoomDataError", () => {
    const good = encodeEnvelope(envelope);
    const check = (bytes: Uint8Array) => {
      for (const what of ["envelope", "signal", "post", "snapshot", "react"]) {
        try {
          read(what, bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(RoomDataError);
        }
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), check));
    fc.assert(
      fc.property(fc.nat({ max: good.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const bytes = good.slice();
        bytes[at]! ^= change;
        check(bytes);
      }),
      { numRuns: 300 },
    );
  });
});

describe("E15: what travels in the clear", () => {
  it("E15 a Commit's clear data is its id and seen head, 40 bytes", () => {
    const data = { id: id("commit"), seen: { n: 2 ** 53 - 1, head: id("head") } };
    const bytes = encodeCommitData(data.id, data.seen);
    expect(bytes).toHaveLength(40);
    expect(decodeCommitData(bytes)).toEqual(data);
    expect(decodeCommitData(new Uint8Array([9, ...bytes]).subarray(1))).toEqual(data);
  });

  it("E15 invariant: any bytes are that or a RoomDataError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 39, maxLength: 41 }), (bytes) => {
        try {
          const { id: commit, seen } = decodeCommitData(bytes);
          expect(encodeCommitData(commit, seen)).toEqual(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(RoomDataError);
        }
      }),
    );
  });
});

describe("E16: sizes", () => {
  it("E16 there are few of them", () => {
    expect([0, 1, 256, 257, 512, 513, 32_768, 32_769, 65_537].map(paddedLength)).toEqual([
      256, 256, 256, 512, 512, 1024, 32_768, 65_536, 98_304,
    ]);
    const short = new Set([1, 50, 150].map(messageBucket));
    expect([...short]).toEqual([256]);
  });

  it("E16 padding comes off as it was put on", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(unpad(padTo(bytes, paddedLength(bytes.length + 1)))).toEqual(bytes);
      }),
    );
    expect(() => padTo(new Uint8Array(256), 256)).toThrow(MlsError);
    for (const bad of [new Uint8Array(0), new Uint8Array(9), Uint8Array.of(1, 0, 0)]) {
      expect(() => unpad(bad)).toThrow(RoomDataError);
    }
  });
});

describe("E18: the stuck statement", () => {
  it("E18 is signed by the identity key, for one position, room and device", () => {
    const identity = keyPair("identity");
    const device = id("device");
    const stuck = signStuck(identity.privateKey, ROOM, 9, device);
    expect(stuckIsValid(identity.publicKey, ROOM, device, stuck)).toBe(true);
    expect(stuckIsValid(identity.publicKey, ROOM, device, { ...stuck, position: 10 })).toBe(false);
    expect(stuckIsValid(identity.publicKey, id("x"), device, stuck)).toBe(false);
    expect(stuckIsValid(identity.publicKey, ROOM, id("x"), stuck)).toBe(false);
    expect(stuckIsValid(keyPair("other").publicKey, ROOM, device, stuck)).toBe(false);
    expect(decodeBody("stuck", encodeBody({ type: "stuck", body: stuck }))).toEqual({
      type: "stuck",
      body: stuck,
    });
  });
});
