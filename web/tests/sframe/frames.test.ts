import { describe, expect, it } from "vitest";
import { concat, toHex } from "../../src/bytes/bytes";
import { UsageError } from "../../src/mls/errors";
import { FrameDecryptor, MAX_FRAME } from "../../src/sframe/frameDecryptor";
import { FrameEncryptor } from "../../src/sframe/frameEncryptor";
import { decodeHeader, encodeHeader } from "../../src/sframe/header";
import { KINDS, type Kind } from "../../src/sframe/kid";
import { protect, unprotect } from "../../src/sframe/protect";
import { AES_256_GCM_SHA512 as SUITE } from "../../src/sframe/suites";
import { seeded } from "../identity/people";
import {
  type Bytes,
  baseKey,
  bytes,
  epochOf,
  frameOf,
  heard,
  OWN_LEAF,
  receiver,
  said,
  sender,
} from "./call";

const clearOf = (kind: Kind, key: boolean) => {
  if (kind === "audio" || kind === "screen_audio") return 0;
  return key ? 10 : 3;
};

describe.each(KINDS)("frames of %s", (kind) => {
  it.each([
    ["key frame", true],
    ["delta frame", false],
  ])("%s: opens as it was, and its clear bytes stay", async (_, key) => {
    const { decryptor } = receiver(kind, 7n);
    const frame = frameOf(kind, 1100, { key });
    const sent = await sender(kind, 7n, 3).encrypt(frame);
    const clear = clearOf(kind, key);
    expect(toHex(sent.subarray(0, clear))).toBe(toHex(frame.subarray(0, clear)));
    expect(toHex(sent)).not.toContain(toHex(frame.subarray(clear, clear + 8)));
    const opened = await decryptor.decrypt(sent, 0);
    expect(said(opened)).toBe(toHex(frame));
    expect(opened).toMatchObject({ who: "ben", leaf: 3, epoch: 7n });
  });

  it("is an SFrame ciphertext behind its clear bytes, which are its metadata", async () => {
    const frame = frameOf(kind, 300);
    const clear = clearOf(kind, false);
    const sent = await sender(kind, 7n, 3).encrypt(frame);
    const ciphertext = sent.subarray(clear);
    const { plaintext, kid } = unprotect(SUITE, () => baseKey(7n), frame.subarray(0, clear), ciphertext);
    expect(toHex(plaintext)).toBe(toHex(frame.subarray(clear)));
    expect(kid & 0xffffn).toBe((3n << 8n) | 7n);
    expect(Number(kid >> 62n)).toBe(KINDS.indexOf(kind));
  });

  it("a change of any byte is dropped", async () => {
    const { decryptor } = receiver(kind, 7n);
    const sent = await sender(kind, 7n, 3).encrypt(frameOf(kind, 40));
    for (let i = 0; i < sent.length; i++) {
      const broken = sent.slice();
      broken[i]! ^= 0x10;
      expect(typeof (await decryptor.decrypt(broken, 0)), `byte ${i}`).toBe("string");
    }
    // What does not open moves no window.
    expect(heard(await decryptor.decrypt(sent, 0))).toBe("ben");
  });

  it("a frame cut at any length is dropped", async () => {
    const { decryptor } = receiver(kind, 7n);
    const sent = await sender(kind, 7n, 3).encrypt(frameOf(kind, 20));
    for (let length = 0; length < sent.length; length++) {
      expect(typeof (await decryptor.decrypt(sent.slice(0, length), 0))).toBe("string");
    }
  });
});

