/** What a PrivateMessage says in the clear (RFC 9420 §6.3). */

import { decodeMlsMessage } from "../../mls/mlsMessage";
import { judged } from "./faults";

/** The epoch that a message names, or null where it is no PrivateMessage. */
export function epochOf(payload: Uint8Array): bigint | null {
  const read = judged(() => decodeMlsMessage(payload));
  if ("fault" in read) return null;
  const message = read.value;
  return message.type === "private_message" ? message.message.epoch : null;
}
