import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { toHex } from "../../src/bytes/bytes";
import { basicCredential } from "../../src/mls/credential";
import { createKeyPackage } from "../../src/mls/keyPackage";
import { roomSuite } from "../../src/mls/suite";
import { leafIndex } from "../../src/mls/treeMath";
import { newSender, sealSignal } from "../../src/room/ephemeral";
import { encodeBody, encodeCommitData, encodeEnvelope, signEvent } from "../../src/room/events";
import { FOLD_VERSION, firstFold, nextEventsHash } from "../../src/room/fold";
import { encodeFragment, keysOf } from "../../src/room/invites";
import { sealJoinRequest } from "../../src/room/joinRequest";
import { firstHead, listHash, nextHead, payloadHash, seenOf } from "../../src/room/logHead";
import { signRejoinRequest } from "../../src/room/rejoin";
import { type RoomContext, roomExtensions } from "../../src/room/roomContext";
import { sealAnswer } from "../../src/room/sealedAnswer";
import { encodeSnapshot, snapshotHash } from "../../src/room/snapshot";
import { signStuck } from "../../src/room/stuck";
import { encodeWelcomePayload, welcomeReply } from "../../src/room/welcomePayload";
import { device as deviceOf, id, keyPair, NOW, seeded, someone } from "../identity/people";

const FILE = join(dirname(fileURLToPath(import.meta.url)), "../../../tests/agreement/room.json");

const room = id("room");
const account = id("account");
const device = id("device");
const leafKey = keyPair("leaf");
const identityKey = keyPair("identity");

function log() {
  const payloads = [seeded("one")(5), seeded("two")(300), seeded("three")(1)];
  const entries = payloads.map((payload, i) => ({ n: i + 1, time: NOW + 1000 * i, payload }));
  let head = firstHead(room);
  const heads = [toHex(head)];
  for (const { n, time, payload } of entries) {
    head = nextHead(head, n, time, payloadHash(payload));
    heads.push(toHex(head));
  }
  const written = entries.map(({ payload, ...entry }) => ({ ...entry, payload: toHex(payload) }));
  return { entries: written, heads, head };
}

function invite() {
  const secret = seeded("secret")(16);
  const keys = keysOf(secret);
  return {
    secret: toHex(secret),
    fragment: encodeFragment({ secret, inviter: account }),
    id: toHex(keys.inviteId),
    join_private: toHex(keys.joinKey.privateKey),
    join_key: toHex(keys.joinKey.publicKey),
    welcome_key: toHex(keys.welcomeKey),
    seal_key: toHex(keys.sealKey),
  };
}

/** A newcomer's KeyPackage, and the two ways to ask for its Add. */
function requests() {
  const { identity } = someone("dora");
  const made = deviceOf(identity, "laptop", { serial: 4 });
  const from = BigInt(NOW / 1000);
  const keyPackage = createKeyPackage(
    roomSuite,
    {
      signature: made.leafKey,
      credential: basicCredential(made.credential),
      notBefore: from,
      notAfter: from + 30n * 86_400n,
    },
    seeded("key package"),
  ).bytes;
  const join = sealJoinRequest(
    keysOf(seeded("secret")(16)),
    { room, inviter: account, account: identity.accountId, name: "Dora", notAfter: NOW, keyPackage },
    seeded("join"),
  );
  const rejoin = signRejoinRequest(
    identity.identityKey.privateKey,
    { room, device: made.deviceId, oldLeaf: 3, epoch: 12, keyPackage },
    seeded("rejoin"),
  );
  return {
    account: toHex(identity.accountId),
    device: toHex(made.deviceId),
    key_package: toHex(keyPackage),
    join: { sealed: toHex(join.sealed), signed: toHex(join.bytes), hash: toHex(join.hash) },
    rejoin: { sealed: toHex(rejoin.sealed), signed: toHex(rejoin.bytes), hash: toHex(rejoin.hash) },
  };
}

function sealedAnswer() {
  const place = { groupId: room, epoch: 300n, author: leafIndex(2), eventId: id("event") };
  const devices = [7, 200].map((leaf) => ({
    leaf: leafIndex(leaf),
    ...roomSuite.deriveKeyPair(seeded(`leaf ${leaf}`)(48)),
  }));
  const keys = devices.map(({ leaf, publicKey }) => ({ leaf, encryptionKey: publicKey }));
  const sealed = sealAnswer(place, keys, { about: id("earlier"), answer: "may_know" }, seeded("answer"));
  return {
    epoch: Number(place.epoch),
    author: place.author,
    event: toHex(place.eventId),
    devices: devices.map(({ leaf, privateKey }) => ({ leaf, private: toHex(privateKey) })),
    about: toHex(id("earlier")),
    answer: "may_know",
    sealed: toHex(sealed),
  };
}

function event(head: Uint8Array) {
  const body = encodeBody({ type: "post", body: { text: "Grüße 👋", reply_to: id("earlier") } });
  const unsigned = { id: id("event"), type: "post", body };
  const signature = signEvent(leafKey.privateKey, room, unsigned);
  const envelope = { ...unsigned, counter: 7, seen: seenOf(3, head), signature };
  const place = { n: 4, account, device, time: NOW };
  return {
    leaf_key: toHex(leafKey.publicKey),
    envelope: toHex(encodeEnvelope(envelope)),
    commit_data: toHex(encodeCommitData(id("event"), envelope.seen)),
    account: toHex(account),
    device: toHex(device),
    n: place.n,
    first_events_hash: toHex(firstFold(room).events),
    events_hash: toHex(nextEventsHash(firstFold(room).events, place, envelope)),
  };
}

