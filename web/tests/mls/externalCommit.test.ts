/** External commits (RFC 9420 §12.4.3.2), made here as an outsider makes them: rooms only ever refuse them (E14). */

import { describe, expect, it } from "vitest";
import { EMPTY, utf8 } from "../../src/bytes/bytes";
import { type AppliedProposals, applyProposals } from "../../src/mls/applyProposals";
import { ownCapabilities } from "../../src/mls/capabilities";
import { completeCommit, confirmEpoch } from "../../src/mls/completeCommit";
import { type FramedContent, WireFormat } from "../../src/mls/framing";
import { enterEpoch, epochAuthenticator, type Group } from "../../src/mls/group";
import { encodeGroupContext } from "../../src/mls/groupContext";
import { judgeCommit, planEpoch } from "../../src/mls/judgeCommit";
import { externalKeyPair, joinerSecret, zeroSecret } from "../../src/mls/keySchedule";
import { signLeafNode } from "../../src/mls/leafNode";
import { protectPublic, signFramedContent } from "../../src/mls/messageProtection";
import { encodeMlsMessage } from "../../src/mls/mlsMessage";
import type { Proposal } from "../../src/mls/proposal";
import { openPublicMessage } from "../../src/mls/publicMessages";
import { type HpkeExport, ROOM_SUITE } from "../../src/mls/suite";
import { suiteOf } from "../../src/mls/suites";
import { type CreatedPath, createUpdatePath } from "../../src/mls/treeKem";
import type { UpdatePath } from "../../src/mls/updatePath";
import { byValue } from "./forge";
import { codeOf } from "./randomWalk";
import { seededRng } from "./seededRng";
import { Client, commitAll, Person, remove, roomOf } from "./simulation";

const rng = seededRng("external commit");

/** Whoever comes in with what a GroupInfo shows: the public parts of a member's state, and the external key. */
class Outsider {
  readonly init: HpkeExport;
  readonly proposals: readonly Proposal[];
  readonly applied: AppliedProposals;
  readonly created: CreatedPath;

  constructor(
    readonly group: Group,
    readonly person: Person,
    removes?: Client,
  ) {
    const { suite, context } = group;
    const { publicKey } = externalKeyPair(suite, group.secrets.external);
    const label = utf8("MLS 1.0 external init secret");
    this.init = suite.hpkeExportSender(publicKey, EMPTY, label, suite.nh, rng);
    const { kemOutput } = this.init;
    this.proposals = [{ type: "external_init", kemOutput }, ...(removes ? [remove(removes)] : [])];
    const list = this.proposals.map((proposal) => ({ proposal, sender: null, byReference: false }));
    this.applied = applyProposals(group, null, list);
    const { signature, credential } = person;
    this.created = createUpdatePath(
      suite,
      {
        tree: this.applied.tree,
        ownLeaf: this.applied.committer,
        groupId: context.groupId,
        content: { signature, credential, capabilities: ownCapabilities(suite), extensions: [] },
        added: [],
        groupContext: (treeHash) => encodeGroupContext({ ...context, epoch: context.epoch + 1n, treeHash }),
      },
      rng,
    );
  }

  #sign(path: UpdatePath): { readonly framed: FramedContent; readonly signature: Uint8Array } {
    const { suite, context, contextBytes } = this.group;
    const framed: FramedContent = {
      groupId: context.groupId,
      epoch: context.epoch,
      sender: { type: "new_member_commit" },
      authenticatedData: EMPTY,
      content: { type: "commit", commit: { proposals: byValue(...this.proposals), path } },
    };
    const key = this.person.signature.privateKey;
    return {
      framed,
      signature: signFramedContent(suite, WireFormat.publicMessage, framed, key, contextBytes),
    };
  }

  /** A PublicMessage with this path and confirmation tag. */
  commit(path: UpdatePath, confirmationTag: Uint8Array): Uint8Array {
    const { suite, contextBytes } = this.group;
    const { framed, signature } = this.#sign(path);
    const content = { wireFormat: WireFormat.publicMessage, framed, auth: { signature, confirmationTag } };
    const message = protectPublic(suite, content, EMPTY, contextBytes);
    return encodeMlsMessage({ type: "public_message", message });
  }

  /** The commit, and the member that it makes of the outsider. */
  comeIn(): { readonly message: Uint8Array; readonly client: Client } {
    const { suite } = this.group;
    const { path, commitSecret, privateTree } = this.created;
    const signed = { wireFormat: WireFormat.publicMessage, ...this.#sign(path) };
    const next = planEpoch(this.group, this.applied, signed, path);
    const { contextAfter: context, contextAfterBytes: contextBytes } = next;
    const joiner = joinerSecret(suite, this.init.secret, commitSecret, contextBytes);
    const psk = zeroSecret(suite);
    const confirmed = context.confirmedTranscriptHash;
    const { secrets, confirmationTag } = confirmEpoch(suite, joiner, psk, contextBytes, confirmed);
    const group = enterEpoch({
      suite,
      context,
      contextBytes,
      tree: next.treeAfter,
      confirmationTag,
      reinit: null,
      ownLeaf: this.applied.committer,
      signaturePrivateKey: this.person.signature.privateKey,
      privateTree,
      epochSecrets: secrets,
    });
    const client = new Client(this.person.name, group, rng);
    return { message: this.commit(path, confirmationTag), client };
  }
}

