/**
 * Members in TypeScript for the walks across languages (tests/walks/README.md). Requests come on standard input and
 * answers go to standard output, each a CBOR map after its length in four bytes. It keeps the members' states, and
 * decides nothing.
 */

import { decode, encode } from "cborg";
import { decodeDescriptor, encodeDescriptor } from "../../src/attachments/descriptor";
import { concat, equal, toHex, u32 } from "../../src/bytes/bytes";
import { proposeUpdate, protectApplication, protectProposal, unprotect } from "../../src/mls/application";
import { decodeCommit, encodeCommit } from "../../src/mls/commit";
import { completeCommit } from "../../src/mls/completeCommit";
import { decodeCredential, encodeCredential, isBasic } from "../../src/mls/credential";
import { MlsError } from "../../src/mls/errors";
import { decodeExtensions, encodeExtensions } from "../../src/mls/extension";
import { WireFormat } from "../../src/mls/framing";
import { epochAuthenticator, exportSecret, treeHash } from "../../src/mls/group";
import { decodeGroupContext, encodeGroupContext } from "../../src/mls/groupContext";
import { decodeGroupInfo, encodeGroupInfo } from "../../src/mls/groupInfo";
import {
  branchGroup,
  type GroupOrigin,
  joinFromOrigin,
  type OriginFounding,
  originOf,
  reinitGroup,
  type SameMember,
} from "../../src/mls/groupOrigin";
import { decodeGroup, encodeGroup } from "../../src/mls/groupState";
import { judgeCommit } from "../../src/mls/judgeCommit";
import { type createKeyPackage, decodeKeyPackage, encodeKeyPackage } from "../../src/mls/keyPackage";
import { decodeLeafNode, encodeLeafNode } from "../../src/mls/leafNode";
import { decodeMlsMessage, encodeMlsMessage } from "../../src/mls/mlsMessage";
import { decodeProposal, encodeProposal } from "../../src/mls/proposal";
import type { PskLookup } from "../../src/mls/psk";
import { decodePreSharedKeyId, encodePreSharedKeyId } from "../../src/mls/pskId";
import { openPublicMessage } from "../../src/mls/publicMessages";
import type { Staged } from "../../src/mls/stageCommit";
import { suiteOf } from "../../src/mls/suites";
import { decodeRatchetTree, encodeRatchetTree } from "../../src/mls/treeCodec";
import { decodeUpdatePath, encodeUpdatePath } from "../../src/mls/updatePath";
import { decodeGroupSecrets, encodeGroupSecrets } from "../../src/mls/welcome";
import { RoomError } from "../../src/room/errors";
import { decodeHeader, encodeHeader } from "../../src/sframe/header";
import { seededRng } from "../mls/seededRng";
import { Client, FOREVER, Person } from "../mls/simulation";
import { judgeFrames } from "./frames";

/** Epochs of which a member keeps what another group may begin from. */
const MAX_ORIGINS = 8;

const sameMember: SameMember = ({ credential: a }, { credential: b }) =>
  isBasic(a) && isBasic(b) && equal(a.identity, b.identity);

const originKey = (groupId: Uint8Array, epoch: bigint): string => `${toHex(groupId)} ${epoch}`;

class Member {
  readonly person: Person;
  #client: Client | undefined;
  #keyPackage: ReturnType<typeof createKeyPackage> | undefined;
  #staged: Staged | undefined;
  readonly #secrets = new Map<string, Uint8Array>();
  readonly #origins = new Map<string, GroupOrigin>();

  constructor(suite: number, name: string, seed: string) {
    this.person = new Person(suiteOf(suite), name, seededRng(seed));
  }

  get client(): Client {
    return this.#client!;
  }

  keyPackage(): Uint8Array {
    this.#keyPackage = this.person.keyPackage();
    return this.#keyPackage.bytes;
  }

  found(groupId: Uint8Array, extensions: Uint8Array): void {
    this.#enter(this.person.found(decodeExtensions(extensions), groupId));
  }

