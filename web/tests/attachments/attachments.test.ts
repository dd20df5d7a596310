import { gcm } from "@noble/ciphers/aes.js";
import { expand } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { describe, expect, it } from "vitest";
import { ChunkOpener, FileOpener } from "../../src/attachments/fileOpener";
import { FileSealer } from "../../src/attachments/fileSealer";
import { openStream, sealStream } from "../../src/attachments/streams";
import { concat, toHex, u32, u64, utf8 } from "../../src/bytes/bytes";
import { UsageError } from "../../src/mls/errors";
import { seeded } from "../identity/people";
import { collect, content, open, seal } from "./files";

const CHUNK = 4096;
const STEP = CHUNK + 16;
const file = content("file", 5 * CHUNK + 100);

const joined = async (...given: Parameters<typeof open>) => {
  const { pushed, end } = await open(...given);
  return toHex(sha256(concat(pushed, end)));
};
const hashOf = (data: Uint8Array) => toHex(sha256(data));

describe("an attachment", () => {
  it.each([0, 1, 4095, 4096, 4097, 65_536, 65_537, 300_000])("of %i bytes opens as it was", async (size) => {
    const data = content("data", size);
    const { descriptor, ciphertext } = await seal(data);
    expect(await joined(descriptor, ciphertext)).toBe(hashOf(data));
    expect(toHex(descriptor.hash)).toBe(hashOf(ciphertext));
    expect(descriptor).toMatchObject({ size, chunkSize: 65_536, name: "notes.pdf" });
  });

  it("is the same, however it is cut into parts", async () => {
    const whole = await seal(file, { chunkSize: CHUNK });
    for (const partLength of [1000, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK]) {
      const cut = await seal(file, { chunkSize: CHUNK, partLength });
      expect(hashOf(cut.ciphertext)).toBe(hashOf(whole.ciphertext));
      expect(await joined(whole.descriptor, whole.ciphertext, partLength)).toBe(hashOf(file));
    }
  });

  it("has a key of its own", async () => {
    const one = await seal(file, { rng: "one" });
    const other = await seal(file, { rng: "other" });
    expect(toHex(one.descriptor.key)).not.toBe(toHex(other.descriptor.key));
    expect(hashOf(one.ciphertext)).not.toBe(hashOf(other.ciphertext));
  });

  it("says nothing of itself in its ciphertext but a padded size", async () => {
    const [a, b] = [await seal(content("a", 100_000)), await seal(content("a", 100_300))];
    expect(a.ciphertext.length).toBe(b.ciphertext.length);
    expect(toHex(a.ciphertext)).not.toContain(toHex(content("a", 16)));
  });
});

