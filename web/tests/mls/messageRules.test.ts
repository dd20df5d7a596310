/** v601 to v613: messages that break one rule each, and leave the state of whoever reads them as it was. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EMPTY, utf8 } from "../../src/bytes/bytes";
import { proposeUpdate, protectApplication, protectProposal, unprotect } from "../../src/mls/application";
import { externalSendersExtension } from "../../src/mls/credential";
import { MlsError } from "../../src/mls/errors";
import { type Content, WireFormat } from "../../src/mls/framing";
import { decodeGroup, encodeGroup } from "../../src/mls/groupState";
import { protectPrivate, signFramedContent } from "../../src/mls/messageProtection";
import { openPublicMessage } from "../../src/mls/publicMessages";
import { MAX_FORWARD_DISTANCE, takeNext } from "../../src/mls/secretTree";
import { ROOM_SUITE } from "../../src/mls/suite";
import { suiteOf } from "../../src/mls/suites";
import { leafIndex } from "../../src/mls/treeMath";
import { type Forgery, forgePrivate, forgePublic, somePath } from "./forge";
import { codeOf } from "./randomWalk";
import { seededRng } from "./seededRng";
import { add, type Client, commitAll, Person, remove, roomExtensions, roomOf } from "./simulation";

const suite = suiteOf(ROOM_SUITE);
const rng = seededRng("message rules");
const HELLO: Content = { type: "application", data: utf8("hello") };

function three(): [Client, Client, Client] {
  return roomOf(ROOM_SUITE, ["ada", "ben", "cyd"], rng) as [Client, Client, Client];
}

function say(client: Client, text: string): Uint8Array {
  const input = { data: utf8(text), authenticatedData: utf8("id"), paddedTo: 64, rng };
  return client.send((group) => protectApplication(group, input)).message;
}

const [ada, ben, cyd] = three();

/** The code of what a forged message of Ada's is to Ben, whose state must be as it was. */
function refused(forgery: Forgery, content: Content = HELLO): string {
  const before = encodeGroup(ben.group);
  const code = codeOf(() => unprotect(ben.group, forgePrivate(ada, content, forgery)));
  expect(encodeGroup(ben.group)).toEqual(before);
  return code;
}

describe("a PrivateMessage", () => {
  it("that breaks no rule is read, and a forger without a forgery is none", () => {
    expect(unprotect(ben.group, forgePrivate(ada, HELLO)).content).toEqual({
      kind: "application",
      data: utf8("hello"),
    });
    expect(refused({})).toBe("nothing thrown");
  });

  it("v601: is of this group", () => {
    expect(refused({ groupId: utf8("another group") })).toBe("v601_group");
  });

  it("v602: is of this epoch, and not read in another", () => {
    const [a, b, c] = three();
    const late = say(a, "late");
    const staged = commitAll([b, a, c]);
    expect(codeOf(() => c.receive(late))).toBe("v602_epoch");
    expect(codeOf(() => c.receive(staged.message))).toBe("v602_epoch");
    expect(refused({ epoch: 9n })).toBe("v602_epoch");
  });

  it("v603: is of a leaf that is there", () => {
    expect(refused({ claims: { leaf: leafIndex(3) } })).toBe("v603_sender");
    expect(refused({ claims: { leaf: leafIndex(0xffffffff) } })).toBe("v603_sender");
  });

  it("v604: is read once", () => {
    const message = say(ada, "once");
    ben.receive(message);
    expect(codeOf(() => ben.receive(message))).toBe("v604_generation_used");
    // Not by its author either, whose key is gone.
    expect(codeOf(() => ada.receive(message))).toBe("v604_generation_used");
  });

  it("v605: is not too far ahead", () => {
    expect(refused({ claims: { generation: MAX_FORWARD_DISTANCE + 2 } })).toBe("v605_generation_too_far");
    expect(refused({ claims: { generation: 0xffffffff } })).toBe("v605_generation_too_far");
    expect(refused({ claims: { generation: 5 } })).toBe("aead");
  });

  it("v606: is padded with zeros alone", () => {
    expect(refused({ padding: new Uint8Array(100) })).toBe("nothing thrown");
    expect(refused({ padding: Uint8Array.of(0, 0, 1, 0) })).toBe("v606_padding");
    expect(refused({ padding: Uint8Array.of(0, 0, 0, 1) })).toBe("v606_padding");
  });

  it("v607: is signed, by its sender, for this epoch of this group", () => {
    expect(refused({ signedBy: null })).toBe("v607_signature");
    expect(refused({ signedBy: cyd.group.signaturePrivateKey })).toBe("v607_signature");
    const other = three()[0].group.contextBytes;
    expect(refused({ context: other })).toBe("v607_signature");
    // What Ada signs does not become Cyd's by being called so: she has not Cyd's keys.
    expect(refused({ sender: { type: "member", leaf: cyd.leaf } })).toBe("v607_signature");
    expect(refused({ claims: { leaf: cyd.leaf } })).toBe("aead");
  });

  it("v612: is in no other wire format", () => {
    const proposal: Content = { type: "proposal", proposal: remove(cyd) };
    expect(codeOf(() => unprotect(ben.group, forgePublic(ada, proposal)))).toBe("v612_wire_format");
    const { bytes } = new Person(suite, "dan", rng).keyPackage();
    const keyPackage = Uint8Array.of(0, 1, 0, 5, ...bytes);
    expect(codeOf(() => unprotect(ben.group, keyPackage))).toBe("v612_wire_format");
  });

  it("is read only as it was sealed: not one bit may differ", () => {
    const message = forgePrivate(ada, HELLO);
    for (let i = 0; i < message.length; i++) {
      const changed = message.slice();
      changed[i]! ^= 1 << (i % 8);
      expect(() => unprotect(ben.group, changed)).toThrow(MlsError);
    }
    expect(codeOf(() => unprotect(ben.group, message.subarray(0, -1)))).toBe("decode");
  });

  it("is padded to a multiple, whatever it says", () => {
    const [a, b] = three();
    const lengths = new Set<number>();
    for (let length = 0; length < 60; length++) {
      const message = say(a, "x".repeat(length));
      lengths.add(message.length);
      expect(b.receive(message).content).toEqual({ kind: "application", data: utf8("x".repeat(length)) });
    }
    // A signature of 64 bytes and its length are 66, so that up to 61 bytes of content share a bucket of 128.
    expect(lengths.size).toBe(1);
    const input = { data: EMPTY, authenticatedData: EMPTY, paddedTo: 0, rng };
    expect(codeOf(() => protectApplication(a.group, input))).toBe("padding");
  });

  it("too_many_updates: proposes a bounded number of new leaves in an epoch", () => {
    const [a] = three();
    const propose = () => a.send((group) => proposeUpdate(group, { authenticatedData: EMPTY, rng }));
    for (let i = 0; i < 16; i++) propose();
    expect(codeOf(propose)).toBe("too_many_updates");
  });

  it("of a copy of this state is read, and says whose it is", () => {
    const [a] = three();
    const copy = decodeGroup(encodeGroup(a.group), suiteOf);
    const message = say(a, "from the copy");
    // E39: a state that was restored from an old copy meets its own later words.
    expect(unprotect(copy, message).sender).toBe(copy.ownLeaf);
  });
});