function follow(client: Client, message: Uint8Array): void {
  const opened = openPublicMessage(client.group, message);
  expect(opened.sender).toBeNull();
  client.group = completeCommit(client.group, judgeCommit(client.group, opened, [])).next;
}

describe("an external commit", () => {
  it.each([1, ROOM_SUITE])("suite %i: makes a member like any other of an outsider", (suiteId) => {
    const clients = roomOf(suiteId, ["ada", "ben", "cyd", "dan"], rng);
    commitAll(clients);
    const outsider = new Outsider(clients[0]!.group, new Person(suiteOf(suiteId), "eve", rng));
    const { message, client: eve } = outsider.comeIn();
    for (const client of clients) follow(client, message);
    expect(eve.leaf).toBe(4);
    for (const client of clients) {
      expect(epochAuthenticator(client.group)).toEqual(epochAuthenticator(eve.group));
    }
    commitAll([eve, ...clients]);
    const [first, ...others] = [...clients, eve];
    commitAll([...others, first!]);
  });

  it("gives whoever comes back the place of the old leaf", () => {
    const [ada, ben, cyd] = roomOf(ROOM_SUITE, ["ada", "ben", "cyd"], rng) as [Client, Client, Client];
    const person = new Person(suiteOf(ROOM_SUITE), "ben", rng);
    const { message, client: again } = new Outsider(ada.group, person, ben).comeIn();
    for (const client of [ada, cyd]) follow(client, message);
    expect(again.leaf).toBe(ben.leaf);
    commitAll([again, ada, cyd]);
    // The one who is replaced is told so.
    expect(judgeCommit(ben.group, openPublicMessage(ben.group, message), []).removesMe).toBe(true);
  });

  it("v109: brings another encryption key than that leaf's", () => {
    const suite = suiteOf(ROOM_SUITE);
    const [ada, ben] = roomOf(ROOM_SUITE, ["ada", "ben", "cyd"], rng) as [Client, Client];
    const outsider = new Outsider(ada.group, new Person(suite, "ben", rng), ben);
    const { path } = outsider.created;
    const { encryptionKey } = ada.group.tree.leaf(ben.leaf)!;
    const { groupId } = ada.group.context;
    const { privateKey } = outsider.person.signature;
    const place = { groupId, leaf: ben.leaf };
    const leafNode = signLeafNode(suite, { ...path.leafNode, encryptionKey }, privateKey, place);
    const judged = (given: UpdatePath): string => {
      const opened = openPublicMessage(ada.group, outsider.commit(given, new Uint8Array(suite.nh)));
      return codeOf(() => judgeCommit(ada.group, opened, []));
    };
    expect(judged(path)).toBe("nothing thrown");
    expect(judged({ ...path, leafNode })).toBe("v109_encryption_key_kept");
  });

  it("to another epoch's key opens nothing", () => {
    const [ada, ben] = roomOf(ROOM_SUITE, ["ada", "ben"], rng) as [Client, Client];
    const { message } = new Outsider(ada.group, new Person(suiteOf(ROOM_SUITE), "eve", rng)).comeIn();
    const external = new Uint8Array(ben.group.suite.nh);
    const wrong = { ...ben.group, secrets: { ...ben.group.secrets, external } };
    const judged = judgeCommit(ben.group, openPublicMessage(ben.group, message), []);
    expect(codeOf(() => completeCommit(wrong, judged))).toBe("confirmation_tag");
    commitAll([ada, ben]);
    expect(codeOf(() => openPublicMessage(ben.group, message))).toBe("v602_epoch");
  });
});
