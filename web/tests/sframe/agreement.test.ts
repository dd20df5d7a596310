import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../src/bytes/bytes";
import { FrameDecryptor } from "../../src/sframe/frameDecryptor";
import { FrameEncryptor } from "../../src/sframe/frameEncryptor";
import { BASE_KEY_LABEL, BASE_KEY_LENGTH } from "../../src/sframe/keyDerivation";
import { KINDS, type Kind } from "../../src/sframe/kid";
import { ReceiveKeys } from "../../src/sframe/receiveKeys";
import { bytes, frameOf } from "./call";

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), "../../../tests/agreement");
const FILE = join(FOLDER, "sframe.json");
/** Written by tests/agreement/test_sframe.py of the repository. */
const PYTHON = join(FOLDER, "sframe_python.json");

type Sender = {
  kind: Kind;
  epoch: number;
  leaf: number;
  base_key: string;
  random: string;
  frames: { plain: string; sent: string }[];
};
type Answers = { base_key_label: string; senders: Sender[] };

async function sending(kind: Kind, epoch: number, leaf: number): Promise<Sender> {
  const baseKey = bytes(`base key ${epoch}`, BASE_KEY_LENGTH);
  const random = bytes(`random ${kind}`, 6);
  const encryptor = new FrameEncryptor(kind, () => random);
  encryptor.switchTo({ epoch: BigInt(epoch), baseKey, leaf });
  const frames = [];
  for (const [length, key] of [
    [50, true],
    [51, false],
    [1100, false],
    [10, true],
  ] as const) {
    const frame = frameOf(kind, length, { key });
    frames.push({ plain: toHex(frame), sent: toHex(await encryptor.encrypt(frame)) });
  }
  return { kind, epoch, leaf, base_key: toHex(baseKey), random: toHex(random), frames };
}

async function answers(): Promise<Answers> {
  const senders = [];
  for (const [i, kind] of KINDS.entries()) senders.push(await sending(kind, 254 + i, 85 * i));
  return { base_key_label: BASE_KEY_LABEL, senders };
}

const python = JSON.parse(readFileSync(PYTHON, "utf8")) as Answers;
const written = existsSync(FILE) ? (JSON.parse(readFileSync(FILE, "utf8")) as Answers).senders : [];

describe("frames of a call", () => {
  it("are the same bytes in every language", async () => {
    await expect(`${JSON.stringify(await answers(), null, 1)}\n`).toMatchFileSnapshot(FILE);
    expect(python.base_key_label).toBe(BASE_KEY_LABEL);
  });

  it.each([...python.senders, ...written])(
    "E35 $kind of leaf $leaf opens and is made alike",
    async (made) => {
      const epoch = { epoch: BigInt(made.epoch), baseKey: fromHex(made.base_key), leaf: made.leaf };
      const encryptor = new FrameEncryptor(made.kind, () => fromHex(made.random));
      encryptor.switchTo(epoch);
      const keys = new ReceiveKeys();
      const ownLeaf = made.leaf ^ 1;
      const leaves = new Map([
        [made.leaf, "sender"],
        [ownLeaf, "receiver"],
      ]);
      keys.begin({ ...epoch, leaves, ownLeaf }, 0);
      const decryptor = new FrameDecryptor(made.kind, keys);
      expect(made.frames.length).toBeGreaterThan(0);
      for (const { plain, sent } of made.frames) {
        const opened = await decryptor.decrypt(fromHex(sent) as Uint8Array<ArrayBuffer>, 0);
        if (typeof opened === "string") throw new Error(opened);
        expect(toHex(opened.frame)).toBe(plain);
        expect(opened).toMatchObject({ who: "sender", leaf: made.leaf, epoch: epoch.epoch });
        expect(toHex(await encryptor.encrypt(fromHex(plain) as Uint8Array<ArrayBuffer>))).toBe(sent);
      }
    },
  );
});