describe("a PublicMessage, and a message from outside", () => {
  const proposal: Content = { type: "proposal", proposal: remove(cyd) };

  function code(content: Content, forgery: Forgery = {}, reader = ben, forger = ada): string {
    return codeOf(() => openPublicMessage(reader.group, forgePublic(forger, content, forgery)));
  }

  it("is read when it breaks no rule", () => {
    const opened = openPublicMessage(ben.group, forgePublic(ada, proposal));
    expect([opened.sender, opened.content.kind]).toEqual([ada.leaf, "proposal"]);
  });

  it("v601, v602, v603, v607: is held to the same rules", () => {
    expect(code(proposal, { groupId: utf8("another") })).toBe("v601_group");
    expect(code(proposal, { epoch: 0n })).toBe("v602_epoch");
    expect(code(proposal, { sender: { type: "member", leaf: leafIndex(3) } })).toBe("v603_sender");
    expect(code(proposal, { signedBy: cyd.group.signaturePrivateKey })).toBe("v607_signature");
    expect(code(proposal, { signedBy: null })).toBe("v607_signature");
  });

  it("v608: has the membership tag that members alone can make", () => {
    const stranger = three()[0];
    const membership = { ...ada.group.secrets, membership: stranger.group.secrets.membership };
    const forger = Object.assign(Object.create(ada), { group: { ...ada.group, secrets: membership } });
    expect(code(proposal, {}, ben, forger as Client)).toBe("v608_membership_tag");
    const message = forgePublic(ada, proposal);
    message[message.length - 1]! ^= 1;
    expect(codeOf(() => openPublicMessage(ben.group, message))).toBe("v608_membership_tag");
  });

  it("v609: is never application data", () => {
    const message = forgePublic(ada, proposal);
    expect(codeOf(() => forgePublic(ada, HELLO))).toBe("public_application");
    // The same head, with the content type and content of application data.
    const head = message.subarray(0, 4 + 1 + 18 + 8 + 5 + 1 + 2);
    const forged = Uint8Array.of(...head, 1, 5, ...utf8("hello"), 0, 0);
    expect(codeOf(() => openPublicMessage(ben.group, forged))).toBe("v609_public_application");
  });

  it("v610: proposes only what may come from outside", () => {
    const newcomer = new Person(suite, "eve", rng);
    const { keyPackage } = newcomer.keyPackage();
    const joining: Forgery = {
      sender: { type: "new_member_proposal" },
      signedBy: newcomer.signature.privateKey,
    };
    expect(code({ type: "proposal", proposal: add(keyPackage) }, joining)).toBe("nothing thrown");
    expect(code(proposal, joining)).toBe("v610_external_content");
    const commit: Content = { type: "commit", commit: { proposals: [], path: null } };
    expect(code(commit, { sender: { type: "new_member_commit" } })).toBe("v610_external_content");
    expect(code(commit, { sender: { type: "external", index: 0 } })).toBe("v610_external_content");
    const update: Content = {
      type: "proposal",
      proposal: { type: "update", leafNode: somePath(ada).leafNode },
    };
    expect(code(update, { sender: { type: "external", index: 0 } })).toBe("v610_external_content");
  });

  it("v611: comes from an external sender that the GroupContext names", () => {
    const outside = suite.signatureKeyPair(rng);
    const named = externalSendersExtension([
      { signatureKey: outside.publicKey, credential: new Person(suite, "service", rng).credential },
    ]);
    const [a, b] = roomOf(ROOM_SUITE, ["ada", "ben"], rng, [...roomExtensions("x"), named]);
    const sent = (index: number): string =>
      code(
        { type: "proposal", proposal: remove(b!) },
        { sender: { type: "external", index }, signedBy: outside.privateKey },
        b,
        a,
      );
    expect(sent(0)).toBe("nothing thrown");
    expect(sent(1)).toBe("v611_external_sender");
  });

  it("private_sender: from outside is never a PrivateMessage", () => {
    const { secretTree, secrets, contextBytes } = ada.group;
    const framed = {
      groupId: ada.group.context.groupId,
      epoch: ada.group.context.epoch,
      sender: { type: "external" as const, index: 0 },
      authenticatedData: EMPTY,
      content: proposal,
    };
    const signature = signFramedContent(suite, 2, framed, ada.group.signaturePrivateKey, contextBytes);
    const signed = { wireFormat: 2 as const, framed, auth: { signature, confirmationTag: null } };
    const { key } = takeNext(suite, secretTree, ada.leaf, "handshake");
    expect(codeOf(() => protectPrivate(suite, signed, key, secrets.senderData, 0, rng))).toBe(
      "private_sender",
    );
  });

  it("v612: is in no other wire format", () => {
    expect(codeOf(() => openPublicMessage(ben.group, forgePrivate(ada, HELLO)))).toBe("v612_wire_format");
  });

  it("carries a proposal when that is asked for, and takes no key of the sender's", () => {
    const wireFormat = WireFormat.publicMessage;
    const input = { proposal: remove(cyd), authenticatedData: EMPTY, wireFormat, rng };
    const { message, ref, group, consumed } = protectProposal(ada.group, input);
    expect([group, consumed]).toEqual([ada.group, []]);
    expect(openPublicMessage(ben.group, message).content).toEqual({
      kind: "proposal",
      proposal: remove(cyd),
      ref,
    });
  });
});

