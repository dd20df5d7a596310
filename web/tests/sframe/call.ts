/** A call of a few devices with fixed keys. */

import { toHex } from "../../src/bytes/bytes";
import { type Dropped, FrameDecryptor, type Opened } from "../../src/sframe/frameDecryptor";
import { FrameEncryptor } from "../../src/sframe/frameEncryptor";
import type { Kind } from "../../src/sframe/kid";
import { type Leaves, type ReceiveEpoch, ReceiveKeys } from "../../src/sframe/receiveKeys";
import { seeded } from "../identity/people";

export type Bytes = Uint8Array<ArrayBuffer>;

export const EVERYONE: Leaves = new Map([
  [0, "anna"],
  [3, "ben"],
  [255, "cleo"],
]);
export const OWN_LEAF = 255;

export const baseKey = (epoch: bigint): Bytes => bytes(`base key ${epoch}`, 32);
export const bytes = (name: string, length: number): Bytes => seeded(name)(length).slice();

/** What the encoder gives: of VP8, the first bit tells a key frame. */
export function frameOf(kind: Kind, length: number, options: { key?: boolean } = {}): Bytes {
  const frame = bytes(`${kind} ${length}`, length);
  if (length > 0 && (kind === "camera" || kind === "screen")) {
    frame[0] = options.key ? frame[0]! & 0xfe : frame[0]! | 1;
  }
  return frame;
}

export function sender(kind: Kind, epoch: bigint, leaf: number, name = `sender ${leaf}`): FrameEncryptor {
  const encryptor = new FrameEncryptor(kind, seeded(name));
  encryptor.switchTo({ epoch, baseKey: baseKey(epoch), leaf });
  return encryptor;
}

export const epochOf = (epoch: bigint, leaves: Leaves = EVERYONE): ReceiveEpoch => ({
  epoch,
  baseKey: baseKey(epoch),
  leaves,
  ownLeaf: OWN_LEAF,
});

export function receiver(
  kind: Kind,
  epoch: bigint,
  now = 0,
): { keys: ReceiveKeys; decryptor: FrameDecryptor } {
  const keys = new ReceiveKeys();
  keys.begin(epochOf(epoch), now);
  return { keys, decryptor: new FrameDecryptor(kind, keys) };
}

/** In few words: who said it, or why it was dropped. */
export const heard = (result: Opened | Dropped): string => (typeof result === "string" ? result : result.who);

export const said = (result: Opened | Dropped): string =>
  typeof result === "string" ? result : toHex(result.frame);