describe("an encryptor (E35)", () => {
  it("counts encoded frames from 0, also when they overlap, and draws its random part itself", async () => {
    const encryptor = sender("audio", 7n, 3);
    const frames = Array.from({ length: 20 }, (_, i) => bytes(`frame ${i}`, 50 + i));
    const sent = await Promise.all(frames.map((frame) => encryptor.encrypt(frame)));
    expect(sent.map((frame) => decodeHeader(frame).ctr)).toEqual(frames.map((_, i) => BigInt(i)));
    // Each was encrypted as what it was when it was given, under its own nonce.
    const { decryptor } = receiver("audio", 7n);
    const opened = await Promise.all(sent.map((frame) => decryptor.decrypt(frame, 0)));
    expect(opened.map(said)).toEqual(frames.map(toHex));

    const other = decodeHeader(await sender("audio", 7n, 3, "another").encrypt(frames[0]!));
    expect(other.kid >> 16n).not.toBe(decodeHeader(sent[0]!).kid >> 16n);
    expect(other.kid & 0xffffn).toBe(decodeHeader(sent[0]!).kid & 0xffffn);
  });

  it("switches on merge: a new KID whose counter begins again", async () => {
    const encryptor = sender("camera", 7n, 3);
    const before = await encryptor.encrypt(frameOf("camera", 100));
    await encryptor.encrypt(frameOf("camera", 101));
    encryptor.switchTo({ epoch: 8n, baseKey: baseKey(8n), leaf: 3 });
    // Without waiting for the key: nothing more goes out under the old one.
    const after = decodeHeader((await encryptor.encrypt(frameOf("camera", 102))).subarray(3));
    expect(after.kid & 0xffn).toBe(8n);
    expect(after.ctr).toBe(0n);
    expect(after.kid >> 16n).not.toBe(decodeHeader(before.subarray(3)).kid >> 16n);
  });

  it("a frame that waits for a key takes the one that is present when it goes", async () => {
    const encryptor = sender("audio", 7n, 3);
    const waiting = encryptor.encrypt(frameOf("audio", 100));
    encryptor.switchTo({ epoch: 8n, baseKey: baseKey(8n), leaf: 3 });
    expect(decodeHeader(await waiting).kid & 0xffn).toBe(8n);
  });

  it("encrypts nothing before the first epoch, after the last, or that is no frame", async () => {
    const encryptor = new FrameEncryptor("camera", seeded("new"));
    const frame = frameOf("camera", 100);
    await expect(encryptor.encrypt(frame)).rejects.toMatchObject({ code: "no_epoch", fault: "caller" });
    encryptor.switchTo({ epoch: 7n, baseKey: baseKey(7n), leaf: 3 });
    await encryptor.encrypt(frame);
    await expect(encryptor.encrypt(new Uint8Array(0))).rejects.toMatchObject({ code: "not_a_frame" });
    await expect(encryptor.encrypt(Uint8Array.of(1, 2))).rejects.toMatchObject({ code: "not_a_frame" });
    await expect(encryptor.encrypt(new Uint8Array(9))).rejects.toThrow(UsageError);
    encryptor.stop();
    await expect(encryptor.encrypt(frame)).rejects.toMatchObject({ code: "no_epoch" });
  });

  it("a frame of Opus may be empty", async () => {
    const sent = await sender("audio", 7n, 3).encrypt(new Uint8Array(0));
    expect(said(await receiver("audio", 7n).decryptor.decrypt(sent, 0))).toBe("");
  });

  it("leaves the base key to its caller", async () => {
    const key = baseKey(7n);
    new FrameEncryptor("audio", seeded("x")).switchTo({ epoch: 7n, baseKey: key, leaf: 3 });
    expect(toHex(key)).toBe(toHex(baseKey(7n)));
  });
});

