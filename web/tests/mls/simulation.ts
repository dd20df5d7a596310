/** Clients in memory, for tests: each with its own state, and nothing between them but bytes. */

import { type Rng, utf8, wipe } from "../../src/bytes/bytes";
import { type Protected, type Unprotected, unprotect } from "../../src/mls/application";
import { completeCommit } from "../../src/mls/completeCommit";
import { basicCredential, type Credential } from "../../src/mls/credential";
import { type Extension, ExtensionType, requiredCapabilitiesExtension } from "../../src/mls/extension";
import { createGroup, type Group, supersededSecrets } from "../../src/mls/group";
import { decodeGroup, encodeGroup } from "../../src/mls/groupState";
import { joinByWelcome } from "../../src/mls/joinGroup";
import { type Judged, judgeCommit, type ProposalReference } from "../../src/mls/judgeCommit";
import { createKeyPackage, type KeyPackageSecrets } from "../../src/mls/keyPackage";
import type { Proposal } from "../../src/mls/proposal";
import type { PskLookup } from "../../src/mls/psk";
import { type CommitInput, type Staged, stageCommit } from "../../src/mls/stageCommit";
import type { CipherSuite, KeyPair } from "../../src/mls/suite";
import { suiteOf } from "../../src/mls/suites";

export const FOREVER = { notBefore: 0n, notAfter: 2n ** 62n };
export const GROUP_ID = utf8("a group of sixteen");

/** What a room's GroupContext has (E13). */
export function roomExtensions(title: string): readonly Extension[] {
  return [
    requiredCapabilitiesExtension({
      extensions: [ExtensionType.collegiumRoom],
      proposals: [],
      credentials: [1],
    }),
    { type: ExtensionType.collegiumRoom, data: utf8(title) },
  ];
}

/** What a client has before it is in a group. */
export class Person {
  readonly credential: Credential;
  readonly signature: KeyPair;

  constructor(
    readonly suite: CipherSuite,
    readonly name: string,
    readonly rng: Rng,
  ) {
    this.credential = basicCredential(utf8(name));
    this.signature = suite.signatureKeyPair(rng);
  }

  keyPackage(): ReturnType<typeof createKeyPackage> {
    const { suite, signature, credential, rng } = this;
    return createKeyPackage(suite, { signature, credential, ...FOREVER }, rng);
  }

  found(extensions: readonly Extension[] = roomExtensions("new"), groupId = GROUP_ID): Client {
    const { suite, signature, credential, rng } = this;
    return new Client(
      this.name,
      createGroup({ suite, groupId, signature, credential, ...FOREVER, extensions, rng }),
      rng,
    );
  }

  join(
    welcome: Uint8Array,
    keyPackage: { readonly bytes: Uint8Array; readonly secrets: KeyPackageSecrets },
    psks?: PskLookup,
  ): Client {
    const { bytes, secrets } = keyPackage;
    const joined = joinByWelcome({
      suite: this.suite,
      welcome,
      keyPackage: bytes,
      secrets,
      ...(psks && { psks }),
    });
    wipe(...joined.consumed);
    return new Client(this.name, joined.group, this.rng);
  }
}

/** A member: its state moves on, and what was consumed is wiped at once, so that nothing can lean on it. */
export class Client {
  references: ProposalReference[] = [];

  constructor(
    readonly name: string,
    public group: Group,
    readonly rng: Rng,
  ) {}

  get leaf(): Group["ownLeaf"] {
    return this.group.ownLeaf;
  }

  /** Stored and read again. */
  reload(): void {
    this.group = decodeGroup(encodeGroup(this.group), suiteOf);
  }

  send<P extends Protected>(protect: (group: Group) => P): P {
    const sent = protect(this.group);
    this.group = sent.group;
    wipe(...sent.consumed);
    return sent;
  }

  receive(message: Uint8Array): Unprotected {
    const opened = unprotect(this.group, message);
    this.group = opened.group;
    wipe(...opened.consumed);
    if (opened.content.kind === "proposal") {
      const { proposal, ref } = opened.content;
      this.references.push({ proposal, ref, sender: opened.sender });
    }
    return opened;
  }

  stage(input: Partial<CommitInput> = {}): Staged {
    const staged = stageCommit(this.group, {
      proposals: [],
      authenticatedData: utf8("id"),
      rng: this.rng,
      ...input,
    });
    this.group = staged.current;
    wipe(...staged.consumed);
    return staged;
  }

  /** The own commit was accepted. */
  merge({ next }: Pick<Staged, "next">): void {
    wipe(...supersededSecrets(this.group, next));
    this.#enter(next);
  }

  /** The own commit lost. */
  drop({ next }: Staged): void {
    wipe(...supersededSecrets(next, this.group));
  }

  judge(message: Uint8Array): Judged {
    return judgeCommit(this.group, this.receive(message), this.references);
  }

  /** Somebody else's commit. Answers false when it removes this member. */
  follow(message: Uint8Array, psks?: PskLookup): boolean {
    const judged = this.judge(message);
    if (judged.removesMe) return false;
    const { next, consumed } = completeCommit(this.group, judged, psks);
    wipe(...consumed);
    this.#enter(next);
    return true;
  }

  #enter(next: Group): void {
    this.group = next;
    this.references = [];
  }
}

/** A founder and others that were added in one commit. */
export function roomOf(
  suiteId: number,
  names: readonly string[],
  rng: Rng,
  extensions?: readonly Extension[],
): Client[] {
  const people = names.map((name) => new Person(suiteOf(suiteId), name, rng));
  const [founder, ...others] = people;
  const first = founder!.found(extensions);
  if (others.length === 0) return [first];
  const packages = others.map((person) => person.keyPackage());
  const staged = first.stage({ proposals: packages.map(({ keyPackage }) => add(keyPackage)) });
  first.merge(staged);
  return [first, ...others.map((person, i) => person.join(staged.welcome!, packages[i]!))];
}

export function add(keyPackage: ReturnType<typeof createKeyPackage>["keyPackage"]): Proposal {
  return { type: "add", keyPackage };
}

export function remove(client: Client): Proposal {
  return { type: "remove", removed: client.leaf };
}

/** One commit by the first of the clients, followed by the others. */
export function commitAll(clients: readonly Client[], input: Partial<CommitInput> = {}): Staged {
  const [author, ...others] = clients;
  const staged = author!.stage(input);
  for (const other of others) other.follow(staged.message, input.psks);
  author!.merge(staged);
  return staged;
}
