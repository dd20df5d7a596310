/** What all members of a group agree on in one epoch (RFC 9420 §8.1). */

import { decode, encode, type Reader, type Writer } from "./codec";
import { type Extension, readExtensions, writeExtensions } from "./extension";

export type GroupContext = {
  readonly version: number;
  readonly suite: number;
  readonly groupId: Uint8Array;
  readonly epoch: bigint;
  readonly treeHash: Uint8Array;
  readonly confirmedTranscriptHash: Uint8Array;
  readonly extensions: readonly Extension[];
};

export function writeGroupContext(writer: Writer, context: GroupContext): void {
  writer.uint16(context.version).uint16(context.suite).opaque(context.groupId).uint64(context.epoch);
  writer.opaque(context.treeHash).opaque(context.confirmedTranscriptHash);
  writeExtensions(writer, context.extensions);
}

export function readGroupContext(reader: Reader): GroupContext {
  return {
    version: reader.uint16(),
    suite: reader.uint16(),
    groupId: reader.opaque(),
    epoch: reader.uint64(),
    treeHash: reader.opaque(),
    confirmedTranscriptHash: reader.opaque(),
    extensions: readExtensions(reader),
  };
}

export const encodeGroupContext = (context: GroupContext): Uint8Array =>
  encode((writer) => writeGroupContext(writer, context));

/** @throws DecodeError */
export const decodeGroupContext = (bytes: Uint8Array): GroupContext => decode(bytes, readGroupContext);
