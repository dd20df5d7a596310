/** The running hash of a room's log (E19), and the hash of a device list (E20): PROTOCOL.md §1. */

import { sha256, sha384 } from "@noble/hashes/sha2.js";
import { concat, u64, utf8 } from "../bytes/bytes";
import { ascending } from "./canonical";

export const SEEN_HEAD_LENGTH = 16;
const LIST_HASH_LENGTH = 16;

/** H_0 of a room's log. */
export function firstHead(roomId: Uint8Array): Uint8Array {
  return sha384(concat(utf8("Collegium 1.0 log"), roomId));
}

/** H_n from H_{n-1}. `time` is the entry's stamp in milliseconds, `payloadHash` its SHA-384. */
export function nextHead(head: Uint8Array, n: number, time: number, payloadHash: Uint8Array): Uint8Array {
  return sha384(concat(head, u64(n), u64(time), payloadHash));
}

export const payloadHash = (payload: Uint8Array): Uint8Array => sha384(payload);

/** What an author repeats of the log: position, and the first bytes of the head there. */
export type Seen = { readonly n: number; readonly head: Uint8Array };

export const seenOf = (n: number, head: Uint8Array): Seen => ({ n, head: head.slice(0, SEEN_HEAD_LENGTH) });

/** E20: the same for the same set of devices. */
export function listHash(devices: readonly Uint8Array[]): Uint8Array {
  return sha256(concat(utf8("Collegium 1.0 list"), ...ascending(devices))).slice(0, LIST_HASH_LENGTH);
}
