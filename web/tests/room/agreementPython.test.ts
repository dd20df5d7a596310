/** What Python wrote (tests/agreement/test_room.py), read here: E13 to E34, E38. */

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../src/bytes/bytes";
import { leafIndex } from "../../src/mls/treeMath";
import { openSignal } from "../../src/room/ephemeral";
import {
  decodeBody,
  decodeCommitData,
  decodeEnvelope,
  encodeBody,
  encodeEnvelope,
  eventSignatureIsValid,
} from "../../src/room/events";
import { firstFold, nextEventsHash } from "../../src/room/fold";
import { encodeFragment, keysOf, parseFragment } from "../../src/room/invites";
import { openJoinRequest } from "../../src/room/joinRequest";
import { firstHead, listHash, nextHead, payloadHash, seenOf } from "../../src/room/logHead";
import { openRejoinRequest } from "../../src/room/rejoin";
import { readRoomExtensions, roomExtensions } from "../../src/room/roomContext";
import { openAnswer } from "../../src/room/sealedAnswer";
import { decodeSnapshot, encodeSnapshot, snapshotHash } from "../../src/room/snapshot";
import { stuckIsValid } from "../../src/room/stuck";
import {
  decodeWelcomePayload,
  encodeWelcomePayload,
  welcomeReplyIsValid,
} from "../../src/room/welcomePayload";

const FILE = join(dirname(fileURLToPath(import.meta.url)), "../../../tests/agreement/room_python.json");

type Request = { sealed: string; signed: string; hash: string };
type Written = {
  room: string;
  log: { entries: { n: number; time: number; payload: string }[]; heads: string[] };
  list: { devices: string[]; hash: string; empty: string };
  invite: Record<"secret" | "fragment" | "id" | "join_key" | "welcome_key" | "seal_key", string>;
  requests: { account: string; device: string; key_package: string; join: Request; rejoin: Request };
  event: {
    leaf_key: string;
    envelope: string;
    commit_data: string;
    account: string;
    device: string;
    n: number;
    first_events_hash: string;
    events_hash: string;
  };
  stuck: { identity_key: string; position: number; signature: string };
  welcome: {
    request_hash: string;
    epoch: number;
    group_context_hash: string;
    confirmation_tag: string;
    adder_leaf: number;
    mac: string;
    payload: string;
  };
  snapshot: { bytes: string; hash: string };
  ephemeral: { exported: string; payload: string; at: number };
  sealed_answer: {
    epoch: number;
    author: number;
    event: string;
    devices: { leaf: number; private: string }[];
    about: string;
    answer: string;
    sealed: string;
  };
  extensions: { type: number; data: string }[];
};

const python = JSON.parse(readFileSync(FILE, "utf8")) as Written;
const room = fromHex(python.room);
const keys = keysOf(fromHex(python.invite.secret));
const author = fromHex(python.event.account);

