/** A group's life at random, from a seed: who does what next, and what must be true after it. */

import { expect } from "vitest";
import { type Rng, toHex, utf8, wipe } from "../../src/bytes/bytes";
import { proposeUpdate, protectApplication, protectProposal, unprotect } from "../../src/mls/application";
import { completeCommit } from "../../src/mls/completeCommit";
import { basicCredential } from "../../src/mls/credential";
import type { MlsError } from "../../src/mls/errors";
import { epochAuthenticator, exportSecret, type Group, treeHash } from "../../src/mls/group";
import { judgeCommit, type ProposalReference } from "../../src/mls/judgeCommit";
import type { Proposal } from "../../src/mls/proposal";
import type { CommitInput, Staged } from "../../src/mls/stageCommit";
import { suiteOf } from "../../src/mls/suites";
import { drawBelow, seededRng } from "./seededRng";
import { add, type Client, Person, remove, roomExtensions, roomOf } from "./simulation";

const MAX_MEMBERS = 12;

type Newcomers = {
  readonly proposals: Proposal[];
  readonly join: (welcome: Uint8Array) => Client[];
};

export class Walk {
  readonly #rng: Rng;
  readonly #suiteId: number;
  #clients: Client[];
  /** The last ones who were removed, with every key they had: they wiped none. */
  #departed: Group[] = [];
  #named = 0;
  readonly done = new Map<string, number>();

  constructor(suiteId: number, seed: string) {
    this.#rng = seededRng(seed);
    this.#suiteId = suiteId;
    this.#clients = roomOf(suiteId, [this.#name()], this.#rng);
  }

  get size(): number {
    return this.#clients.length;
  }

  step(): void {
    const weighted: readonly (readonly [weight: number, name: string, act: () => void])[] = [
      [4, "add one", () => this.#commit(this.#newcomers(1))],
      [2, "add many", () => this.#commit(this.#newcomers(2 + this.#below(4)))],
      [3, "remove", () => this.#removeSome(1 + this.#below(2))],
      [1, "remove a half", () => this.#removeHalf()],
      [3, "update", () => this.#commit()],
      [2, "new signature key", () => this.#rotate()],
      [3, "remove and add", () => this.#replace()],
      [3, "by reference", () => this.#byReference()],
      [2, "extensions", () => this.#rename()],
      [6, "talk", () => this.#talk()],
      [2, "race", () => this.#race()],
    ];
    const each = weighted.flatMap(([weight, ...rest]) => Array.from({ length: weight }, () => rest));
    const [name, act] = each[this.#below(each.length)]!;
    this.done.set(name, (this.done.get(name) ?? 0) + 1);
    act();
    this.#agree();
  }

  #below(limit: number): number {
    return drawBelow(this.#rng, limit);
  }

  #name(): string {
    return `member ${this.#named++}`;
  }

  #one(): Client {
    return this.#clients[this.#below(this.#clients.length)]!;
  }

  #shuffled<T>(items: readonly T[]): T[] {
    const out = [...items];
    for (let i = out.length - 1; i > 0; i--) {
      const j = this.#below(i + 1);
      [out[i], out[j]] = [out[j]!, out[i]!];
    }
    return out;
  }

  /** Any client may be stored and read again between any two things that happen. */
  #perhapsReload(client: Client): void {
    if (this.#below(4) === 0) client.reload();
  }

  #newcomers(count: number): Newcomers {
    const room = Math.max(0, Math.min(count, MAX_MEMBERS - this.#clients.length));
    const people = Array.from(
      { length: room },
      () => new Person(suiteOf(this.#suiteId), this.#name(), this.#rng),
    );
    const packages = people.map((person) => person.keyPackage());
    return {
      proposals: packages.map(({ keyPackage }) => add(keyPackage)),
      join: (welcome) => people.map((person, i) => person.join(welcome, packages[i]!)),
    };
  }

  /** Everyone agrees on everything that two members could compare. */
  #agree(): void {
    const views = this.#clients.map((client) => {
      this.#perhapsReload(client);
      const { group } = client;
      return [
        toHex(epochAuthenticator(group)),
        toHex(treeHash(group)),
        toHex(exportSecret(group, "walk", utf8("context"), 32)),
      ];
    });
    for (const view of views) expect(view).toEqual(views[0]);
    const leaves = this.#clients.map(({ leaf }) => leaf).sort((a, b) => a - b);
    expect(this.#clients[0]!.group.tree.members().map(({ leaf }) => leaf)).toEqual(leaves);
  }

  #commit(newcomers?: Newcomers, input: Partial<CommitInput> = {}, author = this.#one()): void {
    const proposals = [...(input.proposals ?? []), ...(newcomers?.proposals ?? [])];
    const staged = author.stage({ ...input, proposals });
    this.#perhapsReload(author);
    this.#deliver(author, staged, newcomers);
  }

  #deliver(author: Client, staged: Staged, newcomers?: Newcomers): void {
    for (const client of this.#shuffled(this.#clients)) {
      this.#perhapsReload(client);
      if (client === author) client.merge(staged);
      else if (!client.follow(staged.message)) this.#part(client, staged);
    }
    const joined = staged.welcome === null ? [] : newcomers!.join(staged.welcome);
    this.#clients.push(...joined);
  }

  /** Who was removed has nothing to open the commit with, however hard it tries. */
  #part(client: Client, staged: Staged): void {
    this.#clients = this.#clients.filter((other) => other !== client);
    const judged = { ...staged.judged, removesMe: false };
    expect(codeOf(() => completeCommit(client.group, judged))).toBe("v311_path_secret");
    this.#departed = [...this.#departed.slice(-2), client.group];
  }

  #removeSome(count: number): void {
    const [author, ...others] = this.#shuffled(this.#clients);
    this.#commit(undefined, { proposals: others.slice(0, count).map(remove) }, author);
  }

  /** Everyone in one half of the tree, so that it is blank, and with luck cut off. */
  #removeHalf(): void {
    const author = this.#one();
    const half = author.group.tree.leafCount / 2;
    const others = this.#clients.filter(({ leaf }) => leaf < half !== author.leaf < half);
    this.#commit(undefined, { proposals: others.map(remove) }, author);
  }

  #replace(): void {
    const [author, victim] = this.#shuffled(this.#clients);
    const proposals = victim === undefined ? [] : [remove(victim)];
    const order = this.#below(2) === 0;
    const newcomers = this.#newcomers(1);
    const mixed = order ? [...proposals, ...newcomers.proposals] : [...newcomers.proposals, ...proposals];
    this.#commit({ ...newcomers, proposals: [] }, { proposals: mixed }, author);
  }

  #rotate(): void {
    const author = this.#one();
    const signature = suiteOf(this.#suiteId).signatureKeyPair(this.#rng);
    const credential = basicCredential(utf8(`${author.name} anew`));
    this.#commit(undefined, { newLeaf: { signature, credential } }, author);
    wipe(signature.privateKey);
  }

  #rename(): void {
    const title = toHex(this.#rng(4));
    this.#commit(undefined, {
      proposals: [{ type: "group_context_extensions", extensions: roomExtensions(title) }],
    });
  }

  /** Proposals of several members, among them leaves and Updates, taken up by another. */
  #byReference(): void {
    const [author, ...others] = this.#shuffled(this.#clients);
    const newcomers = this.#newcomers(1);
    const leaver = others.length > 2 ? others.pop() : undefined;
    for (const client of others.slice(0, 2))
      this.#propose(client, (group) => {
        return proposeUpdate(group, { authenticatedData: utf8("update"), rng: this.#rng });
      });
    if (leaver !== undefined) this.#proposeThis(leaver, remove(leaver));
    for (const proposal of newcomers.proposals) this.#proposeThis(this.#one(), proposal);
    const references: readonly ProposalReference[] = this.#shuffled(author!.references);
    this.#commit({ ...newcomers, proposals: [] }, { references }, author);
  }

  #proposeThis(client: Client, proposal: Proposal): void {
    this.#propose(client, (group) =>
      protectProposal(group, { proposal, authenticatedData: utf8("proposal"), rng: this.#rng }),
    );
  }

  #propose(sender: Client, protect: (group: Client["group"]) => ReturnType<typeof protectProposal>): void {
    const { message, proposal, ref } = sender.send(protect);
    sender.references.push({ proposal, ref, sender: sender.leaf });
    for (const other of this.#clients) {
      this.#perhapsReload(other);
      if (other !== sender) other.receive(message);
    }
  }