describe("THREATS 19: an attachment that was tampered with", async () => {
  const { descriptor, ciphertext } = await seal(file, { chunkSize: CHUNK });
  const chunk = (n: number) => ciphertext.slice(n * STEP, (n + 1) * STEP);
  const chunks = Array.from({ length: 6 }, (_, n) => chunk(n));
  /** As an attacker would who can also change the hash that is named: the chunks alone must hold. */
  const refused = async (data: Uint8Array, code: string) => {
    const named = { ...descriptor, hash: sha256(data) };
    await expect(open(named, data, STEP)).rejects.toMatchObject({ code, fault: "peer" });
  };

  it("changed in any chunk", async () => {
    expect(chunks[5]!.length).toBeLessThan(STEP);
    for (let n = 0; n < 6; n++) {
      for (const at of [0, chunks[n]!.length - 1]) {
        const broken = ciphertext.slice();
        broken[n * STEP + at]! ^= 1;
        await refused(broken, "chunk");
      }
    }
  });

  it("cut short: anywhere, and between chunks", async () => {
    for (const length of [0, 1, STEP - 1, STEP, 5 * STEP, ciphertext.length - 1]) {
      await refused(ciphertext.slice(0, length), "length");
    }
    // Nor can the chunk before be made the last one: its mark is in its nonce.
    const shorter = { ...descriptor, size: 5 * CHUNK };
    await expect(open(shorter, ciphertext.slice(0, 5 * STEP))).rejects.toMatchObject({ code: "chunk" });
  });

  it("extended", async () => {
    await refused(concat(ciphertext, new Uint8Array(1)), "length");
    await refused(concat(ciphertext, chunks[5]!), "length");
  });

  it("with chunks swapped, repeated or left out", async () => {
    const order = (...ns: number[]) => concat(...ns.map((n) => chunks[n]!));
    await refused(order(1, 0, 2, 3, 4, 5), "chunk");
    await refused(order(0, 1, 1, 3, 4, 5), "chunk");
    await refused(order(0, 1, 3, 4, 5), "chunk");
    await refused(order(0, 1, 2, 3, 5, 4), "chunk");
  });

  it("with a chunk of another file", async () => {
    const other = await seal(file, { chunkSize: CHUNK, rng: "other" });
    await refused(concat(chunks[0]!, other.ciphertext.subarray(STEP)), "chunk");
  });

  it("under a descriptor with another size or chunk size: nothing opens", async () => {
    // Of the same padded size, so that every chunk has its length.
    const sizes = { ...descriptor, size: file.length + 1, hash: sha256(ciphertext) };
    await expect(open(sizes, ciphertext)).rejects.toMatchObject({ code: "chunk" });
    const chunked = { ...descriptor, chunkSize: 2 * CHUNK };
    await expect(open(chunked, ciphertext)).rejects.toMatchObject({ code: "length" });
  });

  it("exchanged as a whole by somebody who knows the key", async () => {
    // With the same key, so every chunk opens.
    const named = { ...descriptor, hash: sha256(file) };
    await expect(open(named, ciphertext)).rejects.toMatchObject({ code: "hash" });
  });

  it("gives out no file that looks complete", async () => {
    // Padding fills more than a chunk here: the file ends in a chunk before the last.
    const long = content("long", 290_000);
    const sealed = await seal(long, { chunkSize: CHUNK });
    const opener = new FileOpener({ ...sealed.descriptor, hash: new Uint8Array(32) });
    expect(opener.geometry.endChunk).toBeLessThan(opener.geometry.chunks - 1);
    const pushed = await collect(opener.push(sealed.ciphertext));
    expect(pushed.length).toBeLessThan(long.length);
    await expect(opener.finish()).rejects.toMatchObject({ code: "hash" });
    await expect(opener.finish()).rejects.toThrow();
    expect(await joined(sealed.descriptor, sealed.ciphertext, 777)).toBe(hashOf(long));
  });
});

it("each chunk's nonce is prefix, number and last mark (PROTOCOL.md §7)", async () => {
  const { descriptor, ciphertext } = await seal(file, { chunkSize: CHUNK });
  const info = concat(utf8("Collegium 1.0 attachment"), u64(file.length), u32(CHUNK));
  const derived = expand(sha256, descriptor.key, info, 39);
  const padded = concat(file, new Uint8Array(6 * CHUNK));
  for (let n = 0; n < 6; n++) {
    const nonce = concat(derived.subarray(32), u32(n), Uint8Array.of(n === 5 ? 1 : 0));
    const sealed = ciphertext.subarray(n * STEP, (n + 1) * STEP);
    const opened = gcm(derived.subarray(0, 32), nonce).decrypt(sealed);
    expect(toHex(opened)).toBe(toHex(padded.subarray(n * CHUNK, n * CHUNK + opened.length)));
  }
});

describe("one chunk alone", async () => {
  const long = content("long", 300_000);
  const { descriptor, ciphertext } = await seal(long, { chunkSize: CHUNK });
  const opener = new ChunkOpener(descriptor);

  it("opens in any order, and holds its part of the file", async () => {
    for (const n of [73, 0, 40, 73, opener.geometry.chunks - 1]) {
      const [from, to] = opener.geometry.chunkRange(n);
      const opened = await opener.open(n, ciphertext.slice(from, to));
      expect(toHex(opened)).toBe(toHex(long.slice(n * CHUNK, (n + 1) * CHUNK)));
    }
  });

  it("opens in its place alone", async () => {
    const [from, to] = opener.geometry.chunkRange(40);
    const sealed = ciphertext.slice(from, to);
    await expect(opener.open(41, sealed)).rejects.toMatchObject({ code: "chunk" });
    await expect(opener.open(40, sealed.slice(1))).rejects.toMatchObject({ code: "length" });
    await expect(opener.open(1000, sealed)).rejects.toThrow(UsageError);
    await expect(opener.open(-1, sealed)).rejects.toThrow(UsageError);
  });
});

