/** Decrypts the frames of one transceiver (E36). What it drops is never shown, and is no error: noise is to be expected. */

import { clearLength, codecOf } from "./clearBytes";
import { emptyHeader, readHeader } from "./header";
import { type Kind, kindOf } from "./kid";
import type { ReceiveKeys, Stream } from "./receiveKeys";
import { Scratch } from "./scratch";
import { AES_256_GCM_SHA512 as SUITE } from "./suites";

export type Opened = {
  readonly frame: Uint8Array<ArrayBuffer>;
  /** Whose it is: by the leaf in the tree of that epoch, whatever transceiver or SSRC it came through. */
  readonly who: string;
  readonly leaf: number;
  readonly epoch: bigint;
};

/**
 * Why a frame was dropped: it is no SFrame ciphertext, it is of another kind than the transceiver, its epoch or leaf
 * has no key here (any more), it was here before or is too old, or it does not open.
 */
export type Dropped = "malformed" | "kind" | "no_key" | "replay" | "forged";

/** A frame beyond this is not looked at. */
export const MAX_FRAME = 4 * 1024 * 1024;

export class FrameDecryptor {
  readonly kind: Kind;
  readonly #keys: ReceiveKeys;
  readonly #scratch = new Scratch();
  readonly #header = emptyHeader();
  /** Nearly every frame is of the same stream as the one before. */
  #last: Stream | null = null;

  constructor(kind: Kind, keys: ReceiveKeys) {
    this.kind = kind;
    this.#keys = keys;
  }

  /** `now` in ms of the clock that `keys` goes by. */
  async decrypt(frame: Uint8Array<ArrayBuffer>, now: number): Promise<Opened | Dropped> {
    if (frame.length > MAX_FRAME) return "malformed";
    const clear = clearLength(codecOf(this.kind), frame);
    const header = this.#header;
    const headerLength = clear < 0 ? 0 : readHeader(frame, clear, header);
    const start = clear + headerLength;
    if (headerLength === 0 || frame.length < start + SUITE.nt) return "malformed";
    if (header.ctrHigh !== 0) return "malformed";
    const { kidHigh, kidLow, ctrLow: ctr } = header;
    if (kindOf(kidHigh) !== this.kind) return "kind";
    const stream = this.#streamOf(kidHigh, kidLow, now);
    if (stream === null) return "no_key";
    if (!stream.window.isFresh(ctr)) return "replay";
    while (stream.key === null) await stream.imported;

    const scratch = this.#scratch;
    for (let i = 0; i < headerLength; i++) scratch.aad[i] = frame[clear + i]!;
    for (let i = 0; i < clear; i++) scratch.aad[headerLength + i] = frame[i]!;
    const params = scratch.params(stream.salt, ctr, headerLength + clear);
    let opened: ArrayBuffer;
    try {
      opened = await crypto.subtle.decrypt(params, stream.key, frame.subarray(start));
    } catch (cause) {
      if (cause instanceof DOMException && cause.name === "OperationError") return "forged";
      throw cause;
    }
    // Looked at again: while it was opened, its twin may have come, its leaf have gone or its epoch have ended.
    const kept = this.#keys.keep(stream, now);
    if (kept === null) return "no_key";
    if (!kept.window.mark(ctr)) return "replay";
    this.#last = kept;
    return {
      frame: withClear(frame, clear, opened),
      who: kept.who,
      leaf: kept.leaf,
      epoch: kept.epoch.epoch,
    };
  }

  #streamOf(kidHigh: number, kidLow: number, now: number): Stream | null {
    const last = this.#last;
    if (last !== null && last.kidHigh === kidHigh && last.kidLow === kidLow && last.isLive(now)) return last;
    return this.#keys.find(kidHigh, kidLow, now);
  }
}

/** The clear bytes in front of what was opened; for Opus, which has none, nothing is copied. */
function withClear(frame: Uint8Array, clear: number, opened: ArrayBuffer): Uint8Array<ArrayBuffer> {
  if (clear === 0) return new Uint8Array(opened);
  const out = new Uint8Array(clear + opened.byteLength);
  for (let i = 0; i < clear; i++) out[i] = frame[i]!;
  out.set(new Uint8Array(opened), clear);
  return out;
}
