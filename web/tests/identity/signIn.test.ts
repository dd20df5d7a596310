import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { concat, fromHex, toHex, utf8 } from "../../src/bytes/bytes";
import { accountIdOf } from "../../src/identity/rootKeys";
import { signLabelled, verifyLabelled } from "../../src/identity/signed";
import {
  newSignInKey,
  proveNewAccount,
  proveRecoveredDevice,
  proveRecovery,
  proveSignIn,
} from "../../src/identity/signIn";
import * as ed25519 from "../../src/mls/ed25519";
import { UsageError } from "../../src/mls/errors";
import { keyPair, seeded } from "./people";

/** What the Python client signs, written and compared by tests/agreement/test_sign_in.py of the repository. */
const FILE = join(dirname(fileURLToPath(import.meta.url)), "../../../tests/agreement/sign_in.json");
const python = JSON.parse(readFileSync(FILE, "utf8")) as {
  given: Record<string, string>;
  new_account: string;
  sign_in: string;
  recovery: string;
  recovered_device: string;
};
const given = (name: string) => fromHex(python.given[name]!);

const signIn = { privateKey: given("sign_in_private"), publicKey: given("sign_in_key") };
const recovery = { privateKey: given("recovery_private"), publicKey: given("recovery_key") };
const deploymentId = given("deployment_id");
const deviceId = given("device_id");
const accountId = given("account_id");
const challenge = given("challenge");
const ACCOUNT = {
  deploymentId,
  token: given("token"),
  accountId,
  rootKey: given("root_key"),
  deviceId,
  recoveryKey: given("recovery_key"),
  backup: given("backup"),
};

describe("protocol §2: what is signed, as the Python client signs it", () => {
  it("the keys of the file are what they say", () => {
    expect(ed25519.publicKey(signIn.privateKey)).toEqual(signIn.publicKey);
    expect(ed25519.publicKey(recovery.privateKey)).toEqual(recovery.publicKey);
    expect(accountIdOf(given("root_key"))).toEqual(accountId);
  });

  it("proof of a new account", () => {
    expect(toHex(proveNewAccount(signIn, ACCOUNT))).toBe(python.new_account);
  });

  it("signature of a sign-in", () => {
    expect(toHex(proveSignIn(signIn, { deploymentId, deviceId, challenge }))).toBe(python.sign_in);
  });

  it("signature of a recovery", () => {
    expect(toHex(proveRecovery(recovery, { deploymentId, accountId, challenge }))).toBe(python.recovery);
  });

  it("proof of a recovered device", () => {
    const proof = proveRecoveredDevice(signIn, { deploymentId, grant: given("grant"), deviceId });
    expect(toHex(proof)).toBe(python.recovered_device);
  });

  it("threats 44: parts of another size are not signed, so a server cannot move their borders", () => {
    const asked = { deploymentId, deviceId, challenge };
    const longer = concat(challenge, challenge);
    expect(() => proveSignIn(signIn, { ...asked, challenge: longer })).toThrow(UsageError);
    expect(() => proveSignIn(signIn, { ...asked, deploymentId: challenge })).toThrow(UsageError);
    expect(() => proveRecovery(recovery, { deploymentId, accountId, challenge: longer })).toThrow(UsageError);
    expect(() => proveRecoveredDevice(signIn, { deploymentId, grant: deviceId, deviceId })).toThrow(
      UsageError,
    );
    for (const part of [
      "token",
      "accountId",
      "rootKey",
      "deviceId",
      "recoveryKey",
      "deploymentId",
    ] as const) {
      expect(() => proveNewAccount(signIn, { ...ACCOUNT, [part]: new Uint8Array(7) })).toThrow(UsageError);
    }
  });

  it("a sign-in key is drawn for itself", () => {
    expect(newSignInKey(seeded("a"))).not.toEqual(newSignInKey(seeded("b")));
  });
});

describe("e5: every signature is over a label and content", () => {
  const { privateKey, publicKey } = keyPair("signer");
  const content = utf8("content");

  it("the whole label and the content, each with its length", () => {
    const signed = concat(Uint8Array.of(22), utf8("Collegium 1.0 identity"), Uint8Array.of(7), content);
    expect(signLabelled(privateKey, "identity", content)).toEqual(ed25519.sign(privateKey, signed));
  });

  it("holds under that label, key and content alone", () => {
    const signature = signLabelled(privateKey, "device", content);
    expect(verifyLabelled(publicKey, "device", content, signature)).toBe(true);
    expect(verifyLabelled(publicKey, "identity", content, signature)).toBe(false);
    expect(verifyLabelled(keyPair("other").publicKey, "device", content, signature)).toBe(false);
    expect(verifyLabelled(publicKey, "device", utf8("contents"), signature)).toBe(false);
    // Bytes that somebody else chose, signed bare, are no signature of ours.
    expect(verifyLabelled(publicKey, "device", content, ed25519.sign(privateKey, content))).toBe(false);
  });
});