function welcome() {
  const claim = {
    requestHash: seeded("request")(48),
    groupId: room,
    epoch: 300n,
    groupContextHash: seeded("context")(48),
    confirmationTag: seeded("tag")(48),
    adderLeaf: 70_000,
  };
  const mac = welcomeReply(keysOf(seeded("secret")(16)).welcomeKey, claim);
  return {
    request_hash: toHex(claim.requestHash),
    epoch: Number(claim.epoch),
    group_context_hash: toHex(claim.groupContextHash),
    confirmation_tag: toHex(claim.confirmationTag),
    adder_leaf: claim.adderLeaf,
    mac: toHex(mac),
    payload: toHex(encodeWelcomePayload({ welcome: seeded("welcome")(40), inviteId: id("invite"), mac })),
  };
}

/** A ring that was answered, and a meeting that was moved: what an open state may hold. */
function planned() {
  const rings = [
    {
      ...{ call: id("call"), n: 2, at: NOW, by: account, urgency: "now" as const, why: "Urgent", wanted: 2 },
      also: [{ call: id("also"), by: id("other"), at: NOW + 5, why: "Me too" }],
      answers: [{ account: id("other"), state: "later" as const, at: NOW + 9, due: NOW + 900 }],
    },
  ];
  const meetings = [
    {
      ...{ meeting: id("meeting"), n: 3, at: NOW, by: account, title: "Grüße 👋", minutes: 60 },
      ...{ start: "2026-03-03T18:00", zone: "Europe/Lisbon", rule: "FREQ=WEEKLY;BYDAY=TU", ends: null },
      moved: [{ occurrence: "2026-03-10T18:00", start: "2026-03-11T19:30", minutes: 90 }],
      cancelled: ["2026-03-17T18:00"],
      answers: [
        { occurrence: "", account: id("other"), coming: "yes" as const },
        { occurrence: "2026-03-10T18:00", account: id("other"), coming: "no" as const },
      ],
    },
  ];
  return { rings, meetings };
}

function snapshot(head: Uint8Array) {
  const fold = {
    version: FOLD_VERSION,
    names: new Map([
      [toHex(account), "Anna"],
      [toHex(id("other")), "Ben"],
    ]),
    counters: new Map([[toHex(device), 7]]),
    events: seeded("events")(48),
    ...planned(),
  };
  const bytes = encodeSnapshot({ position: 3, head, fold });
  return { bytes: toHex(bytes), hash: toHex(snapshotHash(bytes)) };
}

function ephemeral() {
  const exported = seeded("exported")(48);
  const sender = { ...newSender(5, seeded("session")), counter: 9 };
  const { payload } = sealSignal(exported, sender, { kind: "typing", on: true }, NOW);
  return { exported: toHex(exported), payload: toHex(payload), at: NOW };
}

function context() {
  const target = id("target");
  const approvers = [account, device].sort((a, b) => (toHex(a) < toHex(b) ? -1 : 1));
  const whole: RoomContext = {
    kind: "case",
    parent: id("commons"),
    title: "Thursdays",
    policy: { admitApprovals: 2 },
    charterHash: seeded("charter")(48),
    founder: account,
    guests: [{ account: id("guest"), ends: NOW }],
    invites: [
      {
        id: id("invite"),
        inviter: account,
        joinKey: keyPair("join").publicKey,
        welcomeKey: seeded("welcome")(32),
        sealKey: seeded("seal")(32),
        role: "member",
        notAfter: NOW,
      },
    ],
    pending: [
      { kind: "policy", policy: { admitApprovals: 3 }, approvers },
      { kind: "remove", target, approvers },
    ],
    revocations: [seeded("revocation")(100)],
    grounds: { kind: "join", request: seeded("request")(90) },
  };
  return roomExtensions(whole).map(({ type, data }) => ({ type, data: toHex(data) }));
}

function answers() {
  const { head, ...written } = log();
  const devices = [id("b"), id("a"), id("c")];
  return {
    room: toHex(room),
    log: written,
    list: { devices: devices.map(toHex), hash: toHex(listHash(devices)), empty: toHex(listHash([])) },
    invite: invite(),
    requests: requests(),
    event: event(head),
    stuck: {
      identity_key: toHex(identityKey.publicKey),
      position: 3,
      signature: toHex(signStuck(identityKey.privateKey, room, 3, device).signature),
    },
    welcome: welcome(),
    snapshot: snapshot(head),
    ephemeral: ephemeral(),
    sealed_answer: sealedAnswer(),
    extensions: context(),
  };
}

describe("what travels in rooms", () => {
  it("is the same bytes in every language", async () => {
    await expect(`${JSON.stringify(answers(), null, 1)}\n`).toMatchFileSnapshot(FILE);
  });

  it("E20 the hash of a device list does not depend on its order", () => {
    expect(listHash([id("a"), id("b")])).toEqual(listHash([id("b"), id("a")]));
    expect(listHash([id("a")])).not.toEqual(listHash([id("a"), id("b")]));
  });
});
