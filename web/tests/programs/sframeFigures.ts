/** What frames and attachments cost, in any place that has WebCrypto: Node for the bench, a browser's worker as well. */

import { ChunkCipher } from "../../src/attachments/chunkCipher";
import { Geometry } from "../../src/attachments/geometry";
import { FrameDecryptor } from "../../src/sframe/frameDecryptor";
import { FrameEncryptor } from "../../src/sframe/frameEncryptor";
import type { Kind } from "../../src/sframe/kid";
import { ReceiveKeys } from "../../src/sframe/receiveKeys";
import { AES_256_GCM_SHA512 as NOBLE } from "../../src/sframe/suites";

type Bytes = Uint8Array<ArrayBuffer>;
/** µs for one frame or chunk, one sample for each batch. */
export type Samples = Record<string, number[]>;

const FRAME = 1100;
const KEY_FRAME = 60_000;
const CHUNK = 64 * 1024;
const BATCHES = 60;

const random = (length: number): Bytes => {
  const out = new Uint8Array(length);
  for (let at = 0; at < length; at += 65_536) crypto.getRandomValues(out.subarray(at, at + 65_536));
  return out;
};

export async function sframeFigures(batch = 80): Promise<Samples> {
  const samples: Samples = {};
  const timed = async (name: string, count: number, run: (i: number) => unknown) => {
    const started = performance.now();
    for (let i = 0; i < count; i++) await run(i);
    const spent = ((performance.now() - started) * 1000) / count;
    samples[name] = [...(samples[name] ?? []), spent];
  };

  for (let round = 0; round < BATCHES; round++) {
    await frames("audio", FRAME, batch, "Opus, 1,100 bytes", timed);
    await frames("camera", FRAME, batch, "VP8, 1,100 bytes", timed);
    await frames("camera", KEY_FRAME, Math.ceil(batch / 10), "VP8, 60,000 bytes", timed);
    await noble(FRAME, batch, "noble, 1,100 bytes", timed);
    await noble(KEY_FRAME, Math.ceil(batch / 40), "noble, 60,000 bytes", timed);
    await chunks(Math.ceil(batch / 10), timed);
  }
  return samples;
}

type Timed = (name: string, count: number, run: (i: number) => unknown) => Promise<void>;

async function frames(kind: Kind, length: number, count: number, name: string, timed: Timed): Promise<void> {
  const epoch = { epoch: 7n, baseKey: random(32), leaf: 3 };
  const encryptor = new FrameEncryptor(kind, random);
  encryptor.switchTo(epoch);
  const keys = new ReceiveKeys();
  const leaves = new Map([
    [3, "sender"],
    [4, "receiver"],
  ]);
  keys.begin({ ...epoch, leaves, ownLeaf: 4 }, 0);
  const decryptor = new FrameDecryptor(kind, keys);
  const frame = random(length);
  // The first frame of a sender makes its receivers derive its key.
  await decryptor.decrypt(await encryptor.encrypt(frame), 0);
  const sent: Bytes[] = [];
  await timed(`encrypt: ${name}`, count, async () => sent.push(await encryptor.encrypt(frame)));
  await timed(`decrypt: ${name}`, count, async (i) => {
    const opened = await decryptor.decrypt(sent[i]!, 0);
    if (typeof opened === "string") throw new Error(opened);
  });
}

/** AES-GCM alone, as noble does it. */
async function noble(length: number, count: number, name: string, timed: Timed): Promise<void> {
  const [key, aad, plaintext] = [random(32), random(14), random(length)];
  const nonce = new Uint8Array(12);
  let sealed: Uint8Array = plaintext;
  await timed(`encrypt: ${name}`, count, (i) => {
    new DataView(nonce.buffer).setUint32(8, i);
    sealed = NOBLE.seal(key, nonce, aad, plaintext);
  });
  await timed(`decrypt: ${name}`, count, () => NOBLE.open(key, nonce, aad, sealed));
}

async function chunks(count: number, timed: Timed): Promise<void> {
  const cipher = new ChunkCipher(random(32), new Geometry(count * CHUNK, CHUNK));
  const chunk = random(CHUNK);
  const sealed: Bytes[] = [];
  await timed("seal: chunk of 64 KiB", count, async (i) => sealed.push(await cipher.seal(i, chunk)));
  await timed("open: chunk of 64 KiB", count, (i) => cipher.open(i, sealed[i]!));
}