  learn(id: Uint8Array, secret: Uint8Array): void {
    this.#secrets.set(toHex(id), secret);
  }

  join(welcome: Uint8Array): void {
    this.#enter(this.person.join(welcome, this.#keyPackage!, this.#psks));
  }

  joinFromOrigin(welcome: Uint8Array): void {
    const { bytes, secrets } = this.#keyPackage!;
    const { suite, name, rng } = this.person;
    const origins = (groupId: Uint8Array, epoch: bigint) => this.#origins.get(originKey(groupId, epoch));
    const input = { suite, welcome, keyPackage: bytes, secrets, psks: this.#psks };
    this.#enter(new Client(name, joinFromOrigin({ ...input, origins, sameMember }).group, rng));
  }

  stage(
    proposals: readonly Uint8Array[],
    refs: readonly Uint8Array[],
    rotate: boolean,
    inPublic: boolean,
  ): object {
    const { client } = this;
    const references = refs.map((ref) => client.references.find((one) => equal(one.ref, ref))!);
    this.#staged = client.stage({
      proposals: proposals.map(decodeProposal),
      references,
      psks: this.#psks,
      wireFormat: inPublic ? WireFormat.publicMessage : WireFormat.privateMessage,
      ...(rotate && { newLeaf: this.#newLeaf() }),
    });
    return { message: this.#staged.message, welcome: this.#staged.welcome };
  }

  branch(groupId: Uint8Array, extensions: Uint8Array, keyPackages: readonly Uint8Array[]): object {
    const { suite } = this.person;
    const more = { suite, groupId, extensions: decodeExtensions(extensions) };
    return this.#begin(branchGroup(originOf(this.client.group), { ...this.#founding(keyPackages), ...more }));
  }

  reinit(keyPackages: readonly Uint8Array[]): object {
    return this.#begin(reinitGroup(originOf(this.client.group), this.#founding(keyPackages), suiteOf));
  }

  #founding(keyPackages: readonly Uint8Array[]): OriginFounding {
    const { signature, credential, rng } = this.person;
    return {
      signature,
      credential,
      ...FOREVER,
      keyPackages: keyPackages.map(decodeKeyPackage),
      sameMember,
      authenticatedData: new Uint8Array(0),
      rng,
    };
  }

  #begin({ next, welcome }: Staged): object {
    this.#enter(new Client(this.person.name, next, this.person.rng));
    return { welcome };
  }

