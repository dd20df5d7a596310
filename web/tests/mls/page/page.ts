/** A page for tests/web/test_curves.py: the curves of the browser that shows it, beside ours. */

import { equal, fromHex, systemRng, utf8 } from "../../../src/bytes/bytes";
import { ahead } from "../../../src/mls/ahead";
import * as ed25519 from "../../../src/mls/ed25519";
import { platformCurves } from "../../../src/mls/platformCurves";
import { x25519Ephemeral } from "../../../src/mls/x25519";
import type { Case } from "../ed25519Cases";

/** Of each signature, what the browser says; null where its curves are not used at all. */
async function judged(cases: readonly Case[]): Promise<readonly boolean[] | null> {
  const curves = await platformCurves();
  if (curves === null) return null;
  return Promise.all(
    cases.map(({ public_key, message, signature }) =>
      curves.holds({
        publicKey: fromHex(public_key),
        message: fromHex(message),
        signature: fromHex(signature),
      }),
    ),
  );
}

/** Something signed, agreed on and verified with the browser's curves, beside the same without; and in how many runs. */
async function worked(): Promise<{ holds: boolean; alike: boolean; runs: number }> {
  const pair = ed25519.generate(systemRng);
  const secret = systemRng(32);
  const message = utf8("said");
  let runs = 0;
  const make = () => {
    runs += 1;
    const { publicKey, secret: agreed } = x25519Ephemeral(secret, pair.publicKey);
    return [ed25519.sign(pair.privateKey, message), publicKey, agreed] as const;
  };
  const made = await ahead(systemRng, make);
  const holds = await ahead(systemRng, () => {
    runs += 1;
    return ed25519.verify(pair.publicKey, message, made[0]);
  });
  const counted = runs;
  const alike = make().every((bytes, i) => equal(bytes, made[i]!));
  return { holds, alike, runs: counted };
}

Object.assign(globalThis, { judged, worked, ready: true });
