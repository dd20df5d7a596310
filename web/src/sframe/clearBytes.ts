/**
 * What stays clear in front of an encrypted frame, so that packetizers and the SFU can still tell key frames apart:
 * ten bytes of a VP8 key frame, three of its other frames (RFC 6386 §9.1), nothing of Opus. What is clear is
 * authenticated: it is the metadata of the SFrame ciphertext that follows it.
 *
 *   frame = clear ‖ SFrame header ‖ ciphertext ‖ tag
 */

import type { Kind } from "./kid";

export type Codec = "opus" | "vp8";

const CODECS: Readonly<Record<Kind, Codec>> = {
  audio: "opus",
  camera: "vp8",
  screen: "vp8",
  screen_audio: "opus",
};

const KEY_FRAME_CLEAR = 10;
const DELTA_FRAME_CLEAR = 3;
export const MAX_CLEAR = KEY_FRAME_CLEAR;

export const codecOf = (kind: Kind): Codec => CODECS[kind];

/**
 * How many bytes of a frame, encrypted or not, are clear; -1 when the frame is too short to be one.
 * The first of the clear bytes says so itself, and it is authenticated: sender and receiver can't differ.
 */
export function clearLength(codec: Codec, frame: Uint8Array): number {
  if (codec === "opus") return 0;
  const first = frame[0];
  if (first === undefined) return -1;
  const length = (first & 1) === 0 ? KEY_FRAME_CLEAR : DELTA_FRAME_CLEAR;
  return frame.length < length ? -1 : length;
}
