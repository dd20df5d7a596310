/**
 * Live with OpenMLS, through davey: suite 2, and PublicMessages, since that is what it speaks. Who comes and who goes
 * is proposed by an external sender, here the test; members commit by reference. Each commits for the other, and both
 * know the same epoch.
 */

import { DAVESession, type ProposalsOperationType } from "@snazzah/davey";
import { describe, expect, it } from "vitest";
import { concat, EMPTY } from "../../src/bytes/bytes";
import { greased, ownCapabilities } from "../../src/mls/capabilities";
import { encode } from "../../src/mls/codec";
import { completeCommit } from "../../src/mls/completeCommit";
import { basicCredential, externalSendersExtension, writeExternalSender } from "../../src/mls/credential";
import { MlsError } from "../../src/mls/errors";
import { WireFormat } from "../../src/mls/framing";
import { createGroup, epochAuthenticator, type Group } from "../../src/mls/group";
import { decodeGroup, encodeGroup } from "../../src/mls/groupState";
import { joinByWelcome } from "../../src/mls/joinGroup";
import { judgeCommit, type ProposalReference } from "../../src/mls/judgeCommit";
import { createKeyPackage, decodeKeyPackage } from "../../src/mls/keyPackage";
import { signFramedContent } from "../../src/mls/messageProtection";
import { encodeMlsMessage } from "../../src/mls/mlsMessage";
import type { Proposal } from "../../src/mls/proposal";
import { openPublicMessage } from "../../src/mls/publicMessages";
import { stageCommit } from "../../src/mls/stageCommit";
import { suiteOf } from "../../src/mls/suites";
import { leafIndex } from "../../src/mls/treeMath";
import { drawBelow, seededRng } from "../mls/seededRng";
import { FOREVER } from "../mls/simulation";

const suite = suiteOf(2);
const rng = seededRng("davey");
const CHANNEL = 7n;
/** `./run soak` walks further, in larger groups. */
const SOAK = process.env.COLLEGIUM_SOAK === "1";
const [STEPS, MOST] = SOAK ? [300, 20] : [15, 8];
const APPEND = 0 as ProposalsOperationType;
const WELCOME_HEADER = Uint8Array.of(0, 1, 0, 3);

const eightBytes = (value: bigint): Uint8Array => encode((writer) => writer.uint64(value));

/** Who proposes: its key is in the GroupContext, and it is no member. */
const service = suite.signatureKeyPair(rng);
const sender = { signatureKey: service.publicKey, credential: basicCredential(eightBytes(1n)) };

function proposed(epoch: bigint, proposal: Proposal): Uint8Array {
  const framed = {
    groupId: eightBytes(CHANNEL),
    epoch,
    sender: { type: "external" as const, index: 0 },
    authenticatedData: EMPTY,
    content: { type: "proposal" as const, proposal },
  };
  const signature = signFramedContent(suite, WireFormat.publicMessage, framed, service.privateKey, EMPTY);
  const message = { framed, auth: { signature, confirmationTag: null }, membershipTag: null };
  return encodeMlsMessage({ type: "public_message", message });
}

const listOf = (...messages: Uint8Array[]): Buffer =>
  Buffer.from(encode((writer) => writer.opaque(concat(...messages))));

/** A member of OpenMLS'. */
function theirs(user: bigint): DAVESession {
  const session = new DAVESession(1, `${user}`, `${CHANNEL}`);
  session.setExternalSender(Buffer.from(encode((writer) => writeExternalSender(writer, sender))));
  return session;
}

function addOf(session: DAVESession): Proposal {
  return { type: "add", keyPackage: decodeKeyPackage(Uint8Array.from(session.getSerializedKeyPackage())) };
}

type Commit = { readonly message: Buffer; readonly welcome: Buffer | null };

/** A member of ours, stored and read again after every commit. */
class Ours {
  readonly signature = suite.signatureKeyPair(rng);
  readonly #keyPackage;
  #group: Group | undefined;
  #references: ProposalReference[] = [];

  constructor(readonly user: bigint) {
    const { signature } = this;
    const credential = basicCredential(eightBytes(user));
    // No GREASE among the extensions: OpenMLS finds it in no capabilities, also when it is there (its issue 2156).
    const capabilities = greased(ownCapabilities(suite), rng);
    this.#keyPackage = createKeyPackage(suite, { signature, credential, capabilities, ...FOREVER }, rng);
  }

  get group(): Group {
    return this.#group!;
  }

  get epoch(): bigint {
    return this.group.context.epoch;
  }

  addition(): Proposal {
    return { type: "add", keyPackage: this.#keyPackage.keyPackage };
  }

  found(): this {
    const { signature } = this;
    this.#group = createGroup({
      suite,
      groupId: eightBytes(CHANNEL),
      signature,
      credential: basicCredential(eightBytes(this.user)),
      ...FOREVER,
      extensions: [externalSendersExtension([sender])],
      rng,
    });
    return this;
  }

  join(welcome: Uint8Array): this {
    const { bytes, secrets } = this.#keyPackage;
    const message = concat(WELCOME_HEADER, welcome);
    this.#enter(joinByWelcome({ suite, welcome: message, keyPackage: bytes, secrets }).group);
    return this;
  }

  receive(message: Uint8Array): void {
    const opened = openPublicMessage(this.group, message);
    if (opened.content.kind === "proposal") {
      const { proposal, ref } = opened.content;
      this.#references.push({ proposal, ref, sender: opened.sender });
      return;
    }
    this.#enter(completeCommit(this.group, judgeCommit(this.group, opened, this.#references)).next);
  }

  /** Everything that was proposed, committed. */
  commit(): Commit {
    const staged = stageCommit(this.group, {
      proposals: [],
      references: this.#references,
      authenticatedData: EMPTY,
      wireFormat: WireFormat.publicMessage,
      rng,
    });
    this.#enter(staged.next);
    return {
      message: Buffer.from(staged.message),
      welcome: staged.welcome && Buffer.from(staged.welcome.subarray(WELCOME_HEADER.length)),
    };
  }

  #enter(next: Group): void {
    this.#group = decodeGroup(encodeGroup(next), suiteOf);
    this.#references = [];
  }
}

