import { toBase64Url } from "../bytes/bytes";
import { foundRoom } from "../room/core";
import type { Draft } from "./draft";
import type { Session } from "./session";

/** Groups are started in two places: on the server, and in the vault. */

/** A new room on the server, then in the vault. A crash in between is made good at the next start. */
export async function startGroup(session: Session, title: string): Promise<string> {
  const roomId = session.world.rng(16);
  await session.work((draft) => {
    draft.records = { ...draft.records, founding: { roomId, title } };
  });
  await found(session);
  return toBase64Url(roomId);
}

/** Go on with the group that is being started. @throws ServerError: then it is given up */
export async function found(session: Session): Promise<void> {
  const { founding } = session.records;
  if (!founding) return;
  const { roomId, title } = founding;
  const over = (draft: Draft): void => {
    if (draft.records.founding === founding) draft.records = { ...draft.records, founding: null };
  };
  try {
    await session.auth.call("POST", "/api/rooms", { room_id: roomId });
  } catch (error) {
    await session.work(over);
    throw error;
  }
  await session.work((draft) => {
    over(draft);
    draft.add(foundRoom(draft.env, { roomId, title }));
  });
}
