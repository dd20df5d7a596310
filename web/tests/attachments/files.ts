/** Files with fixed contents, sealed and opened whole. */

import type { FileDescriptor } from "../../src/attachments/descriptor";
import { FileOpener } from "../../src/attachments/fileOpener";
import { FileSealer } from "../../src/attachments/fileSealer";
import { concatAll } from "../../src/bytes/bytes";
import { seeded } from "../identity/people";

export type Bytes = Uint8Array<ArrayBuffer>;

export type Sealed = { readonly descriptor: FileDescriptor; readonly ciphertext: Bytes };

/** Content that is the same at every run; made by repeating, so that long files cost nothing. */
export function content(name: string, length: number): Bytes {
  const block = seeded(name)(Math.min(length, 1021));
  const out = new Uint8Array(length);
  for (let at = 0; at < length; at += block.length) out.set(block.subarray(0, length - at), at);
  return out;
}

export async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Bytes> {
  const all = [];
  for await (const piece of pieces) all.push(piece);
  return concatAll(all) as Bytes;
}

export async function seal(
  file: Uint8Array,
  options: { chunkSize?: number; partLength?: number; rng?: string } = {},
): Promise<Sealed> {
  const sealer = new FileSealer(file.length, seeded(options.rng ?? "file"), options.chunkSize);
  const partLength = options.partLength ?? Math.max(1, file.length);
  const parts = [];
  for (let at = 0; at < file.length; at += partLength) {
    parts.push(await collect(sealer.push(file.subarray(at, at + partLength))));
  }
  parts.push(await collect(sealer.finish()));
  return {
    descriptor: sealer.descriptor("notes.pdf", "application/pdf"),
    ciphertext: concatAll(parts) as Bytes,
  };
}

/** What was given out before the end, and the end. */
export async function open(
  descriptor: FileDescriptor,
  ciphertext: Uint8Array,
  partLength = Math.max(1, ciphertext.length),
): Promise<{ readonly pushed: Bytes; readonly end: Bytes }> {
  const opener = new FileOpener(descriptor);
  const parts = [];
  for (let at = 0; at < ciphertext.length; at += partLength) {
    parts.push(await collect(opener.push(ciphertext.subarray(at, at + partLength))));
  }
  return { pushed: concatAll(parts) as Bytes, end: await opener.finish() };
}
