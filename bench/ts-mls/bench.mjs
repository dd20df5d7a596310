/**
 * What web/tests/programs/benchMls.ts measures, in the same order, with ts-mls: `bench.mjs SUITE SIZE` prints one JSON
 * object of samples in ms. It has no suite 0xFC02; the nearest is its 83, X-Wing with SHA-512.
 */

import {
  acceptAll,
  ciphersuites,
  createApplicationMessage,
  createCommit,
  createGroup,
  decodeMlsMessage,
  defaultCapabilities,
  defaultLifetime,
  emptyPskIndex,
  encodeMlsMessage,
  generateKeyPackage,
  getCiphersuiteFromName,
  getCiphersuiteImpl,
  joinGroup,
  processMessage,
  processPrivateMessage,
} from "ts-mls";

const MESSAGES = 1000;
const BATCH = 50;
const ROUNDS = 7;
const FOUNDINGS = 25;
const JOININGS = 4;
const DATA = new Uint8Array(200).fill(7);
const utf8 = (text) => new TextEncoder().encode(text);

const [suiteId, size] = process.argv.slice(2).map(Number);
const name = Object.keys(ciphersuites).find((key) => ciphersuites[key] === suiteId);
const impl = await getCiphersuiteImpl(getCiphersuiteFromName(name));
const samples = {};

/** In ms. The processor's time where the machine is busy with other things: COLLEGIUM_BENCH_CPU=1. */
function now() {
  if (process.env.COLLEGIUM_BENCH_CPU !== "1") return performance.now();
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

async function timed(key, run) {
  const started = now();
  const value = await run();
  (samples[key] ??= []).push(now() - started);
  return value;
}

function person(i) {
  const credential = { credentialType: "basic", identity: utf8(`member ${i}`) };
  return generateKeyPackage(credential, defaultCapabilities(), defaultLifetime, [], impl);
}

const encoded = (wireformat, body) => encodeMlsMessage({ version: "mls10", wireformat, ...body });
const decoded = (bytes) => decodeMlsMessage(bytes, 0)[0];

async function commit(state, extraProposals = []) {
  const options = { extraProposals, ratchetTreeExtension: true };
  const made = await createCommit({ state, cipherSuite: impl }, options);
  const welcome = made.welcome && encoded("mls_welcome", { welcome: made.welcome });
  return { message: encodeMlsMessage(made.commit), welcome, next: made.newState };
}

const follow = async (state, message) =>
  (await processMessage(decoded(message), state, emptyPskIndex, acceptAll, impl)).newState;

const own = await person(0);
const founder = await createGroup(utf8("a group of sixteen"), own.publicPackage, own.privatePackage, [], impl);
const people = [];
for (let i = 1; i < size; i++) people.push(await person(i));
const packages = people.map(({ publicPackage }) => encoded("mls_key_package", { keyPackage: publicPackage }));
let added;
for (let i = 0; i < FOUNDINGS; i++) {
  added = await timed("add_many", () =>
    commit(
      founder,
      packages.map((bytes) => ({ proposalType: "add", add: { keyPackage: decoded(bytes).keyPackage } })),
    ),
  );
}

let groups;
for (let i = 0; i < JOININGS; i++) {
  groups = [added.next];
  for (const { publicPackage, privatePackage } of people) {
    groups.push(
      await timed("join", () =>
        joinGroup(decoded(added.welcome).welcome, publicPackage, privatePackage, emptyPskIndex, impl),
      ),
    );
  }
}

let [sender, reader] = groups;
for (let done = 0; done < MESSAGES; done += BATCH) {
  const messages = [];
  await timed("encrypt", async () => {
    for (let i = 0; i < BATCH; i++) {
      const { newState, privateMessage } = await createApplicationMessage(sender, DATA, impl);
      sender = newState;
      messages.push(encoded("mls_private_message", { privateMessage }));
    }
  });
  await timed("decrypt", async () => {
    for (const message of messages) {
      reader = (await processPrivateMessage(reader, decoded(message).privateMessage, emptyPskIndex, impl)).newState;
    }
  });
}

for (let i = 0; i < ROUNDS; i++) {
  const { message } = await timed("update_first_create", () => commit(groups[0]));
  await timed("update_first_process", () => follow(groups[size - 1], message));
  samples.update_first_bytes = [message.length];
}

for (let i = 0; i < size; i++) {
  const { message, next } = await commit(groups[i]);
  samples.update_bytes = [message.length];
  for (let j = Math.min(i + 1, size - 2); j < size; j++) {
    groups[j] = j === i ? next : await follow(groups[j], message);
  }
}
let [author, other] = [groups[size - 1], groups[size - 2]];
for (let i = 0; i < ROUNDS; i++) {
  const staged = await timed("update_create", () => commit(author));
  const followed = await timed("update_process", () => follow(other, staged.message));
  [author, other] = [followed, staged.next];
}

samples.add_many_bytes = [added.message.length];
samples.welcome_bytes = [added.welcome.length];
console.log(JSON.stringify(samples));
