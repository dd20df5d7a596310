import { toBase64Url } from "../bytes/bytes";
import { proveNewAccount, proveRecoveredDevice, proveSignIn } from "../identity/signIn";
import { bytesField, type Http, type Json, numberField, ServerError } from "./http";
import type { Account } from "./records";

/** Who this device is to the server: registration, sign-in, and calls that sign in again where that was forgotten. */

/** Which server this is, and how far its clock is from ours. */
export async function serverInfo(http: Http): Promise<{ deploymentId: Uint8Array; time: number }> {
  const answer = await http.call("GET", "/api/server");
  return { deploymentId: bytesField(answer, "deployment_id", 16), time: numberField(answer, "time") };
}

/** Offer a new account or a recovered device to the server; the answer holds a session. @throws ServerError */
export async function enrol(http: Http, account: Account): Promise<void> {
  const { deploymentId, identity, deviceId, signIn, pending } = account;
  if (pending?.kind === "register") {
    const { token, recoveryKey, backup } = pending;
    const { accountId, rootKey } = identity;
    await http.call("POST", "/api/accounts", {
      token,
      account_id: accountId,
      root_key: rootKey,
      device_id: deviceId,
      sign_in_key: signIn.publicKey,
      recovery_key: recoveryKey,
      proof: proveNewAccount(signIn, {
        deploymentId,
        token,
        accountId,
        rootKey,
        deviceId,
        recoveryKey,
        backup,
      }),
      backup,
    });
  } else if (pending?.kind === "recover") {
    const { grant } = pending;
    await http.call("POST", "/api/recovery/device", {
      grant,
      device_id: deviceId,
      sign_in_key: signIn.publicKey,
      proof: proveRecoveredDevice(signIn, { deploymentId, grant, deviceId }),
    });
  }
}

export class Auth {
  readonly #http: Http;
  readonly #account: () => Account;
  #signing: Promise<void> | null = null;

  constructor(http: Http, account: () => Account) {
    this.#http = http;
    this.#account = account;
  }

  /** A call that needs a session. @throws ServerError */
  async call(method: Parameters<Http["call"]>[0], path: string, body?: Json): Promise<Json> {
    try {
      return await this.#http.call(method, path, body);
    } catch (error) {
      if (!(error instanceof ServerError && error.code === "signed_out")) throw error;
      await this.signIn();
      return this.#http.call(method, path, body);
    }
  }

  /** A new session by the sign-in key; one at a time. @throws ServerError "sign_in" when the device is no more. */
  signIn(): Promise<void> {
    this.#signing ??= this.#signIn().finally(() => {
      this.#signing = null;
    });
    return this.#signing;
  }

  async #signIn(): Promise<void> {
    const { deploymentId, deviceId, signIn } = this.#account();
    const asked = await this.#http.call("POST", "/api/sign-in/challenge", { device_id: deviceId });
    const challenge = bytesField(asked, "challenge", 32);
    const signature = proveSignIn(signIn, { deploymentId, deviceId, challenge });
    await this.#http.call("POST", "/api/sign-in", { device_id: deviceId, challenge, signature });
  }

  async ticket(): Promise<string> {
    return toBase64Url(bytesField(await this.call("POST", "/api/tickets"), "ticket", 32));
  }
}
