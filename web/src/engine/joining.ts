import { equal, fromBase64Url, toHex } from "../bytes/bytes";
import { askToJoin } from "../room/core";
import { lookUp, readLink } from "./enrol";
import { EngineError } from "./errors";
import { bytesField, ServerError } from "./http";
import type { Records, WaitingRow } from "./records";
import type { Session } from "./session";

/** Invitations, from the link to the waiting for a member's device (E27, E28). The Welcome is the session's (E25). */

export function withState(records: Records, row: WaitingRow, state: WaitingRow["state"]): Records {
  return { ...records, waiting: records.waiting.map((one) => (one === row ? { ...row, state } : one)) };
}

/** Ask to be let in. @throws EngineError: offline, or that the link leads nowhere (any more). */
export async function postJoinRequest(session: Session, row: WaitingRow): Promise<void> {
  try {
    const { token, sealed } = row;
    bytesField(await session.auth.call("POST", "/api/join-requests", { token, sealed }), "request_id", 16);
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    if (error.code === "not_found") throw new EngineError("link_unknown");
    if (error.code === "link_used") throw new EngineError("link_used");
    throw new EngineError(error.code === "too_many" ? "too_many" : "offline");
  }
  await session.work((draft) => {
    draft.records = withState(draft.records, row, "waiting");
  });
}

/** With an account: ask to be let in by an invite. Stored first, so that a crash in between asks again. */
export async function acceptInvite(session: Session, text: string): Promise<void> {
  const { world, http } = session;
  const link = readLink(text, world.origin);
  const found = await lookUp(http, link);
  if (link.kind !== "invite" || found.founder) throw new EngineError("link_unknown");
  const { roomId, notAfter } = found;
  const row = await session.work((draft): WaitingRow | null => {
    const hex = toHex(roomId);
    const known = draft.records.waiting.find((one) => equal(one.inviteId, found.inviteId));
    if (known) return known.state === "asking" ? known : null;
    const state = session.sight(hex, 0)?.state;
    if (state && state !== "left" && state !== "removed") throw new EngineError("link_member");
    const { sealed, expectation } = askToJoin(draft.env, { roomId, fragment: link.fragment, notAfter });
    // The server's word on which invite this is counts for nothing against the link's own.
    if (!equal(expectation.inviteId, found.inviteId)) throw new EngineError("link_incomplete");
    const made: WaitingRow = {
      inviteId: expectation.inviteId,
      since: draft.env.now,
      notAfter,
      state: "asking",
      token: fromBase64Url(link.token),
      sealed,
      expectation,
    };
    const { records } = draft;
    draft.records = {
      ...records,
      waiting: [...records.waiting, made],
      account: records.account.link === null ? records.account : { ...records.account, link: null },
    };
    return made;
  });
  if (!row) return;
  try {
    await postJoinRequest(session, row);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    if (error.code === "offline" || error.code === "too_many") return; // a chore goes on asking
    await session.work((draft) => {
      draft.records = { ...draft.records, waiting: draft.records.waiting.filter((one) => one !== row) };
    });
    throw error;
  }
}