describe("v613: after a ReInit", () => {
  it("the group sends nothing and takes nothing more", () => {
    const clients = three();
    const [a, b] = clients;
    const early = say(b, "before");
    commitAll(clients, {
      proposals: [
        { type: "reinit", groupId: utf8("new group"), version: 1, suite: ROOM_SUITE, extensions: [] },
      ],
    });
    expect(a.group.reinit?.groupId).toEqual(utf8("new group"));
    a.reload();
    expect(a.group.reinit?.groupId).toEqual(utf8("new group"));
    expect(codeOf(() => say(a, "after"))).toBe("group_ended");
    expect(codeOf(() => a.stage())).toBe("group_ended");
    const input = { proposal: remove(b), authenticatedData: EMPTY, rng };
    expect(codeOf(() => protectProposal(a.group, input))).toBe("group_ended");
    const forger = Object.assign(Object.create(b), { group: { ...b.group, reinit: null } }) as Client;
    expect(codeOf(() => a.receive(forgePrivate(forger, HELLO)))).toBe("v613_group_ended");
    expect(codeOf(() => a.receive(early))).toBe("v602_epoch");
  });
});

describe("any bytes", () => {
  const message = forgePrivate(ada, HELLO);
  const publicMessage = forgePublic(ada, { type: "proposal", proposal: remove(cyd) });

  function peerFaultOrRead(run: () => unknown): void {
    try {
      run();
    } catch (error) {
      expect(error).toBeInstanceOf(MlsError);
      expect((error as MlsError).fault).toBe("peer");
    }
  }

  it("are a message or a peer's fault, and nothing else", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        peerFaultOrRead(() => unprotect(ben.group, bytes));
        peerFaultOrRead(() => openPublicMessage(ben.group, bytes));
      }),
      { seed: 1, numRuns: 500 },
    );
  });

  it("nor are messages that were cut, spliced or overwritten anything else", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(message, publicMessage),
        fc.nat(),
        fc.nat(20),
        fc.uint8Array({ maxLength: 20 }),
        (original, at, gone, put) => {
          const from = at % original.length;
          const bytes = Uint8Array.of(
            ...original.subarray(0, from),
            ...put,
            ...original.subarray(Math.min(original.length, from + gone)),
          );
          peerFaultOrRead(() => unprotect(ben.group, bytes));
          peerFaultOrRead(() => openPublicMessage(ben.group, bytes));
        },
      ),
      { seed: 2, numRuns: 1000 },
    );
  });
});