  /** Several messages of several members, read by each in an order of its own. */
  #talk(): void {
    const sent = Array.from({ length: 4 + this.#below(8) }, () => {
      const client = this.#one();
      const data = this.#rng(this.#below(40));
      const { message } = client.send((group) =>
        protectApplication(group, { data, authenticatedData: utf8("id"), paddedTo: 64, rng: this.#rng }),
      );
      this.#perhapsReload(client);
      return { client, data, message };
    });
    for (const group of this.#departed) {
      // As if it were of this epoch: without the epoch's secrets not even the sender can be read.
      const here = { ...group, context: this.#clients[0]!.group.context };
      for (const { message } of sent) expect(codeOf(() => unprotect(here, message))).toBe("aead");
    }
    for (const reader of this.#clients) {
      for (const { client, data, message } of this.#shuffled(sent)) {
        if (client === reader) continue;
        const { content, sender } = reader.receive(message);
        expect([sender, content]).toEqual([client.leaf, { kind: "application", data }]);
        expect(codeOf(() => reader.receive(message))).toBe("v604_generation_used");
        this.#perhapsReload(reader);
      }
    }
  }

  /** Two members commit at once; the loser drops its own and follows the other's. */
  #race(): void {
    const [winner, loser] = this.#shuffled(this.#clients);
    if (loser === undefined) return;
    const lost = loser.stage();
    loser.drop(lost);
    const staged = winner!.stage();
    // The lost commit is seen by everyone, and is valid; the order decides.
    judgeCommit(winner!.group, winner!.receive(lost.message), []);
    this.#deliver(winner!, staged);
  }
}

export function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return (error as MlsError).code;
  }
  return "nothing thrown";
}
