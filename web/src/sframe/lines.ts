/**
 * What the page, the engine and the media worker say to one another.
 *
 * Keys come from the engine over a port that the page hands over and keeps no end of: the interface never touches one.
 */

import type { Kind } from "./kid";

/** From the engine. `who` and the values of `leaves` are labels of devices, the same in every epoch. */
export type KeysMessage =
  /** An epoch was merged. `baseKey` is the receiver's to wipe. The same epoch again: only encrypt again. */
  | {
      readonly kind: "epoch";
      readonly epoch: bigint;
      readonly baseKey: Uint8Array;
      readonly ownLeaf: number;
      readonly leaves: ReadonlyMap<number, string>;
    }
  /** E14, E19: nothing is encrypted until the next epoch comes; `gone` is unheard from now on. */
  | { readonly kind: "hold"; readonly gone: string | null }
  | { readonly kind: "end" };

type Streams = { readonly readable: ReadableStream; readonly writable: WritableStream };

/** Of one transform: an RTCRtpSender's, or an RTCRtpReceiver's. `id` is the page's name for it, never used again. */
export type Transform =
  | { readonly side: "send"; readonly id: string; readonly media: Kind }
  | { readonly side: "receive"; readonly id: string };

/** From the page. */
export type ToMedia =
  | { readonly kind: "keys"; readonly port: MessagePort }
  /** Where the browser has encoded streams instead of script transforms. */
  | { readonly kind: "streams"; readonly transform: Transform; readonly streams: Streams }
  /** Whose frames, and of which kind, a receiver is to show; `who` null: nobody's. Nothing is shown before. */
  | { readonly kind: "expect"; readonly id: string; readonly who: string | null; readonly media: Kind }
  /** The transform of this id is over. */
  | { readonly kind: "gone"; readonly id: string };

/**
 * Why a receiver's frames are not shown, where that is worth telling: they are no SFrame frames (somebody sent media in
 * the clear), they do not open under the key that they name, they are somebody else's than the server says, or they
 * have named for some time a key that this device does not have.
 */
export type Refusal = "unencrypted" | "forged" | "swapped" | "no_key";

/** To the page. */
export type FromMedia =
  /** A receiver shows somebody: the first frame that opened since it was said whose it is to be. */
  | { readonly kind: "heard"; readonly id: string; readonly who: string }
  /** Said once for a receiver and a reason, until it hears somebody again. `who`: whose frames they really are. */
  | { readonly kind: "refused"; readonly id: string; readonly why: Refusal; readonly who: string | null }
  /** Nothing leaves while this is so, and why: no key yet, a hold, or an end. */
  | { readonly kind: "sending"; readonly on: boolean };