describe("what travels in rooms, as Python writes it", () => {
  it("E13 the extensions of a room", () => {
    const extensions = python.extensions.map(({ type, data }) => ({ type, data: fromHex(data) }));
    expect(roomExtensions(readRoomExtensions(extensions))).toEqual(extensions);
  });

  it("E15, E16 an event and a Commit's clear data", () => {
    const { event } = python;
    const envelope = decodeEnvelope(fromHex(event.envelope));
    expect(toHex(encodeEnvelope(envelope))).toBe(event.envelope);
    expect(eventSignatureIsValid(fromHex(event.leaf_key), room, envelope)).toBe(true);
    const body = decodeBody(envelope.type, envelope.body)!;
    expect(body).toMatchObject({ type: "post", body: { text: "Grüße 👋" } });
    expect(encodeBody(body)).toEqual(envelope.body);
    expect(envelope.seen).toEqual(seenOf(3, fromHex(python.log.heads[3]!)));
    expect(decodeCommitData(fromHex(event.commit_data))).toEqual({ id: envelope.id, seen: envelope.seen });
  });

  it("E18 a stuck statement", () => {
    const { identity_key, position, signature } = python.stuck;
    const stuck = { position, signature: fromHex(signature) };
    expect(stuckIsValid(fromHex(identity_key), room, fromHex(python.event.device), stuck)).toBe(true);
  });

  it("E19, E20 log heads and the hash of a list", () => {
    let head = firstHead(room);
    const heads = [toHex(head)];
    for (const { n, time, payload } of python.log.entries) {
      head = nextHead(head, n, time, payloadHash(fromHex(payload)));
      heads.push(toHex(head));
    }
    expect(heads).toEqual(python.log.heads);
    expect(toHex(listHash(python.list.devices.map(fromHex)))).toBe(python.list.hash);
    expect(toHex(listHash([]))).toBe(python.list.empty);
  });

  it("E22 a rejoin request", () => {
    const { rejoin, device, account, key_package } = python.requests;
    const request = openRejoinRequest(room, fromHex(rejoin.sealed));
    expect(request).toMatchObject({ oldLeaf: 3, epoch: 12 });
    expect(toHex(request.device)).toBe(device);
    expect(toHex(request.identity.accountId)).toBe(account);
    expect(toHex(request.keyPackageBytes)).toBe(key_package);
    expect(toHex(request.bytes)).toBe(rejoin.signed);
    expect(toHex(request.hash)).toBe(rejoin.hash);
  });

  it("E24 a snapshot, and the running hash of events", () => {
    const snapshot = decodeSnapshot(fromHex(python.snapshot.bytes));
    expect(toHex(encodeSnapshot(snapshot))).toBe(python.snapshot.bytes);
    expect(toHex(snapshotHash(fromHex(python.snapshot.bytes)))).toBe(python.snapshot.hash);
    expect(toHex(snapshot.head)).toBe(python.log.heads[3]);
    expect(snapshot.fold.names.get(python.event.account)).toBe("Jürgen 🦉");
    const { n, device, envelope, first_events_hash, events_hash } = python.event;
    const first = firstFold(room).events;
    expect(toHex(first)).toBe(first_events_hash);
    const place = { n, account: author, device: fromHex(device), time: 0 };
    expect(toHex(nextEventsHash(first, place, decodeEnvelope(fromHex(envelope))))).toBe(events_hash);
  });

  it("E27, E28 an invite, and the request of whoever holds it", () => {
    const { invite, requests } = python;
    expect(parseFragment(invite.fragment)).toEqual({ secret: fromHex(invite.secret), inviter: author });
    expect(encodeFragment({ secret: fromHex(invite.secret), inviter: author })).toBe(invite.fragment);
    expect({
      id: toHex(keys.inviteId),
      join_key: toHex(keys.joinKey.publicKey),
      welcome_key: toHex(keys.welcomeKey),
      seal_key: toHex(keys.sealKey),
    }).toEqual({
      id: invite.id,
      join_key: invite.join_key,
      welcome_key: invite.welcome_key,
      seal_key: invite.seal_key,
    });
    const open = {
      id: keys.inviteId,
      inviter: author,
      joinKey: keys.joinKey.publicKey,
      welcomeKey: keys.welcomeKey,
      sealKey: keys.sealKey,
      role: "member" as const,
      notAfter: python.ephemeral.at,
    };
    const request = openJoinRequest([open], room, fromHex(requests.join.sealed))!;
    expect(request.name).toBe("Dora");
    expect(toHex(request.account)).toBe(requests.account);
    expect(toHex(request.keyPackageBytes)).toBe(requests.key_package);
    expect(toHex(request.bytes)).toBe(requests.join.signed);
    expect(toHex(request.hash)).toBe(requests.join.hash);
  });

  it("E29 the reply that travels with a Welcome", () => {
    const { welcome } = python;
    const claim = {
      requestHash: fromHex(welcome.request_hash),
      groupId: room,
      epoch: BigInt(welcome.epoch),
      groupContextHash: fromHex(welcome.group_context_hash),
      confirmationTag: fromHex(welcome.confirmation_tag),
      adderLeaf: welcome.adder_leaf,
    };
    const payload = decodeWelcomePayload(fromHex(welcome.payload));
    expect(toHex(encodeWelcomePayload(payload))).toBe(welcome.payload);
    expect(toHex(payload.mac!)).toBe(welcome.mac);
    expect(welcomeReplyIsValid(keys.welcomeKey, claim, payload.mac!)).toBe(true);
  });

  it("E34 a sealed answer, on each device of its recipient", () => {
    const { epoch, author, event, devices, about, answer, sealed } = python.sealed_answer;
    const place = {
      groupId: room,
      epoch: BigInt(epoch),
      author: leafIndex(author),
      eventId: fromHex(event),
    };
    for (const device of devices) {
      const own = { leaf: leafIndex(device.leaf), encryptionPrivateKey: fromHex(device.private) };
      expect(openAnswer(place, own, fromHex(sealed))).toEqual({ about: fromHex(about), answer });
    }
  });

  it("E38 a signal", () => {
    const { exported, payload, at } = python.ephemeral;
    const opened = openSignal(fromHex(exported), new Map(), fromHex(payload), at);
    expect(opened).toMatchObject({ leaf: 5, signal: { kind: "typing", on: true } });
  });
});
