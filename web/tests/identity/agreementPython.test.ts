/** What Python wrote (tests/agreement/test_identity.py), read here: E6 to E12, E22. */

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../src/bytes/bytes";
import { identifyLeaf } from "../../src/identity/authService";
import { openBundle } from "../../src/identity/bundle";
import { readRevocation, revokes } from "../../src/identity/certificate";
import { formatRecoveryCode, parseRecoveryCode } from "../../src/identity/recoveryCode";
import { accountIdOf, rootKeys } from "../../src/identity/rootKeys";
import { rosterCode } from "../../src/identity/rosterCode";
import { readChain } from "../../src/identity/statement";

const FILE = join(dirname(fileURLToPath(import.meta.url)), "../../../tests/agreement/identity_python.json");

type Written = {
  code: { bytes: string; text: string };
  keys: Record<string, string>;
  account_id: string;
  identity_private: string;
  chains: { one_link: string; higher_serial: string; new_root: { code: string; chain: string } };
  leaf: {
    credential: string;
    signature_key: string;
    account_id: string;
    roots: string[];
    identity_key: string;
    identity_serial: number;
    deployment_id: string;
    device_id: string;
    certificate_serial: number;
    not_before: number;
    not_after: number;
  };
  revocation: string;
  roster: { entries: { account_id: string; root_key: string }[]; code: string };
  bundle: {
    name: string;
    pins: { room: string; accounts: string[]; position: number; head: string }[];
    sealed: string;
  };
};

const python = JSON.parse(readFileSync(FILE, "utf8")) as Written;
const keys = rootKeys(parseRecoveryCode(python.code.text));

describe("who somebody is, as Python writes it", () => {
  it("e6 a recovery code and what it makes", () => {
    expect(formatRecoveryCode(fromHex(python.code.bytes))).toBe(python.code.text);
    expect({
      root_private: toHex(keys.root.privateKey),
      root_key: toHex(keys.root.publicKey),
      recovery_private: toHex(keys.recovery.privateKey),
      recovery_key: toHex(keys.recovery.publicKey),
      seal_private: toHex(keys.seal.privateKey),
      seal_key: toHex(keys.seal.publicKey),
      vault_key: toHex(keys.vaultKey),
    }).toEqual(python.keys);
    expect(toHex(accountIdOf(keys.root.publicKey))).toBe(python.account_id);
  });

  it("e7 chains of statements", () => {
    const { one_link, higher_serial, new_root } = python.chains;
    const chains = [one_link, higher_serial, new_root.chain].map((chain) => readChain(fromHex(chain)));
    expect(chains.map(({ serial }) => serial)).toEqual([1, 2, 3]);
    expect(new Set(chains.map(({ accountId }) => toHex(accountId)))).toEqual(new Set([python.account_id]));
    const following = rootKeys(parseRecoveryCode(new_root.code)).root.publicKey;
    expect(chains[2]!.roots).toEqual([keys.root.publicKey, following]);
  });

  it("e8, e9 a leaf's credential, and its revocation", () => {
    const { leaf } = python;
    const found = identifyLeaf(fromHex(leaf.credential), fromHex(leaf.signature_key));
    expect({
      credential: leaf.credential,
      signature_key: toHex(found.leafKey),
      account_id: toHex(found.accountId),
      roots: found.roots.map(toHex),
      identity_key: toHex(found.identityKey),
      identity_serial: found.identitySerial,
      deployment_id: toHex(found.deploymentId),
      device_id: toHex(found.deviceId),
      certificate_serial: found.certificateSerial,
      not_before: found.notBefore,
      not_after: found.notAfter,
    }).toEqual(leaf);
    expect(revokes(readRevocation(fromHex(python.revocation)), found)).toBe(true);
  });

  it("e12 a roster code", () => {
    const entries = python.roster.entries.map((one) => ({
      accountId: fromHex(one.account_id),
      rootKey: fromHex(one.root_key),
    }));
    expect(rosterCode(entries)).toBe(python.roster.code);
  });

  it("e22 a recovery bundle", () => {
    const { name, pins, sealed } = python.bundle;
    const opened = openBundle(fromHex(sealed), keys);
    expect(opened.name).toBe(name);
    expect(toHex(opened.identity.identityKey.privateKey)).toBe(python.identity_private);
    expect(toHex(opened.identity.chain)).toBe(python.chains.one_link);
    const roots = new Map(python.roster.entries.map((one) => [one.account_id, one.root_key]));
    expect(
      opened.pins.map(({ room, accounts, position, head }) => ({
        room: toHex(room),
        accounts: accounts.map((one) => toHex(one.accountId)),
        position,
        head: toHex(head),
      })),
    ).toEqual(pins);
    for (const { accountId, rootKey } of opened.pins[0]!.accounts) {
      expect(toHex(rootKey)).toBe(roots.get(toHex(accountId)));
    }
  });
});
