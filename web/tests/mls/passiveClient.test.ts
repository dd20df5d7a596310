import { expect } from "vitest";
import { equal, fromHex, toHex, wipe } from "../../src/bytes/bytes";
import { type OpenedContent, unprotect, type VerifiedContent } from "../../src/mls/application";
import { completeCommit } from "../../src/mls/completeCommit";
import { epochAuthenticator, type Group, resumptionPsk } from "../../src/mls/group";
import { type JoinInput, joinByWelcome } from "../../src/mls/joinGroup";
import { judgeCommit, type ProposalReference } from "../../src/mls/judgeCommit";
import { encodeKeyPackage, type KeyPackage } from "../../src/mls/keyPackage";
import { decodeMlsMessage } from "../../src/mls/mlsMessage";
import type { PskLookup } from "../../src/mls/psk";
import { openPublicMessage } from "../../src/mls/publicMessages";
import { suiteOf } from "../../src/mls/suites";
import type { LeafIndex } from "../../src/mls/treeMath";
import { eachVectorFile } from "../vectors";

type PassiveVector = {
  cipher_suite: number;
  external_psks: { psk_id: string; psk: string }[];
  key_package: string;
  signature_priv: string;
  encryption_priv: string;
  init_priv: string;
  welcome: string;
  ratchet_tree: string | null;
  initial_epoch_authenticator: string;
  epochs: { proposals: string[]; commit: string; epoch_authenticator: string }[];
};

type Opened = {
  readonly group: Group;
  readonly sender: LeafIndex | null;
  readonly content: OpenedContent;
  readonly authenticated: VerifiedContent;
};

function open(group: Group, message: Uint8Array): Opened {
  if (decodeMlsMessage(message).type === "public_message") {
    return { ...openPublicMessage(group, message), group };
  }
  const opened = unprotect(group, message);
  wipe(...opened.consumed);
  return opened;
}

class PassiveClient {
  readonly #psks: { id: Uint8Array; secret: Uint8Array }[];
  readonly #resumption: { groupId: Uint8Array; epoch: bigint; secret: Uint8Array }[] = [];
  group: Group;

  constructor(vector: PassiveVector) {
    this.#psks = vector.external_psks.map(({ psk_id, psk }) => ({
      id: fromHex(psk_id),
      secret: fromHex(psk),
    }));
    this.group = joinByWelcome(this.#joinInput(vector)).group;
    this.#remember();
    expect(toHex(epochAuthenticator(this.group))).toBe(vector.initial_epoch_authenticator);
  }

  #joinInput(vector: PassiveVector): JoinInput {
    const suite = suiteOf(vector.cipher_suite);
    const message = decodeMlsMessage(fromHex(vector.key_package));
    const { keyPackage } = message as { keyPackage: KeyPackage };
    return {
      suite,
      welcome: fromHex(vector.welcome),
      keyPackage: encodeKeyPackage(keyPackage),
      secrets: {
        initPrivateKey: fromHex(vector.init_priv),
        encryptionPrivateKey: fromHex(vector.encryption_priv),
        signaturePrivateKey: fromHex(vector.signature_priv),
      },
      psks: this.#lookup,
      ...(vector.ratchet_tree === null ? {} : { tree: fromHex(vector.ratchet_tree) }),
    };
  }

  readonly #lookup: PskLookup = (id) =>
    id.kind === "external"
      ? this.#psks.find((psk) => equal(psk.id, id.id))?.secret
      : this.#resumption.find((psk) => psk.epoch === id.epoch && equal(psk.groupId, id.groupId))?.secret;

  #remember(): void {
    const { groupId, epoch } = this.group.context;
    this.#resumption.push({ groupId, epoch, secret: resumptionPsk(this.group) });
  }

  follow({ proposals, commit }: PassiveVector["epochs"][number]): void {
    const references: ProposalReference[] = proposals.map((message) => {
      const { group, sender, content } = open(this.group, fromHex(message));
      this.group = group;
      if (content.kind !== "proposal") throw new Error("not a proposal");
      return { proposal: content.proposal, ref: content.ref, sender };
    });
    const opened = open(this.group, fromHex(commit));
    const judged = judgeCommit(this.group, opened, references);
    const { next, consumed } = completeCommit(this.group, judged, this.#lookup);
    // What is wiped now is no part of what comes next.
    wipe(...consumed);
    this.group = next;
    this.#remember();
  }
}

eachVectorFile<PassiveVector>("mls/passive-client", (entries) => {
  const ours = entries.filter((entry) => [1, 2, 3].includes(entry.cipher_suite));
  for (const entry of ours) {
    const client = new PassiveClient(entry);
    for (const epoch of entry.epochs) {
      client.follow(epoch);
      expect(toHex(epochAuthenticator(client.group))).toBe(epoch.epoch_authenticator);
    }
  }
  return { checked: ours.length, outOfScope: entries.length - ours.length };
});
