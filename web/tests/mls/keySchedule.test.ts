import { describe, expect, it } from "vitest";
import { EMPTY, fromHex, toHex, utf8 } from "../../src/bytes/bytes";
import { encodeGroupContext } from "../../src/mls/groupContext";
import {
  epochSecret,
  epochSecrets,
  exporter,
  externalKeyPair,
  joinerSecret,
  receiveExternalInit,
  welcomeSecret,
} from "../../src/mls/keySchedule";
import { findPsks, pskSecret } from "../../src/mls/psk";
import { type CipherSuite, ROOM_SUITE } from "../../src/mls/suite";
import { suiteOf } from "../../src/mls/suites";
import { eachVectorFile } from "../vectors";
import { seededRng } from "./seededRng";

const SUITES = [1, 2, 3, ROOM_SUITE];

type Epoch = {
  tree_hash: string;
  commit_secret: string;
  psk_secret?: string;
  confirmed_transcript_hash: string;
  group_context: string;
  joiner_secret: string;
  welcome_secret: string;
  init_secret: string;
  sender_data_secret: string;
  encryption_secret: string;
  exporter_secret: string;
  epoch_authenticator: string;
  external_secret: string;
  confirmation_key: string;
  membership_key: string;
  resumption_psk: string;
  external_pub: string;
  exporter: { label: string; context: string; length: number; secret: string };
};
type KeyScheduleVector = {
  cipher_suite: number;
  group_id: string;
  initial_init_secret: string;
  epochs: Epoch[];
};

function checkEpoch(suite: CipherSuite, groupId: string, index: number, init: Uint8Array, given: Epoch) {
  const context = encodeGroupContext({
    version: 1,
    suite: suite.id,
    groupId: fromHex(groupId),
    epoch: BigInt(index),
    treeHash: fromHex(given.tree_hash),
    confirmedTranscriptHash: fromHex(given.confirmed_transcript_hash),
    extensions: [],
  });
  expect(toHex(context)).toBe(given.group_context);
  const psk = given.psk_secret === undefined ? new Uint8Array(suite.nh) : fromHex(given.psk_secret);
  const joiner = joinerSecret(suite, init, fromHex(given.commit_secret), context);
  expect(toHex(joiner)).toBe(given.joiner_secret);
  expect(toHex(welcomeSecret(suite, joiner, psk))).toBe(given.welcome_secret);
  const secrets = epochSecrets(suite, epochSecret(suite, joiner, psk, context));
  expect(Object.fromEntries(Object.entries(secrets).map(([name, secret]) => [name, toHex(secret)]))).toEqual({
    senderData: given.sender_data_secret,
    encryption: given.encryption_secret,
    exporter: given.exporter_secret,
    external: given.external_secret,
    confirmation: given.confirmation_key,
    membership: given.membership_key,
    resumption: given.resumption_psk,
    authenticator: given.epoch_authenticator,
    init: given.init_secret,
  });
  expect(toHex(externalKeyPair(suite, secrets.external).publicKey)).toBe(given.external_pub);
  const { label, context: exportContext, length, secret } = given.exporter;
  expect(toHex(exporter(suite, secrets.exporter, label, fromHex(exportContext), length))).toBe(secret);
  return secrets.init;
}

eachVectorFile<KeyScheduleVector>("mls/key-schedule", (entries) => {
  const ours = entries.filter((entry) => SUITES.includes(entry.cipher_suite));
  for (const entry of ours) {
    let init = fromHex(entry.initial_init_secret);
    entry.epochs.forEach((epoch, index) => {
      init = checkEpoch(suiteOf(entry.cipher_suite), entry.group_id, index, init, epoch);
    });
  }
  return { checked: ours.length, outOfScope: entries.length - ours.length };
});

type PskVector = {
  cipher_suite: number;
  psks: { psk_id: string; psk: string; psk_nonce: string }[];
  psk_secret: string;
};

eachVectorFile<PskVector>("mls/psk-secret", (entries) => {
  const ours = entries.filter((entry) => SUITES.includes(entry.cipher_suite));
  for (const entry of ours) {
    const psks = entry.psks.map(({ psk_id, psk, psk_nonce }) => ({
      id: { kind: "external" as const, id: fromHex(psk_id), nonce: fromHex(psk_nonce) },
      secret: fromHex(psk),
    }));
    expect(toHex(pskSecret(suiteOf(entry.cipher_suite), psks))).toBe(entry.psk_secret);
  }
  return { checked: ours.length, outOfScope: entries.length - ours.length };
});

describe("what the vectors of the key schedule leave open", () => {
  it.each(SUITES)("suite %i: an external init secret arrives as it was sent", (id) => {
    const suite = suiteOf(id);
    const external = seededRng("external")(suite.nh);
    const { publicKey } = externalKeyPair(suite, external);
    const { kemOutput, secret } = suite.hpkeExportSender(
      publicKey,
      EMPTY,
      utf8("MLS 1.0 external init secret"),
      suite.nh,
      seededRng("sender"),
    );
    expect(receiveExternalInit(suite, external, kemOutput)).toEqual(secret);
  });

  it("v905: an exported secret depends on label, context and length", () => {
    const suite = suiteOf(ROOM_SUITE);
    const secret = seededRng("exporter")(suite.nh);
    const exported = (label: string, context: string, length: number) =>
      toHex(exporter(suite, secret, label, utf8(context), length));
    const all = [
      exported("a", "", 32),
      exported("b", "", 32),
      exported("a", "x", 32),
      exported("a", "y", 32),
      exported("a", "", 31),
    ];
    expect(new Set(all).size).toBe(all.length);
    expect(all[0]!.startsWith(all[4]!)).toBe(false);
  });

  it("v315: a PSK that nobody has is named as missing", () => {
    const id = { kind: "external" as const, id: utf8("x"), nonce: EMPTY };
    expect(() => findPsks([id], () => undefined)).toThrow(expect.objectContaining({ code: "psk_missing" }));
  });
});
