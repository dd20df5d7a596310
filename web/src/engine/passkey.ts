import { sha256 } from "@noble/hashes/sha2.js";
import { toBase64Url, utf8 } from "../bytes/bytes";
import type { Way } from "../vault/vault";
import { PASSPHRASE_MIN, type Protection } from "./api";
import { EngineError } from "./errors";

/**
 * Passkeys and passphrases as openers of the vault (E39). What a passkey's PRF puts out stays in the page and the
 * worker; the server is sent the ceremony's answer without it.
 */

/** What every passkey's PRF is asked for. Public, and the same for everyone: the credential is what differs. */
export const PASSKEY_SALT = toBase64Url(sha256(utf8("Collegium 1.0 vault passkey")));

const PRF_BYTES = 32;
const MAX_CREDENTIAL_ID = 1400; // WebAuthn allows 1,023 bytes
const MAX_REGISTRATION = 60 * 1024;

/** @throws EngineError when it protects nothing. */
export function wayOf(protection: Protection): Way {
  if (protection.kind === "passphrase") {
    if ([...protection.passphrase].length < PASSPHRASE_MIN) throw new EngineError("passphrase_short");
    return { kind: "passphrase", passphrase: protection.passphrase };
  }
  const { prf, credentialId } = protection;
  if (!(prf instanceof Uint8Array) || prf.length !== PRF_BYTES || credentialId.length > MAX_CREDENTIAL_ID) {
    throw new EngineError("passkey_refused");
  }
  return { kind: "prf", output: prf, credentialId };
}

/** For unlocking: whatever was typed is tried. */
export function openerOf(protection: Protection): Way {
  return protection.kind === "passphrase"
    ? { kind: "passphrase", passphrase: protection.passphrase }
    : wayOf(protection);
}

/** The ceremony's answer for the server, as JSON, or null where no passkey was made. @throws EngineError */
export function registrationOf(protection: Protection): string | null {
  if (protection.kind === "passphrase" || protection.registration === null) return null;
  const { registration } = protection;
  if (typeof registration !== "object") throw new EngineError("passkey_refused");
  // Extension results may hold the PRF's output: they go no further, whatever the page did (E39).
  const { clientExtensionResults: _, ...answer } = registration as Record<string, unknown>;
  const text = JSON.stringify(answer);
  if (text.length > MAX_REGISTRATION) throw new EngineError("passkey_refused");
  return text;
}
