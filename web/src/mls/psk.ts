/** Pre-shared keys (RFC 9420 §8.4): how they are named, and how those of one commit become one secret. */

import { toHex, wipe } from "../bytes/bytes";
import { encode, type Reader, type Writer } from "./codec";
import { DecodeError, InvalidError, UsageError } from "./errors";
import { zeroSecret } from "./keySchedule";
import type { CipherSuite } from "./suite";

export type ResumptionUsage = "application" | "reinit" | "branch";

export type PreSharedKeyId =
  | Readonly<{ type: "external"; pskId: Uint8Array; nonce: Uint8Array }>
  | Readonly<{
      type: "resumption";
      usage: ResumptionUsage;
      groupId: Uint8Array;
      epoch: bigint;
      nonce: Uint8Array;
    }>;

/** Finds the secret that an id names, or answers undefined. Ids with equal names and other nonces name one secret. */
export type PskLookup = (id: PreSharedKeyId) => Uint8Array | undefined;

export type NamedPsk = Readonly<{ id: PreSharedKeyId; secret: Uint8Array }>;

const TYPE_EXTERNAL = 1;
const TYPE_RESUMPTION = 2;
const USAGES: readonly ResumptionUsage[] = ["application", "reinit", "branch"];
/** PSKLabel counts in 16 bits. */
const MAX_PSKS = 0xffff;

export function writePreSharedKeyId(writer: Writer, id: PreSharedKeyId): void {
  switch (id.type) {
    case "external":
      writer.uint8(TYPE_EXTERNAL).opaque(id.pskId);
      break;
    case "resumption":
      writer
        .uint8(TYPE_RESUMPTION)
        .uint8(USAGES.indexOf(id.usage) + 1)
        .opaque(id.groupId)
        .uint64(id.epoch);
      break;
  }
  writer.opaque(id.nonce);
}

/** @throws DecodeError */
export function readPreSharedKeyId(reader: Reader): PreSharedKeyId {
  const type = reader.uint8();
  switch (type) {
    case TYPE_EXTERNAL:
      return { type: "external", pskId: reader.opaque(), nonce: reader.opaque() };
    case TYPE_RESUMPTION: {
      const usage = USAGES[reader.uint8() - 1];
      if (usage === undefined) throw new DecodeError("a resumption PSK has an unknown usage");
      return {
        type: "resumption",
        usage,
        groupId: reader.opaque(),
        epoch: reader.uint64(),
        nonce: reader.opaque(),
      };
    }
    default:
      throw new DecodeError(`there is no PSK type ${type}`);
  }
}

/** The whole id as one text, to find an id that comes twice in a list. */
export function pskIdKey(id: PreSharedKeyId): string {
  return toHex(encode((writer) => writePreSharedKeyId(writer, id)));
}

/**
 * RFC 9420 §8.4: `psk_secret` over the PSKs in their order. Without any it is the all-zero vector.
 * The result and nothing else is secret that the caller must wipe.
 */
export function pskSecret(suite: CipherSuite, psks: readonly NamedPsk[]): Uint8Array {
  if (psks.length > MAX_PSKS) throw new UsageError("psk_count", "more PSKs than 16 bits count");
  let secret = zeroSecret(suite);
  psks.forEach((psk, index) => {
    const extracted = suite.extract(zeroSecret(suite), psk.secret);
    const label = encode((writer) => {
      writePreSharedKeyId(writer, psk.id);
      writer.uint16(index).uint16(psks.length);
    });
    const input = suite.expandWithLabel(extracted, "derived psk", label, suite.nh);
    const next = suite.extract(input, secret);
    wipe(extracted, input, secret);
    secret = next;
  });
  return secret;
}

/** Looks every id up. @throws InvalidError psk_missing, psk_count */
export function findPsks(ids: readonly PreSharedKeyId[], lookup: PskLookup): readonly NamedPsk[] {
  if (ids.length > MAX_PSKS) throw new InvalidError("psk_count", "more PSKs than 16 bits count");
  return ids.map((id) => {
    const secret = lookup(id);
    if (secret === undefined) throw new InvalidError("psk_missing", "a PSK is named that is not here");
    return { id, secret };
  });
}
