import { equal, toBase64Url, toHex } from "../bytes/bytes";
import { revokeDevice } from "../identity/certificate";
import type { Command } from "../room/core";
import { encodeLink, newInvite } from "../room/invites";
import { isPostText } from "../room/text";
import type { DeviceInfo, Engine } from "./api";
import type { CallEngine } from "./callApi";
import { checkedName, checkedTitle } from "./enrol";
import { EngineError, errorCode } from "./errors";
import { startGroup } from "./founding";
import { bytesField, mayPass, numberField, ServerError } from "./http";
import { idOf } from "./ids";
import { acceptInvite } from "./joining";
import { pushKey, withEndpoint } from "./push";
import { MAX_ENDPOINT, withErrand, withoutErrand } from "./records";
import type { Session } from "./session";

/** What the interface may ask of an open vault. Each is checked here, and done as a draft of the session. */

/** How long an invite may take to be on the log before it is taken back. */
const INVITE_WITHIN_MS = 20_000;
const MAX_EMOJI = 64;
/** Every certificate of a device: a revoked one never comes back under its id (E9). */
const ALL_SERIALS = 0xffff_ffff;

function textOf(text: string): string {
  if (text.trim() === "") throw new EngineError("text_empty");
  if (!isPostText(text)) throw new EngineError("text_too_long");
  return text;
}

function command(session: Session, roomId: string, what: Command): Promise<void> {
  const room = idOf(roomId);
  return session.work((draft) => {
    if (!draft.room(toHex(room))) throw new EngineError("not_found");
    return draft.stepAhead(toHex(room), { kind: "command", command: what });
  });
}

/** E27, E28: a link whose invite is on the room's log. */
async function createInvite(session: Session, roomId: string): Promise<{ url: string; notAfter: number }> {
  const { world, auth } = session;
  const room = idOf(roomId);
  const hex = toHex(room);
  if (!session.rooms.has(hex)) throw new EngineError("not_found");
  if (!session.online) throw new EngineError("offline");
  const { accountId } = session.records.account.identity;
  const { fragment, open } = newInvite(world.rng, accountId, session.env().serverNow);
  const answer = await auth.call("POST", "/api/registration-tokens", { room_id: room, invite_id: open.id });
  const token = toBase64Url(bytesField(answer, "token", 32));
  const notAfter = Math.min(numberField(answer, "not_after"), open.notAfter);
  const withdraw = (): Promise<void> =>
    session.work((draft) => {
      const errand = { kind: "withdraw_token", inviteId: open.id, notBefore: 0 } as const;
      draft.records = withErrand(draft.records, errand);
    });
  const settled = session.awaitInvite(hex, open.id);
  try {
    await command(session, roomId, { kind: "invite", invite: open });
  } catch (error) {
    await withdraw();
    throw error;
  }
  const late = new Promise<"late">((resolve) => setTimeout(() => resolve("late"), INVITE_WITHIN_MS));
  const outcome = await Promise.race([settled, late]);
  if (outcome === "late") {
    // Nobody will have this link: take the invite back, wherever it has got to.
    await command(session, roomId, { kind: "withdraw_invite", inviteId: open.id });
    throw new EngineError("offline");
  }
  if (outcome !== null) {
    if (outcome !== "not_open") await withdraw();
    throw new EngineError(errorCode({ code: outcome }));
  }
  const link = encodeLink({ kind: "invite", token, fragment });
  return { url: `${world.origin}/join#${link}`, notAfter };
}

async function devices(session: Session): Promise<readonly DeviceInfo[]> {
  const { devices: found } = await session.auth.call("GET", "/api/devices");
  if (!Array.isArray(found)) throw new ServerError("server_answer", 200);
  return found.slice(0, 64).map((one) => ({
    deviceId: toBase64Url(bytesField(one, "device_id", 16)),
    current: one.current === true,
    createdAt: numberField(one, "created"),
  }));
}

/**
 * E9: off the account, and out of every room by a statement of the identity key. The server goes first, since it may
 * ask for the passkey; the statement is stored before, so that a crash in between does the rest at the next start.
 */
async function revoke(session: Session, deviceId: string): Promise<void> {
  const id = idOf(deviceId);
  const { account } = session.records;
  if (equal(id, account.deviceId)) throw new EngineError("not_allowed");
  const statement = revokeDevice(account.identity, id, ALL_SERIALS);
  // Not at once: the call below is about to do it.
  const notBefore = session.world.now() + 60_000;
  const errand = { kind: "revoke", deviceId: id, statement, notBefore } as const;
  await session.work((draft) => {
    draft.records = withErrand(draft.records, errand);
  });
  const over = (go: boolean): Promise<void> =>
    session.work((draft) => {
      draft.records = withoutErrand(draft.records, errand);
      if (go) draft.stepAll({ kind: "revoke_device", statement, deviceId: id });
    });
  try {
    await session.auth.call("DELETE", `/api/devices/${toBase64Url(id)}`);
  } catch (error) {
    // Not there any more: perhaps the answer to an earlier call was lost.
    const gone = error instanceof ServerError && error.code === "not_found";
    if (gone || !mayPass(error)) await over(gone);
    if (!gone) throw error;
    return;
  }
  await over(true);
}

