/**
 * What can go wrong with an attachment, and whose fault it is.
 *
 *   AttachmentError      code, fault
 *   ├─ "chunk"           peer   a chunk that is not the one that stands there: changed, moved, or of another file
 *   ├─ "length"          peer   a file that was cut short, or goes on after its end
 *   └─ "hash"            peer   every chunk opens, but it is not the ciphertext that the event names
 *
 * A descriptor that is none throws RoomDataError, and misuse UsageError.
 */

import type { Fault } from "../mls/errors";

export class AttachmentError extends Error {
  /** Stable: callers, tests and words for people match on it. */
  readonly code: "chunk" | "length" | "hash";
  readonly fault: Fault = "peer";

  constructor(code: AttachmentError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AttachmentError";
    this.code = code;
  }
}
