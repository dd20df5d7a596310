/** Which errors are an answer about somebody else's bytes. All others are our own and are not caught. */

import { MlsError } from "../../mls/errors";
import { RoomError } from "../errors";

export type PeersFault = (MlsError | RoomError) & { readonly fault: "peer" };

export function isPeersFault(error: unknown): error is PeersFault {
  return (error instanceof MlsError || error instanceof RoomError) && error.fault === "peer";
}

/** The value, or the peer's error. Anything else is thrown on. */
export function judged<T>(judge: () => T): { readonly value: T } | { readonly fault: PeersFault } {
  try {
    return { value: judge() };
  } catch (error) {
    if (isPeersFault(error)) return { fault: error };
    throw error;
  }
}