describe("a decryptor (E36)", () => {
  /** A frame of anybody who knows the base key, with any KID and counter. */
  const forge = (kid: bigint, ctr: bigint, key = baseKey(7n)): Bytes =>
    protect(SUITE, key, kid, ctr, new Uint8Array(0), bytes("forged", 40)).slice();
  const KID = (0x1234_5678n << 16n) | (3n << 8n) | 7n;

  it("takes a frame once, whichever transceiver it comes through", async () => {
    const { keys, decryptor } = receiver("audio", 7n);
    const twin = new FrameDecryptor("audio", keys);
    const sent = await sender("audio", 7n, 3).encrypt(frameOf("audio", 80));
    const both = await Promise.all([decryptor.decrypt(sent, 0), twin.decrypt(sent, 0)]);
    expect(both.map(heard).sort()).toEqual(["ben", "replay"]);
    expect(await decryptor.decrypt(sent, 0)).toBe("replay");
    expect(await twin.decrypt(sent, 0)).toBe("replay");
  });

  it("takes frames out of order within 4,096, and none behind", async () => {
    const { decryptor } = receiver("audio", 7n);
    const order = [5000n, 4999n, 904n, 905n, 5001n, 905n];
    const results = [];
    for (const ctr of order) results.push(heard(await decryptor.decrypt(forge(KID, ctr), 0)));
    expect(results).toEqual(["ben", "ben", "replay", "ben", "ben", "replay"]);
  });

  it("keeps one window for each KID", async () => {
    const { decryptor } = receiver("audio", 7n);
    for (const kid of [KID, KID + 0x10000n]) {
      expect(heard(await decryptor.decrypt(forge(kid, 9000n), 0))).toBe("ben");
      expect(heard(await decryptor.decrypt(forge(kid, 9000n), 0))).toBe("replay");
    }
  });

  it("drops what is of another kind than its transceiver", async () => {
    const sent = await sender("screen_audio", 7n, 3).encrypt(frameOf("audio", 80));
    const { keys, decryptor } = receiver("audio", 7n);
    expect(await decryptor.decrypt(sent, 0)).toBe("kind");
    expect(heard(await new FrameDecryptor("screen_audio", keys).decrypt(sent, 0))).toBe("ben");
  });

  it("labels by the leaf alone: two senders through one transceiver", async () => {
    const { decryptor } = receiver("audio", 7n);
    const frame = frameOf("audio", 80);
    const [anna, ben] = [sender("audio", 7n, 0), sender("audio", 7n, 3)];
    const results = [];
    for (const one of [anna, ben, anna]) {
      results.push(heard(await decryptor.decrypt(await one.encrypt(frame), 0)));
    }
    expect(results).toEqual(["anna", "ben", "anna"]);
  });

  it("drops leaves that are empty, epochs that are unknown, and its own voice", async () => {
    const { decryptor } = receiver("audio", 7n);
    const frame = frameOf("audio", 80);
    expect(await decryptor.decrypt(await sender("audio", 7n, 9).encrypt(frame), 0)).toBe("no_key");
    expect(await decryptor.decrypt(await sender("audio", 8n, 3).encrypt(frame), 0)).toBe("no_key");
    expect(await decryptor.decrypt(await sender("audio", 7n, OWN_LEAF).encrypt(frame), 0)).toBe("no_key");
  });

  it("drops what is made under another base key, and plaintext", async () => {
    const { decryptor } = receiver("audio", 7n);
    expect(await decryptor.decrypt(forge(KID, 0n, bytes("other", 32)), 0)).toBe("forged");
    for (let i = 0; i < 200; i++) {
      expect(typeof (await decryptor.decrypt(bytes(`plain ${i}`, i), 0))).toBe("string");
    }
  });

  it("looks at no counter beyond 32 bits, nor at a frame beyond 4 MiB", async () => {
    const { decryptor } = receiver("audio", 7n);
    expect(await decryptor.decrypt(forge(KID, 2n ** 32n), 0)).toBe("malformed");
    expect(heard(await decryptor.decrypt(forge(KID, 2n ** 32n - 1n), 0))).toBe("ben");
    const huge = concat(encodeHeader(KID, 1n), new Uint8Array(MAX_FRAME)).slice();
    expect(await decryptor.decrypt(huge, 0)).toBe("malformed");
  });

  it("remembers 64 encryptors of a leaf, and only those that something opened under", async () => {
    const { decryptor } = receiver("audio", 7n);
    const kid = (i: number) => (BigInt(i) << 16n) | (3n << 8n) | 7n;
    for (let i = 0; i < 100; i++) {
      const noise = forge(kid(i), 0n).fill(0, 20);
      expect(await decryptor.decrypt(noise, 0)).toBe("forged");
    }
    for (let i = 100; i < 164; i++) expect(heard(await decryptor.decrypt(forge(kid(i), 0n), 0))).toBe("ben");
    expect(await decryptor.decrypt(forge(kid(164), 0n), 0)).toBe("no_key");
    expect(heard(await decryptor.decrypt(forge(kid(100), 1n), 0))).toBe("ben");
    expect(heard(await decryptor.decrypt(forge(kid(1) - (3n << 8n), 0n), 0))).toBe("anna");
  });

  it("of two first frames of one KID that are opened at once, one window counts", async () => {
    const { decryptor } = receiver("audio", 7n);
    const results = await Promise.all([0n, 0n, 1n].map((ctr) => decryptor.decrypt(forge(KID, ctr), 0)));
    expect(results.map(heard).sort()).toEqual(["ben", "ben", "replay"]);
  });

  it("shows nothing that was being opened when its sender was removed", async () => {
    const { keys, decryptor } = receiver("audio", 7n);
    const opening = decryptor.decrypt(forge(KID, 0n), 0);
    keys.begin(epochOf(8n, new Map([[0, "anna"]])), 0);
    expect(await opening).toBe("no_key");
  });
});