  merge(): void {
    this.client.merge(this.#staged!);
    this.#enter(this.client);
  }

  drop(): void {
    this.client.drop(this.#staged!);
  }

  receive(message: Uint8Array): object {
    const opened = this.#open(message);
    const { sender, content } = opened;
    if (content.kind === "application") {
      return { kind: content.kind, sender, data: content.data, authenticated_data: opened.authenticatedData };
    }
    if (content.kind === "proposal") return { kind: content.kind, sender, ref: content.ref };
    const judged = judgeCommit(this.client.group, opened, this.client.references);
    if (judged.removesMe) return { kind: "removed", sender };
    const { next, consumed } = completeCommit(this.client.group, judged, this.#psks);
    for (const secret of consumed) secret.fill(0);
    this.client.merge({ next });
    this.#enter(this.client);
    return { kind: "commit", sender };
  }

  /** Valid for all, as far as all can tell alike; and not followed. */
  judge(message: Uint8Array): void {
    judgeCommit(this.client.group, this.#open(message), this.client.references);
  }

  /** Follows a commit that removes this member, however hard it is. */
  pry(message: Uint8Array): void {
    const judged = judgeCommit(this.client.group, this.#open(message), this.client.references);
    completeCommit(this.client.group, { ...judged, removesMe: false }, this.#psks);
  }

  /** Opens a message of an epoch that this member is not in, with what it has. */
  overhear(message: Uint8Array, context: Uint8Array): void {
    unprotect({ ...this.client.group, context: decodeGroupContext(context), reinit: null }, message);
  }

  /** What becomes of a message, whose effects are forgotten again: what was said, or nothing. */
  verdict(message: Uint8Array): Uint8Array {
    const { group, references } = this.client;
    const here = new Client(this.person.name, decodeGroup(encodeGroup(group), suiteOf), this.person.rng);
    here.references = [...references];
    const there = new Member(this.person.suite.id, this.person.name, "verdict");
    there.#client = here;
    const received = there.receive(message) as { data?: Uint8Array };
    return received.data ?? new Uint8Array(0);
  }

  #open(message: Uint8Array) {
    const { client } = this;
    if (decodeMlsMessage(message).type !== "public_message") return client.receive(message);
    const opened = openPublicMessage(client.group, message);
    const { sender, content } = opened;
    if (content.kind === "proposal") {
      client.references.push({ proposal: content.proposal, ref: content.ref, sender });
    }
    return { ...opened, authenticatedData: opened.authenticated.framed.authenticatedData };
  }

  send(data: Uint8Array, authenticatedData: Uint8Array, paddedTo: number): Uint8Array {
    const { rng } = this.person;
    const input = { data, authenticatedData, paddedTo, rng };
    return this.client.send((group) => protectApplication(group, input)).message;
  }

  propose(proposal: Uint8Array, inPublic: boolean): object {
    const input = { proposal: decodeProposal(proposal), ...this.#proposalInput(inPublic) };
    return this.#proposed(this.client.send((group) => protectProposal(group, input)));
  }

  update(rotate: boolean, inPublic: boolean): object {
    const input = { ...this.#proposalInput(inPublic), ...(rotate && { newLeaf: this.#newLeaf() }) };
    return this.#proposed(this.client.send((group) => proposeUpdate(group, input)));
  }

  #proposalInput(inPublic: boolean) {
    const wireFormat = inPublic ? WireFormat.publicMessage : WireFormat.privateMessage;
    return { authenticatedData: new Uint8Array(0), wireFormat, rng: this.person.rng };
  }

  #proposed({ message, proposal, ref }: ReturnType<typeof protectProposal>): object {
    this.client.references.push({ proposal, ref, sender: this.client.leaf });
    return { message, ref };
  }

  #newLeaf() {
    const { suite, rng, credential } = this.person;
    return { signature: suite.signatureKeyPair(rng), credential };
  }

  view(): object {
    const { group } = this.client;
    return {
      epoch: Number(group.context.epoch),
      authenticator: epochAuthenticator(group),
      tree_hash: treeHash(group),
      exported: exportSecret(group, "walk", group.context.groupId, 32),
      context: group.contextBytes,
      leaf: group.ownLeaf,
      leaves: group.tree.members().map(({ leaf }) => leaf),
    };
  }

  readonly #psks: PskLookup = (id) =>
    id.kind === "external"
      ? this.#secrets.get(toHex(id.id))
      : this.#origins.get(originKey(id.groupId, id.epoch))?.psk;

  #enter(client: Client): void {
    this.#client = client;
    const { groupId, epoch } = client.group.context;
    this.#origins.set(originKey(groupId, epoch), originOf(client.group));
    const [oldest] = this.#origins.keys();
    if (this.#origins.size > MAX_ORIGINS) this.#origins.delete(oldest!);
  }
}

// biome-ignore lint/suspicious/noExplicitAny: a request is what tests/walks/typescript_member.py sends, one shape for each op
type Request = any;

const all = new Map<number, Member>();

/** Each decoder, with what it has read written again. */
const CODECS: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
  commit: (bytes) => encodeCommit(decodeCommit(bytes)),
  attachment: (bytes) => encodeDescriptor(decodeDescriptor(bytes)),
  credential: (bytes) => encodeCredential(decodeCredential(bytes)),
  extensions: (bytes) => encodeExtensions(decodeExtensions(bytes)),
  group_context: (bytes) => encodeGroupContext(decodeGroupContext(bytes)),
  group_info: (bytes) => encodeGroupInfo(decodeGroupInfo(bytes)),
  group_secrets: (bytes) => encodeGroupSecrets(decodeGroupSecrets(bytes)),
  key_package: (bytes) => encodeKeyPackage(decodeKeyPackage(bytes)),
  leaf_node: (bytes) => encodeLeafNode(decodeLeafNode(bytes)),
  mls_message: (bytes) => encodeMlsMessage(decodeMlsMessage(bytes)),
  proposal: (bytes) => encodeProposal(decodeProposal(bytes)),
  sframe_header: (bytes) => {
    const { kid, ctr, length } = decodeHeader(bytes);
    return concat(encodeHeader(kid, ctr), bytes.subarray(length));
  },
  welcome: (bytes) => encodeMlsMessage(decodeMlsMessage(bytes)),
  psk_id: (bytes) => encodePreSharedKeyId(decodePreSharedKeyId(bytes)),
  ratchet_tree: (bytes) => encodeRatchetTree(decodeRatchetTree(bytes)),
  update_path: (bytes) => encodeUpdatePath(decodeUpdatePath(bytes)),
};

/** What a call comes to: bytes, or a code with whose fault it is. */
function outcome(run: () => Uint8Array): Uint8Array | string {
  try {
    return run();
  } catch (error) {
    if (error instanceof MlsError || error instanceof RoomError) return `${error.fault} ${error.code}`;
    return `crash ${String((error as Error).stack)}`;
  }
}

function answer(request: Request): unknown {
  const { op, who } = request;
  if (op === "decode") return request.all.map((one: Uint8Array) => outcome(() => CODECS[request.kind]!(one)));
  if (op === "frames") return judgeFrames(request);
  if (op === "person") return void all.set(who, new Member(request.suite, request.name, request.seed));
  if (op === "forget") return void all.delete(who);
  const member = all.get(who)!;
  switch (op) {
    case "key_package":
      return member.keyPackage();
    case "found":
      return member.found(request.group_id, request.extensions);
    case "learn":
      return member.learn(request.id, request.secret);
    case "join":
      return member.join(request.welcome);
    case "join_from_origin":
      return member.joinFromOrigin(request.welcome);
    case "stage":
      return member.stage(request.proposals, request.references, request.rotate, request.in_public);
    case "branch":
      return member.branch(request.group_id, request.extensions, request.key_packages);
    case "reinit":
      return member.reinit(request.key_packages);
    case "merge":
      return member.merge();
    case "drop":
      return member.drop();
    case "receive":
      return member.receive(request.message);
    case "judge":
      return member.judge(request.message);
    case "pry":
      return member.pry(request.message);
    case "overhear":
      return member.overhear(request.message, request.context);
    case "send":
      return member.send(request.data, request.authenticated_data, request.padded_to);
    case "propose":
      return member.propose(request.proposal, request.in_public);
    case "update":
      return member.update(request.rotate, request.in_public);
    case "verdicts":
      return request.all.map((one: Uint8Array) => outcome(() => member.verdict(one)));
    case "reload":
      return member.client.reload();
    case "view":
      return member.view();
    default:
      throw new Error(`no op ${op}`);
  }
}

async function answered(request: Request): Promise<object> {
  try {
    return { value: (await answer(request)) ?? null };
  } catch (error) {
    if (error instanceof MlsError) return { code: error.code, fault: error.fault };
    return { crash: String((error as Error).stack) };
  }
}

/** Answers go out in the order of the requests. */
let before: Promise<unknown> = Promise.resolve();

function reply(request: Request): void {
  before = before.then(async () => {
    const out = encode(await answered(request));
    process.stdout.write(Buffer.concat([u32(out.length), out]));
  });
}

let waiting: Buffer = Buffer.alloc(0);
process.stdin.on("data", (chunk: Buffer) => {
  waiting = waiting.length === 0 ? chunk : Buffer.concat([waiting, chunk]);
  while (waiting.length >= 4 && waiting.length >= 4 + waiting.readUInt32BE(0)) {
    const end = 4 + waiting.readUInt32BE(0);
    const request: Request = decode(Uint8Array.from(waiting.subarray(4, end)));
    waiting = waiting.subarray(end);
    reply(request);
  }
});
