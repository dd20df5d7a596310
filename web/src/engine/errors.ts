import { BundleError } from "../identity/errors";
import { ERROR_CODES, type ErrorCode } from "./api";

/** What a call of the interface is refused with. */
export class EngineError extends Error {
  constructor(readonly code: ErrorCode) {
    super(code);
    this.name = "EngineError";
  }
}

/** What other layers and the server call what the interface has another word for. */
const TRANSLATED: Readonly<Record<string, ErrorCode>> = {
  // The server's.
  sign_in: "signed_out",
  recovery: "recovery_code_unknown",
  grant: "recovery_code_unknown",
  passkey: "passkey_refused",
  passkey_exists: "passkey_refused",
  too_many_passkeys: "passkey_refused",
  too_many_invites: "too_many_links",
  // The rooms' (room/core, room/plans).
  already_approved: "not_allowed",
  already_here: "link_member",
  emoji: "not_allowed",
  invite_expired: "invite_gone",
  invite_not_yours: "not_allowed",
  invite_unknown: "invite_gone",
  leaving: "room_closed",
  name: "name_invalid",
  not_a_member: "room_closed",
  not_approved: "not_allowed",
  not_here: "not_found",
  not_in_call: "no_call",
  not_your_device: "not_allowed",
  not_yours: "target_gone",
  nothing_to_do: "not_allowed",
  out_of_bounds: "plan_invalid",
  outbox_full: "room_not_ready",
  own_leaf: "not_allowed",
  paused: "room_paused",
  rejoining: "room_not_ready",
  target: "target_gone",
  text: "text_too_long",
  title: "title_invalid",
  too_many_approvals: "room_not_ready",
  too_often: "too_many",
  yourself: "not_allowed",
};

/** The code for the interface: of whatever layer the error is, else "unexpected". */
export function errorCode(error: unknown): ErrorCode {
  if (error instanceof BundleError) return "bundle";
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code !== "string") return "unexpected";
  return ERROR_CODES.find((known) => known === code) ?? TRANSLATED[code] ?? "unexpected";
}

/** Why nothing can go on: the code of AppView's stage "failed". */
export function failureCode(error: unknown): string {
  const code = errorCode(error);
  // Only another engine, or an old copy of the profile, writes into this vault beside us.
  if (code === "storage_conflict") return "other_tab";
  return code === "storage_newer" ? "newer_vault" : code.startsWith("storage_") ? code : "unexpected";
}