/** Whoever is in the group, whichever program drives it. */
class Both {
  readonly ours: Ours[] = [];
  readonly theirs: DAVESession[] = [];
  #epoch = 0n;
  #user = 100n;

  /** One more of either kind, proposed from outside and committed by the member that `commits`. */
  add(kind: "ours" | "theirs", commits: Ours | DAVESession): void {
    const user = this.#user++;
    const newcomer = kind === "ours" ? new Ours(user) : theirs(user);
    const { welcome } = this.#commit(
      newcomer instanceof Ours ? newcomer.addition() : addOf(newcomer),
      commits,
    );
    if (newcomer instanceof Ours) this.ours.push(newcomer.join(welcome!));
    else {
      newcomer.processWelcome(welcome!);
      this.theirs.push(newcomer);
    }
    this.agree();
  }

  remove(gone: Ours | DAVESession, commits: Ours | DAVESession): void {
    const leaf = gone instanceof Ours ? gone.group.ownLeaf : leafIndex(gone.ownLeafIndex!);
    for (const list of [this.ours, this.theirs] as (Ours | DAVESession)[][]) {
      if (list.includes(gone)) list.splice(list.indexOf(gone), 1);
    }
    this.#commit({ type: "remove", removed: leaf }, commits);
    this.agree();
    expect(gone.epoch).toBe(this.#epoch - 1n);
  }

  agree(): void {
    const seen = [
      ...this.ours.map(({ group }) => Buffer.from(epochAuthenticator(group))),
      ...this.theirs.map((one) => one.getEpochAuthenticator()),
    ];
    for (const one of seen) expect(one).toEqual(seen[0]);
    for (const one of [...this.ours, ...this.theirs]) expect(one.epoch).toBe(this.#epoch);
  }

  #commit(proposal: Proposal, author: Ours | DAVESession): Commit {
    const message = proposed(this.#epoch, proposal);
    for (const one of this.ours) one.receive(message);
    let made = author instanceof Ours ? author.commit() : undefined;
    for (const one of this.theirs) {
      // Each of theirs has a commit of its own at once; only the author's is sent, and the others' lose.
      const { commit, welcome = null } = one.processProposals(APPEND, listOf(message));
      if (one === author) made = { message: commit!, welcome };
    }
    for (const one of this.ours) if (one !== author) one.receive(made!.message);
    for (const one of this.theirs) one.processCommit(made!.message);
    this.#epoch++;
    return made!;
  }
}

describe("with OpenMLS", () => {
  it("its group is joined by Welcome; it commits, and we do, and who came by our Welcome does", () => {
    const group = new Both();
    const ada = theirs(1n);
    group.theirs.push(ada);
    group.add("ours", ada);
    group.add("theirs", group.ours[0]!);
    group.add("ours", group.theirs[1]!);
    group.remove(ada, group.ours[1]!);
    group.add("theirs", group.theirs[0]!);
    group.remove(group.ours[0]!, group.theirs[1]!);
  });

  it("ours is joined by Welcome", () => {
    const group = new Both();
    const ada = new Ours(1n).found();
    group.ours.push(ada);
    for (let i = 0; i < 4; i++) group.add("theirs", ada);
    group.remove(group.theirs[1]!, group.theirs[2]!);
    group.add("ours", group.theirs[0]!);
    group.remove(ada, group.theirs[2]!);
  });

  it("a walk at random holds: who comes, who goes, who commits", { timeout: 3_600_000 }, () => {
    const group = new Both();
    group.theirs.push(theirs(1n));
    group.add("ours", group.theirs[0]!);
    const one = <T>(items: readonly T[]): T => items[drawBelow(rng, items.length)]!;
    for (let step = 0; step < STEPS; step++) {
      const everyone = [...group.ours, ...group.theirs];
      const author = one(everyone);
      const gone = one(everyone);
      const adds = everyone.length < 3 || (everyone.length < MOST && drawBelow(rng, 3) > 0);
      if (adds || gone === author) group.add(one(["ours", "theirs"] as const), author);
      else group.remove(gone, author);
    }
  });

  it("what each of them sends to the other, and changes on the way, is refused", () => {
    const group = new Both();
    const ada = theirs(1n);
    group.theirs.push(ada);
    group.add("ours", ada);
    const [ben] = group.ours as [Ours];
    const spoilt = (bytes: Uint8Array): Buffer => {
      const copy = Buffer.from(bytes);
      copy[copy.length - 40]! ^= 1;
      return copy;
    };
    const message = proposed(1n, new Ours(3n).addition());
    const { commit } = ada.processProposals(APPEND, listOf(message));
    ben.receive(message);
    expect(() => ben.receive(spoilt(commit!))).toThrow(MlsError);
    expect(() => ada.processCommit(spoilt(ben.commit().message))).toThrow("InvalidMembershipTag");
  });
});