describe("a sealer", () => {
  it("takes the size that was said, and seals once", async () => {
    const sealer = new FileSealer(100, seeded("sealer"));
    await collect(sealer.push(content("x", 99)));
    await expect(collect(sealer.finish())).rejects.toMatchObject({ code: "file_changed", fault: "caller" });
    expect(() => sealer.descriptor("a", "a/b")).toThrow(UsageError);
    await collect(sealer.push(content("x", 1)));
    await collect(sealer.finish());
    await expect(collect(sealer.finish())).rejects.toMatchObject({ code: "file_sealed" });
    await expect(collect(sealer.push(content("x", 1)))).rejects.toMatchObject({ code: "file_changed" });
  });

  it("takes no file beyond 2 GiB", () => {
    expect(() => new FileSealer(2 ** 31 + 1, seeded("x"))).toThrow(UsageError);
  });

  it("an opener opens once", async () => {
    const { descriptor, ciphertext } = await seal(file);
    const opener = new FileOpener(descriptor);
    await collect(opener.push(ciphertext));
    await opener.finish();
    await expect(opener.finish()).rejects.toThrow(UsageError);
  });
});

describe("streams", () => {
  /** A source that counts what was asked of it. */
  function counted(data: Uint8Array, partLength: number) {
    const state = { at: 0, cancelled: false };
    const stream = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          if (state.at >= data.length) return controller.close();
          controller.enqueue(data.slice(state.at, state.at + partLength));
          state.at += partLength;
        },
        cancel() {
          state.cancelled = true;
        },
      },
      { highWaterMark: 0 },
    );
    return { state, stream };
  }

  it("seal and open, and read no further than is asked for", async () => {
    const long = content("long", 300_000);
    const sealer = new FileSealer(long.length, seeded("stream"), CHUNK);
    const source = counted(long, 10_000);
    const reader = sealStream(source.stream, sealer).getReader();
    const parts = [];
    for (let sealedBytes = 0; ; ) {
      const { done, value } = await reader.read();
      if (done) break;
      // A reader who takes its time: nothing is sealed ahead of it.
      if (parts.length === 3) await new Promise((resolve) => setTimeout(resolve, 50));
      parts.push(value);
      sealedBytes += value.length;
      expect(source.state.at).toBeLessThanOrEqual(sealedBytes + 10_000);
    }
    const descriptor = sealer.descriptor("a.bin", "application/octet-stream");
    const ciphertext = counted(concat(...parts), 7000);
    const opened = openStream(ciphertext.stream, new FileOpener(descriptor));
    expect(hashOf(await collect(opened))).toBe(hashOf(long));
  });

  it("an empty file", async () => {
    const sealer = new FileSealer(0, seeded("empty"));
    const ciphertext = await collect(sealStream(counted(new Uint8Array(0), 1).stream, sealer));
    expect(ciphertext.length).toBe(4096 + 16);
    const descriptor = sealer.descriptor("a", "text/plain");
    const opened = openStream(counted(ciphertext, 100).stream, new FileOpener(descriptor));
    expect((await collect(opened)).length).toBe(0);
  });

  it("fail as sealer and opener do, and let go of their source", async () => {
    const { descriptor, ciphertext } = await seal(file, { chunkSize: CHUNK });
    const broken = ciphertext.slice();
    broken[STEP + 5]! ^= 1;
    const source = counted(broken, 1000);
    await expect(collect(openStream(source.stream, new FileOpener(descriptor)))).rejects.toMatchObject({
      code: "chunk",
    });
    expect(source.state.cancelled).toBe(true);
    const short = sealStream(counted(file, 1000).stream, new FileSealer(file.length + 1, seeded("x")));
    await expect(collect(short)).rejects.toMatchObject({ code: "file_changed" });
  });

  it("whoever stops reading stops the source", async () => {
    const source = counted(file, 1000);
    const reader = sealStream(source.stream, new FileSealer(file.length, seeded("x"), CHUNK)).getReader();
    await reader.read();
    await reader.cancel();
    expect(source.state.cancelled).toBe(true);
    expect(source.state.at).toBeLessThanOrEqual(CHUNK + 1000);
  });
});
