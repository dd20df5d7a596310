/**
 * All frames of a call on their way out and in (E35, E36): encrypted before they leave, opened before they are shown,
 * else dropped. What a worker does, without the worker: frames and times are arguments.
 */

import { type Rng, wipe } from "../bytes/bytes";
import { UsageError } from "../mls/errors";
import { type Dropped, FrameDecryptor } from "./frameDecryptor";
import { FrameEncryptor, type SendEpoch } from "./frameEncryptor";
import type { Kind } from "./kid";
import type { FromMedia, KeysMessage, Refusal } from "./lines";
import { ReceiveKeys } from "./receiveKeys";

/** Frames under an unknown key are no news while an epoch changes; after this time (ms) they are. */
const NO_KEY_AFTER = 5_000;
/** Transforms at a time: four that send, and for each of eleven others four that receive, with some to spare. */
export const MAX_TRANSFORMS = 128;

type Bytes = Uint8Array<ArrayBuffer>;

const WORTH_TELLING: Readonly<Record<Exclude<Dropped, "replay" | "no_key">, Refusal>> = {
  malformed: "unencrypted",
  kind: "swapped",
  forged: "forged",
};

class Receiver {
  readonly decryptor: FrameDecryptor;
  readonly who: string;
  heard = false;
  /** Since when nothing but frames under unknown keys came. */
  keyless: number | null = null;
  readonly told = new Set<Refusal>();

  constructor(who: string, decryptor: FrameDecryptor) {
    this.who = who;
    this.decryptor = decryptor;
  }
}

export class MediaPlane {
  readonly #rng: Rng;
  readonly #tell: (message: FromMedia) => void;
  readonly #keys = new ReceiveKeys();
  readonly #senders = new Map<string, FrameEncryptor>();
  /** Of those that are to show somebody. */
  readonly #receivers = new Map<string, Receiver>();
  #epoch: SendEpoch | null = null;
  #latest: bigint | null = null;
  #over = false;

  constructor(rng: Rng, tell: (message: FromMedia) => void) {
    this.#rng = rng;
    this.#tell = tell;
  }

  /**
   * What the engine says. `now` in ms of a monotonic clock, everywhere. When to call `expire` (ms), or null.
   * @throws UsageError for an epoch before the present one
   */
  take(message: KeysMessage, now: number): number | null {
    if (this.#over) return null;
    switch (message.kind) {
      case "epoch":
        this.#begin(message, now);
        break;
      case "hold":
        this.#stopSending();
        if (message.gone !== null) this.#keys.mute(message.gone);
        break;
      case "end":
        this.#over = true;
        this.#stopSending();
        this.#keys.close();
        return null;
    }
    return this.#keys.expire(now);
  }

  #begin({ epoch, baseKey, ownLeaf, leaves }: Extract<KeysMessage, { kind: "epoch" }>, now: number): void {
    if (epoch !== this.#latest) {
      this.#keys.begin({ epoch, baseKey, leaves, ownLeaf }, now);
      this.#latest = epoch;
    }
    this.#forgetEpoch();
    this.#epoch = { epoch, baseKey, leaf: ownLeaf };
    // E36: senders switch on merge.
    for (const encryptor of this.#senders.values()) encryptor.switchTo(this.#epoch);
    this.#tell({ kind: "sending", on: true });
  }

  #stopSending(): void {
    for (const encryptor of this.#senders.values()) encryptor.stop();
    this.#forgetEpoch();
    this.#tell({ kind: "sending", on: false });
  }

  #forgetEpoch(): void {
    if (this.#epoch !== null) wipe(this.#epoch.baseKey);
    this.#epoch = null;
  }

  /** Drop the keys of epochs that are over. When to call again (ms), or null. */
  expire(now: number): number | null {
    return this.#keys.expire(now);
  }

  /** E35: one encryptor for each RTCRtpSender. @throws UsageError beyond MAX_TRANSFORMS */
  addSender(id: string, kind: Kind): void {
    this.#requireRoom();
    const encryptor = new FrameEncryptor(kind, this.#rng);
    if (this.#epoch !== null) encryptor.switchTo(this.#epoch);
    this.#senders.set(id, encryptor);
  }

  /** Whose frames this receiver shows from now on: nobody else's, and of no other kind. @throws UsageError as above */
  expect(id: string, who: string | null, kind: Kind): void {
    const known = this.#receivers.get(id);
    if (known !== undefined && known.who === who && known.decryptor.kind === kind) return;
    this.#receivers.delete(id);
    if (who === null) return;
    this.#requireRoom();
    this.#receivers.set(id, new Receiver(who, new FrameDecryptor(kind, this.#keys)));
  }

  #requireRoom(): void {
    if (this.#senders.size + this.#receivers.size >= MAX_TRANSFORMS) {
      throw new UsageError("transforms", "more transforms than a call has");
    }
  }

  gone(id: string): void {
    this.#senders.get(id)?.stop();
    this.#senders.delete(id);
    this.#receivers.delete(id);
  }

  /** The frame as it may leave; null: nothing may. */
  async seal(id: string, frame: Bytes): Promise<Bytes | null> {
    const encryptor = this.#senders.get(id);
    if (encryptor === undefined || this.#epoch === null) return null;
    try {
      return await encryptor.encrypt(frame);
    } catch (error) {
      // No key (any more), or not a frame of its kind: fail closed, one frame is lost.
      if (error instanceof UsageError) return null;
      throw error;
    }
  }

  /** The frame as it may be shown; null: it may not. */
  async open(id: string, frame: Bytes, now: number): Promise<Bytes | null> {
    const receiver = this.#receivers.get(id);
    if (receiver === undefined) return null;
    const opened = await receiver.decryptor.decrypt(frame, now);
    // Meanwhile it may have been said that this receiver shows somebody else.
    if (this.#receivers.get(id) !== receiver) return null;
    if (typeof opened === "string") {
      this.#dropped(id, receiver, opened, now);
      return null;
    }
    if (opened.who !== receiver.who) {
      this.#refuse(id, receiver, "swapped", opened.who);
      return null;
    }
    receiver.keyless = null;
    if (!receiver.heard) {
      receiver.heard = true;
      receiver.told.clear();
      this.#tell({ kind: "heard", id, who: opened.who });
    }
    return opened.frame;
  }

  #dropped(id: string, receiver: Receiver, why: Dropped, now: number): void {
    if (why === "replay") return; // the frame was shown once: noise
    if (why === "no_key") {
      receiver.keyless ??= now;
      if (now - receiver.keyless >= NO_KEY_AFTER) this.#refuse(id, receiver, "no_key", null);
      return;
    }
    this.#refuse(id, receiver, WORTH_TELLING[why], null);
  }

  #refuse(id: string, receiver: Receiver, why: Refusal, who: string | null): void {
    if (receiver.told.has(why)) return;
    receiver.told.add(why);
    receiver.heard = false;
    this.#tell({ kind: "refused", id, why, who });
  }
}
