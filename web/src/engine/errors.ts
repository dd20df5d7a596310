import { BundleError } from "../identity/errors";
import { ERROR_CODES, type ErrorCode } from "./api";

/** What a call of the interface is refused with. */
export class EngineError extends Error {
  constructor(readonly code: ErrorCode) {
    super(code);
    this.name = "EngineError";
  }
}

/** The server's words for what the interface calls something else. */
const TRANSLATED: Readonly<Record<string, ErrorCode>> = {
  sign_in: "device_removed",
  grant: "recovery",
  passkey_exists: "passkey",
  too_many_passkeys: "passkey",
  room_exists: "internal",
};

/** The code for the interface: of whatever layer the error is, else "internal". */
export function errorCode(error: unknown): ErrorCode {
  if (error instanceof BundleError) return "bundle";
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code !== "string") return "internal";
  return ERROR_CODES.find((known) => known === code) ?? TRANSLATED[code] ?? "internal";
}
