/**
 * Every Commit that a test has had judged, with the verdict, so that every language can be asked for the same (E14):
 * whoever judges otherwise falls out of the room. The files are in tests/agreement/commits.
 */

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { toHex } from "../../src/bytes/bytes";
import type { LeafIdentity } from "../../src/identity/credential";
import { encodeExtensions } from "../../src/mls/extension";
import { encodeKeyPackage } from "../../src/mls/keyPackage";
import { encodeLeafNode } from "../../src/mls/leafNode";
import { encodeProposal } from "../../src/mls/proposal";
import type { Happening, RoomChange } from "../../src/room/change";
import { RoomRuleError } from "../../src/room/errors";
import { encodeChange, encodeRoomContext } from "../../src/room/roomContext";
import type { Roster } from "../../src/room/roster";
import { type Judging, judgeRoomCommit } from "../../src/room/validity";

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), "../../../tests/agreement/commits");

/** What stands in several cases is written once, and named by its number. */
const shared: string[] = [];
const numbers = new Map<string, number>();

function share(text: string): number {
  const known = numbers.get(text);
  if (known !== undefined) return known;
  numbers.set(text, shared.length);
  shared.push(text);
  return shared.length - 1;
}

const bytes = (value: Uint8Array): number => share(toHex(value));

function identityFields(who: LeafIdentity): readonly string[] {
  return [
    ...[who.accountId, who.rootKey, who.identityKey, who.deploymentId, who.deviceId, who.leafKey].map(toHex),
    ...[who.identitySerial, who.certificateSerial, who.notBefore, who.notAfter].map(String),
    ...who.roots.map(toHex),
  ];
}

const seats = (roster: Roster) =>
  [...roster].map(([leaf, who]) => [leaf, share(identityFields(who).join(" "))] as const);

/** A happening with the names and values that every language has. */
function happening(one: Happening): Record<string, unknown> {
  const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const plain = ([name, value]: [string, unknown]): [string, unknown] => {
    if (name === "change") return [name, toHex(encodeChange(value as never))];
    if (name === "policy") return [name, (value as { admitApprovals: number }).admitApprovals];
    if (value instanceof Uint8Array) return [snake(name), toHex(value)];
    if (Array.isArray(value)) return [snake(name), value.map((item) => toHex(item as Uint8Array))];
    return [snake(name), value];
  };
  return Object.fromEntries(Object.entries(one).map(plain));
}

function outcome(change: RoomChange) {
  return {
    committer: share(identityFields(change.committer).join(" ")),
    added: change.added.map(({ leaf, inviteId, requestHash, name }) => ({
      leaf,
      invite_id: inviteId && toHex(inviteId),
      request_hash: requestHash && toHex(requestHash),
      name,
    })),
    removed: change.removed.map(({ leaf }) => leaf),
    gone: change.gone.map(toHex),
    context: bytes(encodeRoomContext(change.context)),
    roster: seats(change.roster),
    what: change.what.map(happening),
  };
}

const cases: unknown[] = [];

function record(judging: Judging, verdict: string | RoomChange): void {
  const { judged, before, roster, stamp, roomId, deploymentId } = judging;
  cases.push({
    name: expect.getState().currentTestName ?? "",
    room: bytes(roomId),
    deployment: bytes(deploymentId),
    stamp,
    before: bytes(encodeRoomContext(before)),
    roster: seats(roster),
    committer: judged.committer,
    proposals: judged.proposals.map(({ proposal, sender, byReference }) => ({
      proposal: bytes(encodeProposal(proposal)),
      sender,
      by_reference: byReference,
    })),
    path_leaf: judged.pathLeaf && bytes(encodeLeafNode(judged.pathLeaf)),
    added: judged.added.map(({ leaf, keyPackage }) => [leaf, bytes(encodeKeyPackage(keyPackage))]),
    removed: judged.removed,
    extensions_after: bytes(encodeExtensions(judged.extensionsAfter)),
    verdict: typeof verdict === "string" ? verdict : outcome(verdict),
  });
}

/** `judgeRoomCommit`, remembered. */
export function judgeRecorded(judging: Judging): RoomChange {
  try {
    const change = judgeRoomCommit(judging);
    record(judging, change);
    return change;
  } catch (error) {
    if (error instanceof RoomRuleError) record(judging, `${error.rule} ${error.code}`);
    throw error;
  }
}

/** The last test of a file: what was judged before it in this file, compared with what is written down. */
export async function expectRecorded(file: string): Promise<void> {
  const lines = (items: readonly unknown[]) => items.map((item) => `  ${JSON.stringify(item)}`).join(",\n");
  const text = `{"shared": [\n${lines(shared)}\n],\n"cases": [\n${lines(cases)}\n]}\n`;
  await expect(text).toMatchFileSnapshot(join(FOLDER, `${file}.json`));
}
