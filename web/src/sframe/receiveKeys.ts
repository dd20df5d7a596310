/**
 * What the receivers of one call know: its epochs, who sat at which leaf in each, and of every KID that was heard the
 * key and the window (E36). All decryptors of a call share one, so a frame is taken once, whichever transceiver it
 * comes through.
 *
 * Times are ms of a monotonic clock, an argument everywhere.
 */

import { wipe } from "../bytes/bytes";
import { UsageError } from "../mls/errors";
import { keyAndSalt, sframeSecret } from "./keyDerivation";
import { encryptorOf, epochByteOf, leafOf, lowByte } from "./kid";
import { ReplayWindow } from "./replayWindow";
import { importKey } from "./scratch";
import { AES_256_GCM_SHA512 as SUITE } from "./suites";

/** E36: how long the keys of an epoch outlive it (ms). */
export const EPOCH_GRACE = 10_000;
/** Of one leaf in one epoch. An honest device has four, and as many again after each reload. */
export const MAX_STREAMS_PER_LEAF = 64;

/** The people of an epoch by leaf, each under a label that is one device's alone and the same in every epoch. */
export type Leaves = ReadonlyMap<number, string>;

export type ReceiveEpoch = {
  readonly epoch: bigint;
  /** Stays the caller's, to be wiped. */
  readonly baseKey: Uint8Array;
  readonly leaves: Leaves;
  readonly ownLeaf: number;
};

/** One KID: an encryptor of one leaf in one epoch. */
export class Stream {
  readonly kidHigh: number;
  readonly kidLow: number;
  readonly leaf: number;
  readonly who: string;
  readonly epoch: EpochKeys;
  readonly salt: Uint8Array;
  readonly imported: Promise<void>;
  readonly window = new ReplayWindow();
  /** Null until it is imported. */
  key: CryptoKey | null = null;

  constructor(epoch: EpochKeys, who: string, kidHigh: number, kidLow: number) {
    const derived = keyAndSalt(SUITE, epoch.secret, kidHigh, kidLow);
    this.kidHigh = kidHigh;
    this.kidLow = kidLow;
    this.leaf = leafOf(kidLow);
    this.who = who;
    this.epoch = epoch;
    this.salt = derived.salt;
    this.imported = importKey(derived.key, "decrypt").then((key) => {
      this.key = key;
    });
  }

  /** Whether its key may still be used: the epoch is not over, and its leaf was not removed. */
  isLive(now: number): boolean {
    return now < this.epoch.endsAt && this.epoch.heard.has(this.leaf);
  }
}

/** One epoch, until it is dropped. */
class EpochKeys {
  readonly epoch: bigint;
  readonly secret: Uint8Array;
  /** Without this device's own leaf, and without those that were removed since. */
  readonly heard: Map<number, string>;
  readonly streams = new Map<number, Map<number, Stream>>();
  endsAt = Number.POSITIVE_INFINITY;

  constructor({ epoch, baseKey, leaves, ownLeaf }: ReceiveEpoch) {
    this.epoch = epoch;
    this.secret = sframeSecret(SUITE, baseKey);
    this.heard = new Map(leaves);
    // RFC 9605 §4.4.1: a key is for encryption or for decryption, never both. Our own frames come back only as a trick.
    this.heard.delete(ownLeaf);
  }

  streamsOf(leaf: number): Map<number, Stream> {
    const known = this.streams.get(leaf) ?? new Map<number, Stream>();
    this.streams.set(leaf, known);
    return known;
  }

  forget(leaf: number): void {
    this.heard.delete(leaf);
    this.streams.delete(leaf);
  }

  close(): void {
    this.heard.clear();
    this.streams.clear();
    wipe(this.secret);
  }
}

export class ReceiveKeys {
  /** By the low byte of their number: two with the same one are never known at once (RFC 9605 §5.2). */
  readonly #epochs: (EpochKeys | undefined)[] = new Array(256);
  #present: EpochKeys | undefined;

  /**
   * The epoch that was merged now; the one before has ended.
   * @throws UsageError when it is not later than that
   */
  begin(epoch: ReceiveEpoch, now: number): void {
    if (this.#present !== undefined && epoch.epoch <= this.#present.epoch) {
      throw new UsageError("epoch_order", "epochs begin in their order");
    }
    if (this.#present !== undefined) this.#present.endsAt = now + EPOCH_GRACE;
    this.expire(now);
    // E36: whoever was removed is unheard at once. A leaf that somebody else sits at now counts as removed.
    for (const keys of this.#epochs) {
      for (const [leaf, who] of keys?.heard ?? []) if (epoch.leaves.get(leaf) !== who) keys?.forget(leaf);
    }
    const slot = lowByte(epoch.epoch);
    this.#drop(slot);
    this.#present = new EpochKeys(epoch);
    this.#epochs[slot] = this.#present;
  }

  /** Somebody is leaving, and their removal is not merged yet: unheard at once (E14). */
  mute(who: string): void {
    for (const keys of this.#epochs) {
      for (const [leaf, one] of keys?.heard ?? []) if (one === who) keys?.forget(leaf);
    }
  }

  /** Drops what is due. When to call again (ms), or null. */
  expire(now: number): number | null {
    let next = Number.POSITIVE_INFINITY;
    for (let slot = 0; slot < this.#epochs.length; slot++) {
      const endsAt = this.#epochs[slot]?.endsAt ?? Number.POSITIVE_INFINITY;
      if (endsAt <= now) this.#drop(slot);
      else next = Math.min(next, endsAt);
    }
    return Number.isFinite(next) ? next : null;
  }

  /** The call is over: every key is forgotten. */
  close(): void {
    for (let slot = 0; slot < this.#epochs.length; slot++) this.#drop(slot);
  }

  /**
   * The stream of a KID: the known one, or a new one that is not known until something opened under it (`keep`), so
   * that noise fills no memory. Null for an epoch, a leaf or a number of encryptors that this device knows nothing of.
   */
  find(kidHigh: number, kidLow: number, now: number): Stream | null {
    const keys = this.#epochs[epochByteOf(kidLow)];
    if (keys === undefined || now >= keys.endsAt) return null;
    const who = keys.heard.get(leafOf(kidLow));
    if (who === undefined) return null;
    const streams = keys.streams.get(leafOf(kidLow));
    const known = streams?.get(encryptorOf(kidHigh, kidLow));
    if (known !== undefined) return known;
    if (streams !== undefined && streams.size >= MAX_STREAMS_PER_LEAF) return null;
    return new Stream(keys, who, kidHigh, kidLow);
  }

  /** After a frame opened: the stream to mark it in, known from now on. Null when its key was dropped meanwhile. */
  keep(stream: Stream, now: number): Stream | null {
    if (!stream.isLive(now)) return null;
    const streams = stream.epoch.streamsOf(stream.leaf);
    const encryptor = encryptorOf(stream.kidHigh, stream.kidLow);
    const known = streams.get(encryptor);
    // Two frames of a new KID may have been opened at once: one window counts for both.
    if (known !== undefined) return known;
    if (streams.size >= MAX_STREAMS_PER_LEAF) return null;
    streams.set(encryptor, stream);
    return stream;
  }

  #drop(slot: number): void {
    this.#epochs[slot]?.close();
    this.#epochs[slot] = undefined;
  }
}
