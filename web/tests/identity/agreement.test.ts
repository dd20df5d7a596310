import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { toHex } from "../../src/bytes/bytes";
import { sealBundle } from "../../src/identity/bundle";
import { revokeDevice } from "../../src/identity/certificate";
import { succeedRoot, supersedeIdentity } from "../../src/identity/identity";
import { formatRecoveryCode } from "../../src/identity/recoveryCode";
import { rosterCode } from "../../src/identity/rosterCode";
import { device, leafOf, seeded, someone } from "./people";

const FILE = join(dirname(fileURLToPath(import.meta.url)), "../../../tests/agreement/identity.json");

/** One person of each kind, from fixed seeds: the bytes that every language must read and write alike. */
function answers() {
  const { code, keys, identity } = someone("anna");
  const next = someone("anna's new code");
  const renewed = supersedeIdentity(identity, keys, seeded("renewed"));
  const moved = succeedRoot(identity, keys, next.keys);
  const laptop = device(moved, "laptop", { serial: 4 });
  const leaf = leafOf(moved, "laptop", { serial: 4 });
  const colleagues = [identity, someone("ben").identity, someone("cleo").identity];
  const pins = [{ room: seeded("room")(16), accounts: colleagues, position: 77, head: seeded("head")(48) }];
  return {
    code: { bytes: toHex(code), text: formatRecoveryCode(code) },
    keys: {
      root_private: toHex(keys.root.privateKey),
      root_key: toHex(keys.root.publicKey),
      recovery_private: toHex(keys.recovery.privateKey),
      recovery_key: toHex(keys.recovery.publicKey),
      seal_private: toHex(keys.seal.privateKey),
      seal_key: toHex(keys.seal.publicKey),
      vault_key: toHex(keys.vaultKey),
    },
    account_id: toHex(identity.accountId),
    identity_private: toHex(identity.identityKey.privateKey),
    chains: {
      one_link: toHex(identity.chain),
      higher_serial: toHex(renewed.chain),
      new_root: { code: formatRecoveryCode(next.code), chain: toHex(moved.chain) },
    },
    leaf: {
      credential: toHex(laptop.credential),
      signature_key: toHex(laptop.leafKey.publicKey),
      account_id: toHex(leaf.accountId),
      roots: leaf.roots.map(toHex),
      identity_key: toHex(leaf.identityKey),
      identity_serial: leaf.identitySerial,
      deployment_id: toHex(leaf.deploymentId),
      device_id: toHex(leaf.deviceId),
      certificate_serial: leaf.certificateSerial,
      not_before: leaf.notBefore,
      not_after: leaf.notAfter,
    },
    revocation: toHex(revokeDevice(identity, laptop.deviceId, 4)),
    roster: {
      entries: colleagues.map((one) => ({ account_id: toHex(one.accountId), root_key: toHex(one.rootKey) })),
      code: rosterCode(colleagues),
    },
    bundle: {
      name: "Anna",
      pins: pins.map((pin) => ({
        room: toHex(pin.room),
        accounts: pin.accounts.map((one) => toHex(one.accountId)),
        position: pin.position,
        head: toHex(pin.head),
      })),
      sealed: toHex(sealBundle({ identity, name: "Anna", pins }, seeded("seal"))),
    },
  };
}

describe("e5 to e12, e22: what every language must read and write alike", () => {
  it("gives the same bytes at every run", async () => {
    await expect(`${JSON.stringify(answers(), null, 1)}\n`).toMatchFileSnapshot(FILE);
  });
});
