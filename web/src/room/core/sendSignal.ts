/** What is said outside the log: under a key of the epoch, to whoever is connected (E38). */

import { EMPTY } from "../../bytes/bytes";
import { exportSecret, type Group } from "../../mls/group";
import { type AnySignal, EPHEMERAL_LABEL, EPHEMERAL_LENGTH, newSender, sealSignal } from "../ephemeral";
import type { Turn } from "./turn";

export function signalKey(group: Group): Uint8Array {
  return exportSecret(group, EPHEMERAL_LABEL, EMPTY, EPHEMERAL_LENGTH);
}

export function sendSignal(turn: Turn, signal: AnySignal): void {
  const { membership, presence, roomId } = turn.state;
  if (membership === null) return;
  const { group } = membership;
  const sender = presence.sender ?? newSender(group.ownLeaf, turn.env.rng);
  const sealed = sealSignal(signalKey(group), sender, signal, turn.env.serverNow);
  turn.setPresence({ sender: sealed.sender });
  turn.send({ t: "ephemeral", room: roomId, payload: sealed.payload });
}
