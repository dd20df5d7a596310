/** The names of pre-shared keys (RFC 9420 §8.4). */

import { decode, encode, type Reader, type Writer } from "./codec";
import { DecodeError } from "./errors";

export type ResumptionUsage = "application" | "reinit" | "branch";

export type PreSharedKeyId =
  | { readonly kind: "external"; readonly id: Uint8Array; readonly nonce: Uint8Array }
  | {
      readonly kind: "resumption";
      readonly usage: ResumptionUsage;
      readonly groupId: Uint8Array;
      readonly epoch: bigint;
      readonly nonce: Uint8Array;
    };

const PSK_EXTERNAL = 1;
const PSK_RESUMPTION = 2;
const USAGES: readonly (ResumptionUsage | undefined)[] = [undefined, "application", "reinit", "branch"];

export function writePreSharedKeyId(writer: Writer, psk: PreSharedKeyId): void {
  if (psk.kind === "external") writer.uint8(PSK_EXTERNAL).opaque(psk.id);
  else {
    writer.uint8(PSK_RESUMPTION).uint8(USAGES.indexOf(psk.usage));
    writer.opaque(psk.groupId).uint64(psk.epoch);
  }
  writer.opaque(psk.nonce);
}

export function readPreSharedKeyId(reader: Reader): PreSharedKeyId {
  const kind = reader.uint8();
  if (kind === PSK_EXTERNAL) return { kind: "external", id: reader.opaque(), nonce: reader.opaque() };
  if (kind !== PSK_RESUMPTION) throw new DecodeError(`a pre-shared key of the unknown type ${kind}`);
  const usage = USAGES[reader.uint8()];
  if (usage === undefined) throw new DecodeError("a resumption PSK of an unknown usage");
  return {
    kind: "resumption",
    usage,
    groupId: reader.opaque(),
    epoch: reader.uint64(),
    nonce: reader.opaque(),
  };
}

export const encodePreSharedKeyId = (psk: PreSharedKeyId): Uint8Array =>
  encode((writer) => writePreSharedKeyId(writer, psk));

/** @throws DecodeError */
export const decodePreSharedKeyId = (bytes: Uint8Array): PreSharedKeyId => decode(bytes, readPreSharedKeyId);
