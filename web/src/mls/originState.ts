/**
 * A GroupOrigin as it is stored: cases begin from epochs of the commons that are long past (E31). It holds a secret: the
 * vault encrypts it, and drops it when no group may begin from that epoch any more.
 */

import { decode, encode, type Reader } from "./codec";
import { readGroupContext, writeGroupContext } from "./groupContext";
import type { GroupOrigin } from "./groupOrigin";
import { FORMAT, guarded, readReInit, readSecret, requireFormat } from "./groupState";
import { readLeafNode, writeLeafNode } from "./leafNode";
import { writeProposal } from "./proposal";
import { roomSuiteOf, type SuiteLookup } from "./suite";
import { MAX_LEAVES } from "./treeMath";

export const encodeOrigin = ({ context, reinit, members, psk }: GroupOrigin): Uint8Array =>
  encode((writer) => {
    writeGroupContext(writer.uint8(FORMAT), context);
    writer.optional(reinit, writeProposal).vector(members, writeLeafNode).opaque(psk);
  });

/** @throws StorageError group_origin, or what else names the damage */
export const decodeOrigin = (stored: Uint8Array, suites: SuiteLookup = roomSuiteOf): GroupOrigin =>
  guarded("group_origin", () => decode(stored, (reader) => readOrigin(reader, suites)));

function readOrigin(reader: Reader, suites: SuiteLookup): GroupOrigin {
  requireFormat(reader);
  const context = readGroupContext(reader);
  const suite = suites(context.suite);
  return {
    context,
    reinit: reader.optional(readReInit) ?? null,
    members: reader.vector(readLeafNode, MAX_LEAVES),
    psk: readSecret(reader, suite.nh),
  };
}
