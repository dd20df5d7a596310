import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { decodeDescriptor, encodeDescriptor } from "../../src/attachments/descriptor";
import { ChunkOpener, FileOpener } from "../../src/attachments/fileOpener";
import { FileSealer } from "../../src/attachments/fileSealer";
import { concat, fromHex, toHex } from "../../src/bytes/bytes";
import { seeded } from "../identity/people";
import { type Bytes, collect } from "./files";

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), "../../../tests/agreement");
const FILE = join(FOLDER, "attachments.json");
/** Written by tests/agreement/test_attachments.py of the repository. */
const PYTHON = join(FOLDER, "attachments_python.json");
/** Of longer files the hash alone is kept. */
const LONGEST_WRITTEN = 10_000;

type Made = {
  seed: number;
  size: number;
  chunk_size: number;
  descriptor: string;
  ciphertext: string | null;
};

/** Byte i is (i·i + seed) mod 251. */
const content = (size: number, seed: number): Bytes =>
  Uint8Array.from({ length: size }, (_, i) => (i * i + seed) % 251);

async function sealed(
  key: Uint8Array,
  size: number,
  seed: number,
  chunkSize: number,
  name: string,
  type: string,
): Promise<Made> {
  const sealer = new FileSealer(size, () => key, chunkSize);
  const pushed = await collect(sealer.push(content(size, seed)));
  const ciphertext = concat(pushed, await collect(sealer.finish()));
  return {
    seed,
    size,
    chunk_size: chunkSize,
    descriptor: toHex(encodeDescriptor(sealer.descriptor(name, type))),
    ciphertext: size <= LONGEST_WRITTEN ? toHex(ciphertext) : null,
  };
}

const key = (name: string) => seeded(`agreement on attachments: ${name}`)(32);

const answers = () =>
  Promise.all([
    sealed(key("empty"), 0, 5, 65_536, "leer", "text/plain"),
    sealed(key("short"), 8193, 6, 4096, "Plan (2).odt", "application/vnd.oasis.opendocument.text"),
    sealed(key("long"), 131_072, 7, 65_536, "🎧", "audio/ogg"),
    sealed(key("padded"), 290_000, 8, 7777, "x", "application/octet-stream"),
  ]);

const made = (file: string) => (existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Made[]) : []);

describe("attachments", () => {
  it("are the same bytes in every language", async () => {
    await expect(`${JSON.stringify(await answers(), null, 1)}\n`).toMatchFileSnapshot(FILE);
    expect(made(PYTHON).length).toBeGreaterThan(0);
  });

  it.each([...made(PYTHON), ...made(FILE)])(
    "of $size bytes ($seed) open and are sealed alike",
    async (one) => {
      const descriptor = decodeDescriptor(fromHex(one.descriptor));
      const { key: fileKey, name, type } = descriptor;
      expect(await sealed(fileKey, one.size, one.seed, one.chunk_size, name, type)).toEqual(one);
      if (one.ciphertext === null) return;
      const [ciphertext, whole] = [fromHex(one.ciphertext), content(one.size, one.seed)];
      const opener = new FileOpener(descriptor);
      const pushed = await collect(opener.push(ciphertext));
      expect(toHex(concat(pushed, await opener.finish()))).toBe(toHex(whole));
      const ranged = new ChunkOpener(descriptor);
      for (let n = 0; n < ranged.geometry.chunks; n++) {
        const opened = await ranged.open(n, ciphertext.slice(...ranged.geometry.chunkRange(n)));
        expect(toHex(opened)).toBe(toHex(whole.slice(n * one.chunk_size, (n + 1) * one.chunk_size)));
      }
    },
  );
});
