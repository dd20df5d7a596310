/** The statement of whoever cannot complete a Commit that is valid for everyone (E18). */

import { concat, u64 } from "../bytes/bytes";
import { signLabelled, verifyLabelled } from "../identity/signed";
import type { Stuck } from "../wire/generated";

function contentToSign(roomId: Uint8Array, position: number, device: Uint8Array): Uint8Array {
  return concat(roomId, u64(position), device);
}

/** By the identity key: it says that this device could not complete the Commit at `position`. */
export function signStuck(
  identityPrivateKey: Uint8Array,
  roomId: Uint8Array,
  position: number,
  device: Uint8Array,
): Stuck {
  return {
    position,
    signature: signLabelled(identityPrivateKey, "stuck", contentToSign(roomId, position, device)),
  };
}

export function stuckIsValid(
  identityKey: Uint8Array,
  roomId: Uint8Array,
  device: Uint8Array,
  { position, signature }: Stuck,
): boolean {
  return verifyLabelled(identityKey, "stuck", contentToSign(roomId, position, device), signature);
}
