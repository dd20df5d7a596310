/**
 * Groups that begin from another one by its resumption PSK: a ReInit (RFC 9420 §11.2) and a branch (§11.3, E31).
 * Whoever founds one is held to the rules that whoever joins it checks, by the same code:
 *
 *   v801  the Welcome has a PSK that begins a group      v804  … with everyone of the old group
 *   v802  a ReInit ended the group that the PSK names    v805  a branch has the version and suite of the old group
 *   v803  the new group is the one that it describes     v806  nobody is in either who is not in the old group
 */

import { equal, wipe } from "../bytes/bytes";
import { InvalidError, UsageError } from "./errors";
import { encodeExtensions } from "./extension";
import { createGroup, type Group, type GroupFounding, groupSecrets, resumptionPsk } from "./group";
import type { GroupContext } from "./groupContext";
import { beginsGroup, type Joined, type JoinInput, joinByWelcome } from "./joinGroup";
import { draw } from "./kem";
import type { KeyPackage } from "./keyPackage";
import type { LeafNode } from "./leafNode";
import type { Proposal, ReInit } from "./proposal";
import type { PskLookup } from "./psk";
import type { RatchetTree } from "./ratchetTree";
import { type Staged, stageCommit } from "./stageCommit";
import { type CipherSuite, roomSuiteOf, type SuiteLookup } from "./suite";

/** What is kept of one epoch of a group for as long as another may begin from it (E31 says for how long). `originState` stores it. */
export type GroupOrigin = Readonly<{
  context: GroupContext;
  /** The ReInit that began the epoch, or null. */
  reinit: ReInit | null;
  members: readonly LeafNode[];
  /** The resumption PSK: a secret, and a copy of the group's. */
  psk: Uint8Array;
}>;

/** Answers undefined for an epoch that was not kept, or is not reached yet. */
export type OriginLookup = (groupId: Uint8Array, epoch: bigint) => GroupOrigin | undefined;

/** Whether two leaves are one client's, as the application sees it (RFC 9420 §11.3). */
export type SameMember = (old: LeafNode, present: LeafNode) => boolean;

export type OriginFounding = Omit<GroupFounding, "suite" | "groupId" | "extensions"> &
  Readonly<{
    /** Of all the others, made for the new group. */
    keyPackages: readonly KeyPackage[];
    sameMember: SameMember;
    authenticatedData: Uint8Array;
  }>;

export type BranchFounding = OriginFounding &
  Readonly<{
    suite: CipherSuite;
    groupId: Uint8Array;
    extensions: GroupFounding["extensions"];
  }>;

export type OriginJoin = JoinInput & Readonly<{ origins: OriginLookup; sameMember: SameMember }>;

export function originOf(group: Group): GroupOrigin {
  return {
    context: group.context,
    reinit: group.reinit,
    members: group.tree.members().map(({ node }) => node),
    psk: resumptionPsk(group),
  };
}

/**
 * The first commit of a group of some of the old one's members: `next` is the new group.
 * @throws InvalidError v805, v806, and whatever `stageCommit` says of the KeyPackages
 */
export function branchGroup(origin: GroupOrigin, founding: BranchFounding): Staged {
  return beginFrom(origin, "branch", founding);
}

/**
 * The first commit of the group that a ReInit announced: `next` is the new group. Any member may make it.
 * @throws UsageError no_reinit when the old group goes on
 * @throws InvalidError v804, v806, and whatever `stageCommit` says of the KeyPackages · SuiteError
 */
export function reinitGroup(
  origin: GroupOrigin,
  founding: OriginFounding,
  suites: SuiteLookup = roomSuiteOf,
): Staged {
  const { reinit } = origin;
  if (reinit === null) throw new UsageError("no_reinit", "a group that no ReInit has ended");
  const { groupId, extensions } = reinit;
  return beginFrom(origin, "reinit", { ...founding, suite: suites(reinit.suite), groupId, extensions });
}

function beginFrom(origin: GroupOrigin, usage: "reinit" | "branch", founding: BranchFounding): Staged {
  const { suite, keyPackages, sameMember, authenticatedData, rng } = founding;
  const alone = createGroup(founding);
  const { groupId, epoch } = origin.context;
  const proposals: Proposal[] = [
    ...keyPackages.map((keyPackage): Proposal => ({ type: "add", keyPackage })),
    // RFC 9420 §11.3: a random nonce, so that two groups from one epoch share no key.
    {
      type: "psk",
      psk: { kind: "resumption", usage, groupId, epoch, nonce: draw(rng, suite.nh) },
    },
  ];
  const staged = stageCommit(alone, { proposals, authenticatedData, psks: () => origin.psk, rng });
  try {
    checkOrigin(origin, usage, staged.next, sameMember);
  } catch (cause) {
    wipe(...groupSecrets(staged.next), ...groupSecrets(staged.current));
    throw cause;
  }
  return staged;
}

/**
 * Joins a group that begins from one that this client is or was in. A plain `joinByWelcome` does not compare the two.
 * @throws InvalidError v801 to v806; psk_missing when the origin is not here, or not yet · as `joinByWelcome`
 */
export function joinFromOrigin({ origins, sameMember, ...input }: OriginJoin): Joined {
  const lookup: PskLookup = (id) => (beginsGroup(id) ? origins(id.groupId, id.epoch)?.psk : input.psks?.(id));
  const joined = joinByWelcome({ ...input, psks: lookup });
  try {
    const id = joined.psks.find(beginsGroup);
    const origin = id && origins(id.groupId, id.epoch);
    if (id === undefined || origin === undefined) {
      throw new InvalidError("v801_no_origin", "a Welcome to a group that begins from no other");
    }
    checkOrigin(origin, id.usage, joined.group, sameMember);
  } catch (cause) {
    // The KeyPackage's own key stays: the Welcome that it waits for may still come.
    const { encryptionPrivateKey } = input.secrets;
    wipe(...groupSecrets(joined.group).filter((secret) => secret !== encryptionPrivateKey));
    throw cause;
  }
  return joined;
}

/** RFC 9420 §12.4.3.1. That the new group is in its first epoch is v711. @throws InvalidError v802 to v806 */
function checkOrigin(
  origin: GroupOrigin,
  usage: "reinit" | "branch",
  { context, tree }: Readonly<{ context: GroupContext; tree: RatchetTree }>,
  sameMember: SameMember,
): void {
  const present = tree.members().map(({ node }) => node);
  if (usage === "reinit") checkReInit(origin, context, present, sameMember);
  else if (context.version !== origin.context.version || context.suite !== origin.context.suite) {
    throw new InvalidError("v805_branch_parameters", "a branch of another version or cipher suite");
  }
  if (!present.every((leaf) => origin.members.some((old) => sameMember(old, leaf)))) {
    throw new InvalidError("v806_stranger", "somebody in the new group is not in the old one");
  }
}

function checkReInit(
  { reinit, members }: GroupOrigin,
  context: GroupContext,
  present: readonly LeafNode[],
  sameMember: SameMember,
): void {
  if (reinit === null)
    throw new InvalidError("v802_not_ended", "no ReInit has ended the group that is named");
  if (
    !equal(context.groupId, reinit.groupId) ||
    context.version !== reinit.version ||
    context.suite !== reinit.suite ||
    !equal(encodeExtensions(context.extensions), encodeExtensions(reinit.extensions))
  ) {
    throw new InvalidError("v803_reinit_parameters", "not the group that the ReInit describes");
  }
  if (!members.every((old) => present.some((leaf) => sameMember(old, leaf)))) {
    throw new InvalidError("v804_left_behind", "somebody in the old group is not in the new one");
  }
}