async function rename(session: Session, text: string): Promise<void> {
  const name = checkedName(text);
  await session.work((draft) => {
    draft.records = { ...draft.records, account: { ...draft.records.account, name } };
    draft.env = { ...draft.env, me: { ...draft.env.me, name } };
    draft.stepAll({ kind: "profile" });
    draft.backup();
  });
}

/** The part of the engine's calls that needs an open vault, and no more than that. */
export type SessionCalls = Omit<
  Engine,
  | "inspectLink"
  | "preparePasskey"
  | "createAccount"
  | "confirmRecovery"
  | "recover"
  | "unlock"
  | "unlockWithCode"
  | keyof CallEngine
  | "lock"
  | "active"
  | "openRoom"
  | "closeRoom"
  | "loadOlder"
  | "forgetDevice"
>;

export function sessionCalls(session: Session): SessionCalls {
  const { auth } = session;
  return {
    acceptInvite: (link) => acceptInvite(session, link),
    cancelWaiting: (inviteId) =>
      session.work((draft) => {
        const id = idOf(inviteId);
        const waiting = draft.records.waiting.filter((one) => !equal(one.inviteId, id));
        if (waiting.length < draft.records.waiting.length) draft.records = { ...draft.records, waiting };
      }),
    startGroup: ({ title }) => startGroup(session, checkedTitle(title)),
    createInvite: (roomId) => createInvite(session, roomId),
    revokeInvite: ({ roomId, inviteId }) =>
      command(session, roomId, { kind: "withdraw_invite", inviteId: idOf(inviteId) }),
    post: ({ roomId, text, replyTo }) =>
      command(session, roomId, {
        kind: "post",
        text: textOf(text),
        replyTo: replyTo === null ? null : idOf(replyTo),
      }),
    edit: ({ roomId, target, text }) =>
      command(session, roomId, { kind: "edit", target: idOf(target), text: textOf(text) }),
    remove: ({ roomId, target }) => command(session, roomId, { kind: "delete", target: idOf(target) }),
    react: ({ roomId, target, emoji, on }) =>
      command(session, roomId, {
        kind: "react",
        target: idOf(target),
        emoji: emoji.slice(0, MAX_EMOJI),
        on: on === true,
      }),
    typing: (roomId) => command(session, roomId, { kind: "typing" }),
    markRead: ({ roomId, n }) =>
      command(session, roomId, {
        kind: "mark_read",
        n: Number.isSafeInteger(n) ? Math.max(0, n) : 0,
      }),
    rename: ({ roomId, title }) => command(session, roomId, { kind: "rename", title: checkedTitle(title) }),
    removeMember: ({ roomId, accountId }) =>
      command(session, roomId, { kind: "remove_member", accountId: idOf(accountId) }),
    withdrawRemoval: ({ roomId, accountId }) =>
      command(session, roomId, { kind: "withdraw_removal", accountId: idOf(accountId) }),
    leave: (roomId) => command(session, roomId, { kind: "leave" }),
    resume: (roomId) => command(session, roomId, { kind: "resume" }),
    dismissAlarm: (id) =>
      session.work((draft) => {
        const wanted = idOf(id);
        const alarms = draft.records.alarms.filter((one) => !equal(one.id, wanted));
        draft.records = { ...draft.records, alarms };
      }),
    setName: (name) => rename(session, name),
    devices: () => devices(session),
    confirmOptions: async () => (await auth.call("POST", "/api/passkeys/assert-options")).options,
    confirm: async (answer) => {
      if (answer === null || typeof answer !== "object") throw new EngineError("passkey_refused");
      const { clientExtensionResults: _, ...credential } = answer as Record<string, unknown>;
      await auth.call("POST", "/api/passkeys/assert", { credential });
    },
    revokeDevice: (deviceId) => revoke(session, deviceId),
    pushKey: () => pushKey(session),
    setPush: (endpoint) => {
      const good = endpoint === null || (typeof endpoint === "string" && endpoint.length <= MAX_ENDPOINT);
      if (!good) throw new EngineError("push_refused");
      return session.work((draft) => {
        draft.records = withEndpoint(draft.records, endpoint);
      });
    },
  };
}
