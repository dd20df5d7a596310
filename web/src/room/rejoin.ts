/** Rejoin requests (E22). */

import type { Rng } from "../bytes/bytes";
import type { LeafIdentity } from "../identity/credential";
import type { KeyPair } from "../mls/kem";
import type { KeyPackage } from "../mls/keyPackage";

export type RejoinRequest = {
  readonly room: Uint8Array;
  readonly device: Uint8Array;
  /** The leaf that the device had, where it knows. */
  readonly oldLeaf: number | null;
  readonly keyPackageRef: Uint8Array;
  /** The last epoch that it was in; 0 when it knows none. */
  readonly epoch: number;
  readonly nonce: Uint8Array;
  readonly identity: LeafIdentity;
  readonly keyPackage: KeyPackage;
  readonly keyPackageBytes: Uint8Array;
  readonly bytes: Uint8Array;
  readonly hash: Uint8Array;
};

export declare function signRejoinRequest(
  identityKey: KeyPair,
  request: {
    readonly room: Uint8Array;
    readonly device: Uint8Array;
    readonly oldLeaf: number | null;
    readonly epoch: number;
    readonly keyPackage: Uint8Array;
  },
  rng: Rng,
): { readonly sealed: Uint8Array; readonly bytes: Uint8Array; readonly hash: Uint8Array };

/** @throws RoomDataError | RoomRuleError | AsError | MlsError */
export declare function openRejoinRequest(room: Uint8Array, sealed: Uint8Array): RejoinRequest;
