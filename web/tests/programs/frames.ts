/** What a receiver of a call makes of a frame that was changed on its way, for the fuzzer (tests/fuzz/frames.py). */

import { concat, utf8 } from "../../src/bytes/bytes";
import { FrameDecryptor } from "../../src/sframe/frameDecryptor";
import type { Kind } from "../../src/sframe/kid";
import { ReceiveKeys } from "../../src/sframe/receiveKeys";

const LEAVES = new Map([
  [0, "anna"],
  [3, "ben"],
  [255, "cleo"],
]);

type Frames = {
  readonly kind: Kind;
  readonly epoch: number;
  readonly base_key: Uint8Array<ArrayBuffer>;
  readonly all: readonly Uint8Array<ArrayBuffer>[];
};

/** What a new receiver opens, and what it says when the same comes again; or why it dropped it. */
export function judgeFrames({ kind, epoch, base_key, all }: Frames): Promise<(Uint8Array | string)[]> {
  return Promise.all(
    all.map(async (frame) => {
      const keys = new ReceiveKeys();
      keys.begin({ epoch: BigInt(epoch), baseKey: base_key, leaves: LEAVES, ownLeaf: 255 }, 0);
      const decryptor = new FrameDecryptor(kind, keys);
      const opened = await decryptor.decrypt(frame, 0);
      const again = await decryptor.decrypt(frame, 0);
      if (typeof opened === "string") return `dropped ${opened}`;
      return concat(utf8(`${opened.who} ${opened.leaf} ${opened.epoch} ${String(again)} `), opened.frame);
    }),
  );
}
