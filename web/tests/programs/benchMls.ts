/**
 * What MLS costs, in ms: `benchMls SUITE SIZE` prints one JSON object of samples for bench/crypto.py, which says what each
 * of them is. bench/crypto_mls.py and bench/ts-mls/bench.mjs measure the same things in the same order.
 */

import { randomBytes } from "node:crypto";
import { type Rng, utf8 } from "../../src/bytes/bytes";
import { ahead } from "../../src/mls/ahead";
import { protectApplication, unprotect } from "../../src/mls/application";
import { completeCommit } from "../../src/mls/completeCommit";
import { basicCredential } from "../../src/mls/credential";
import { createGroup, type Group } from "../../src/mls/group";
import { joinByWelcome } from "../../src/mls/joinGroup";
import { judgeCommit } from "../../src/mls/judgeCommit";
import { createKeyPackage, decodeKeyPackage } from "../../src/mls/keyPackage";
import { stageCommit } from "../../src/mls/stageCommit";
import { suiteOf } from "../../src/mls/suites";

const MESSAGES = 1000;
const BATCH = 50;
const ROUNDS = 7;
/** What runs first is not compiled yet. */
const FOUNDINGS = 25;
/** Of everybody. */
const JOININGS = 4;
const DATA = new Uint8Array(200).fill(7);
const AUTHENTICATED = utf8("sixteen bytes id");

const [suiteId, size] = process.argv.slice(2).map(Number) as [number, number];
const suite = suiteOf(suiteId);
const rng = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
const samples: Record<string, number[]> = {};

/** In ms. The processor's time where the machine is busy with other things: COLLEGIUM_BENCH_CPU=1. */
function now(): number {
  if (process.env.COLLEGIUM_BENCH_CPU !== "1") return performance.now();
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** As the engine does it: with the platform's curves. */
async function timed<T>(name: string, run: (rng: Rng) => T): Promise<T> {
  const started = now();
  const value = await ahead(rng, run);
  samples[name] = [...(samples[name] ?? []), now() - started];
  return value;
}

function person(i: number) {
  const lifetime = { notBefore: 0n, notAfter: 2n ** 62n };
  return {
    signature: suite.signatureKeyPair(rng),
    credential: basicCredential(utf8(`member ${i}`)),
    ...lifetime,
  };
}

const commit = (group: Group, rng: Rng) =>
  stageCommit(group, { proposals: [], authenticatedData: AUTHENTICATED, rng });

function process_(group: Group, message: Uint8Array): Group {
  const opened = unprotect(group, message);
  return completeCommit(opened.group, judgeCommit(opened.group, opened, [])).next;
}

const founder = createGroup({
  suite,
  groupId: utf8("a group of sixteen"),
  ...person(0),
  extensions: [],
  rng,
});
const packages = Array.from({ length: size - 1 }, (_, i) => createKeyPackage(suite, person(i + 1), rng));
let added = await stageFounding();
for (let i = 1; i < FOUNDINGS; i++) added = await stageFounding();

function stageFounding() {
  return timed("add_many", (rng) =>
    stageCommit(founder, {
      proposals: packages.map(({ bytes }) => ({ type: "add", keyPackage: decodeKeyPackage(bytes) })),
      authenticatedData: AUTHENTICATED,
      rng,
    }),
  );
}

const welcome = added.welcome!;
let groups: Group[] = [];
for (let i = 0; i < JOININGS; i++) {
  groups = [added.next];
  for (const { bytes, secrets } of packages) {
    const input = { suite, welcome, keyPackage: bytes, secrets };
    groups.push(await timed("join", () => joinByWelcome(input).group));
  }
}

let [sender, reader] = [groups[0]!, groups[1]!];
for (let done = 0; done < MESSAGES; done += BATCH) {
  const messages: Uint8Array[] = [];
  sender = await timed("encrypt", (rng) => {
    let group = sender;
    messages.length = 0;
    for (let i = 0; i < BATCH; i++) {
      const input = { data: DATA, authenticatedData: AUTHENTICATED, paddedTo: 256, rng };
      const sealed = protectApplication(group, input);
      group = sealed.group;
      messages.push(sealed.message);
    }
    return group;
  });
  reader = await timed("decrypt", () => {
    let group = reader;
    for (const message of messages) group = unprotect(group, message).group;
    return group;
  });
}

// The first Update after everyone was added: there is no key in the tree but those of leaves.
for (let i = 0; i < ROUNDS; i++) {
  const { message } = await timed("update_first_create", (rng) => commit(groups[0]!, rng));
  await timed("update_first_process", () => process_(groups[size - 1]!, message));
  samples.update_first_bytes = [message.length];
}

// Everyone commits, and the tree is full of keys; whoever has committed is left behind, but for the last two.
for (let i = 0; i < size; i++) {
  const { message, next } = commit(groups[i]!, rng);
  samples.update_bytes = [message.length];
  for (let j = Math.min(i + 1, size - 2); j < size; j++)
    groups[j] = j === i ? next : process_(groups[j]!, message);
}
let [author, other] = [groups[size - 1]!, groups[size - 2]!];
for (let i = 0; i < ROUNDS; i++) {
  const staged = await timed("update_create", (rng) => commit(author, rng));
  const followed = await timed("update_process", () => process_(other, staged.message));
  [author, other] = [followed, staged.next];
}

samples.add_many_bytes = [added.message.length];
samples.welcome_bytes = [welcome.length];
console.log(JSON.stringify(samples));
