import type { PasskeyPlan, Protection, UnlockWays } from "../engine/api";

/**
 * Passkeys: the ceremonies need the page, the keys belong to the engine. What is made here is handed on as a
 * `Protection` and kept nowhere. The PRF output is a secret: it is taken out of the answer before the answer goes on.
 */

export class PasskeyError extends Error {
  constructor(readonly code: "passkey_cancelled" | "passkey_prf" | "passkey_failed") {
    super(code);
  }
}

type Prf = {
  readonly prf?: { readonly enabled?: boolean; readonly results?: { readonly first?: BufferSource } };
};
type Answer = { id: string; clientExtensionResults?: unknown };
type Bytes = Uint8Array<ArrayBuffer>;

const PRF_BYTES = 32;

function fromBase64Url(text: string): Bytes {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
}

/** Whether to offer a passkey at all: the platform has a lock, and does not say that it lacks the PRF extension. */
export async function passkeyOffered(): Promise<boolean> {
  if (typeof PublicKeyCredential === "undefined" || !window.isSecureContext) return false;
  try {
    if (!(await PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable())) return false;
    const capabilities = await PublicKeyCredential.getClientCapabilities?.();
    return capabilities?.["extension:prf"] !== false;
  } catch {
    return false; // a browser that throws here has no usable passkeys
  }
}

function failure(error: unknown): PasskeyError {
  if (error instanceof PasskeyError) return error;
  const name = error instanceof Error ? error.name : "";
  const cancelled = name === "NotAllowedError" || name === "AbortError" || name === "TimeoutError";
  return Object.assign(new PasskeyError(cancelled ? "passkey_cancelled" : "passkey_failed"), {
    cause: error,
  });
}

function prfOf(results: unknown): Uint8Array | null {
  const first = (results as Prf | undefined)?.prf?.results?.first;
  if (!first) return null;
  const view = ArrayBuffer.isView(first)
    ? new Uint8Array(first.buffer, first.byteOffset, first.byteLength)
    : new Uint8Array(first);
  return view.length === PRF_BYTES ? view.slice() : null;
}

const withPrf = (salt: string): AuthenticationExtensionsClientInputs =>
  ({ prf: { eval: { first: fromBase64Url(salt) } } }) as AuthenticationExtensionsClientInputs;

/** Ask the passkey for its PRF output. The challenge is our own: nothing of this answer is sent anywhere. */
async function askPrf(credentialId: string, salt: string): Promise<Uint8Array> {
  const credential = await navigator.credentials.get({
    publicKey: {
      challenge: crypto.getRandomValues(new Uint8Array(32)),
      allowCredentials: [{ type: "public-key", id: fromBase64Url(credentialId) }],
      userVerification: "required",
      extensions: withPrf(salt),
    },
  });
  if (!(credential instanceof PublicKeyCredential)) throw new PasskeyError("passkey_cancelled");
  const prf = prfOf(credential.getClientExtensionResults());
  if (!prf) throw new PasskeyError("passkey_prf");
  return prf;
}

/**
 * Make a passkey and its PRF output. Some platforms give the output only when the passkey is used, so it is used once.
 * @throws PasskeyError `passkey_prf` when the passkey cannot encrypt
 */
export async function makePasskey(plan: PasskeyPlan): Promise<Protection> {
  try {
    const { startRegistration } = await import("@simplewebauthn/browser");
    const options = plan.options as Parameters<typeof startRegistration>[0]["optionsJSON"];
    const registration = await startRegistration({
      optionsJSON: { ...options, extensions: { ...options.extensions, ...withPrf(plan.salt) } },
    });
    const results = registration.clientExtensionResults as Prf;
    delete (registration as Answer).clientExtensionResults;
    if (results.prf?.enabled === false) throw new PasskeyError("passkey_prf");
    const prf = prfOf(results) ?? (await askPrf(registration.id, plan.salt));
    return { kind: "passkey", prf, credentialId: registration.id, registration };
  } catch (error) {
    throw failure(error);
  }
}

/** The passkey's PRF output, to unlock. @throws PasskeyError */
export async function usePasskey(way: NonNullable<UnlockWays["passkey"]>): Promise<Protection> {
  try {
    const prf = await askPrf(way.credentialId, way.salt);
    return { kind: "passkey", prf, credentialId: way.credentialId, registration: null };
  } catch (error) {
    throw failure(error);
  }
}

/** Answer the server's question whether it is really this person (error code "confirm"). @throws PasskeyError */
export async function answerConfirm(options: unknown): Promise<unknown> {
  try {
    const { startAuthentication } = await import("@simplewebauthn/browser");
    const answer = await startAuthentication({
      optionsJSON: options as Parameters<typeof startAuthentication>[0]["optionsJSON"],
    });
    delete (answer as Answer).clientExtensionResults;
    return answer;
  } catch (error) {
    throw failure(error);
  }
}
