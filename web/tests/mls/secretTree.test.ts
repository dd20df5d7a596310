import { describe, expect, it } from "vitest";
import { fromHex, toHex, wipe } from "../../src/bytes/bytes";
import type { MlsError } from "../../src/mls/errors";
import { senderDataKey } from "../../src/mls/messageProtection";
import {
  createSecretTree,
  MAX_FORWARD_DISTANCE,
  MAX_SKIPPED_KEYS,
  type MessageKey,
  type RatchetKind,
  type SecretTree,
  secretTreeSecrets,
  takeAt,
  takeNext,
} from "../../src/mls/secretTree";
import { type CipherSuite, ROOM_SUITE } from "../../src/mls/suite";
import { suiteOf } from "../../src/mls/suites";
import { leafIndex } from "../../src/mls/treeMath";
import { eachVectorFile } from "../vectors";
import { seededRng } from "./seededRng";

type SecretTreeVector = {
  cipher_suite: number;
  sender_data: { sender_data_secret: string; ciphertext: string; key: string; nonce: string };
  encryption_secret: string;
  leaves: {
    generation: number;
    handshake_key: string;
    handshake_nonce: string;
    application_key: string;
    application_nonce: string;
  }[][];
};

const KINDS: readonly RatchetKind[] = ["handshake", "application"];

function checkTree(suite: CipherSuite, vector: SecretTreeVector): void {
  let tree = createSecretTree(fromHex(vector.encryption_secret), vector.leaves.length);
  vector.leaves.forEach((generations, index) => {
    for (const given of generations) {
      for (const kind of KINDS) {
        const taken = takeAt(suite, tree, leafIndex(index), kind, given.generation);
        expect(toHex(taken.key.key)).toBe(given[`${kind as "handshake"}_key`]);
        expect(toHex(taken.key.nonce)).toBe(given[`${kind as "handshake"}_nonce`]);
        // What was consumed is no part of what remains: the later leaves still come out right.
        wipe(...taken.consumed);
        tree = taken.tree;
      }
    }
  });
}

eachVectorFile<SecretTreeVector>("mls/secret-tree", (entries) => {
  const ours = entries.filter((entry) => [1, 2, 3].includes(entry.cipher_suite));
  for (const entry of ours) {
    const suite = suiteOf(entry.cipher_suite);
    const { sender_data_secret, ciphertext, key, nonce } = entry.sender_data;
    const derived = senderDataKey(suite, fromHex(sender_data_secret), fromHex(ciphertext));
    expect([toHex(derived.key), toHex(derived.nonce)]).toEqual([key, nonce]);
    checkTree(suite, entry);
  }
  return { checked: ours.length, outOfScope: entries.length - ours.length };
});

const suite = suiteOf(ROOM_SUITE);
const LEAF = leafIndex(2);

function freshTree(): SecretTree {
  return createSecretTree(seededRng("secret tree")(suite.nh), 4);
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return (error as MlsError).code;
  }
  return "none";
}

/** Every key of the first generations, taken in order. */
function inOrder(count: number): MessageKey[] {
  const keys: MessageKey[] = [];
  let tree = freshTree();
  for (let i = 0; i < count; i++) {
    const taken = takeNext(suite, tree, LEAF, "application");
    keys.push(taken.key);
    tree = taken.tree;
  }
  return keys;
}

describe("the secret tree keeps what may still be needed and nothing else", () => {
  it("gives each key in any order, and never twice", () => {
    const expected = inOrder(6);
    let tree = freshTree();
    for (const generation of [3, 0, 5, 4, 1, 2]) {
      const taken = takeAt(suite, tree, LEAF, "application", generation);
      expect(taken.key).toEqual(expected[generation]);
      tree = taken.tree;
      const after = tree;
      expect(codeOf(() => takeAt(suite, after, LEAF, "application", generation))).toBe(
        "v604_generation_used",
      );
    }
  });

  it("leaves the state it was given as it was", () => {
    const before = takeNext(suite, freshTree(), LEAF, "handshake").tree;
    const [first, second] = [1, 2].map(() => takeNext(suite, before, LEAF, "handshake"));
    expect(first!.key).toEqual(second!.key);
    expect(codeOf(() => takeAt(suite, before, LEAF, "application", MAX_FORWARD_DISTANCE + 1))).toBe(
      "v605_generation_too_far",
    );
    expect(takeAt(suite, before, LEAF, "application", 0).key.generation).toBe(0);
  });

  it("E17: follows a sender 4,096 generations ahead and no further, and keeps the 64 youngest skipped keys", () => {
    const { tree } = takeAt(suite, freshTree(), LEAF, "application", MAX_FORWARD_DISTANCE);
    expect(tree.ratchets.get(LEAF)!.application.skipped.map(({ generation }) => generation)).toEqual(
      Array.from({ length: MAX_SKIPPED_KEYS }, (_, i) => MAX_FORWARD_DISTANCE - MAX_SKIPPED_KEYS + i),
    );
    const oldest = MAX_FORWARD_DISTANCE - MAX_SKIPPED_KEYS;
    expect(takeAt(suite, tree, LEAF, "application", oldest).key.generation).toBe(oldest);
    expect(codeOf(() => takeAt(suite, tree, LEAF, "application", oldest - 1))).toBe("v604_generation_used");
    const next = takeAt(suite, tree, LEAF, "application", MAX_FORWARD_DISTANCE + 3);
    expect(next.tree.ratchets.get(LEAF)!.application.skipped).toHaveLength(MAX_SKIPPED_KEYS);
    expect(codeOf(() => takeAt(suite, next.tree, LEAF, "application", oldest + 1))).toBe(
      "v604_generation_used",
    );
  });

  it("RFC 9420 §9.2: holds no secret from which a used key follows", () => {
    const start = freshTree();
    const root = [...start.subtrees.values()][0]!;
    const first = takeAt(suite, start, LEAF, "application", 2);
    expect(secretTreeSecrets(first.tree)).not.toContain(root);
    expect(first.consumed).toContain(root);
    // Leaves 0 and 1 below one subtree, leaf 3 below another; two ratchets, two skipped keys.
    expect([...first.tree.subtrees.keys()].sort()).toEqual([1, 6]);
    expect(secretTreeSecrets(first.tree)).toHaveLength(2 + 2 + 2 * 2);
    for (const secret of first.consumed) expect(secretTreeSecrets(first.tree)).not.toContain(secret);
  });

  it("hands out as consumed all that the new state no longer holds", () => {
    let tree = freshTree();
    for (const generation of [70, 3, 69, 80, 150, 79]) {
      const before = secretTreeSecrets(tree);
      let taken: ReturnType<typeof takeAt>;
      try {
        taken = takeAt(suite, tree, LEAF, "application", generation);
      } catch {
        continue;
      }
      const after = new Set(secretTreeSecrets(taken.tree));
      const gone = before.filter((secret) => !after.has(secret));
      for (const secret of gone) expect(taken.consumed).toContain(secret);
      for (const secret of taken.consumed) expect(after.has(secret)).toBe(false);
      tree = taken.tree;
    }
  });

  it("leaf_count, leaf_range, secret_tree: gives no key for a leaf that it does not have", () => {
    expect(codeOf(() => createSecretTree(seededRng("x")(suite.nh), 3))).toBe("leaf_count");
    expect(codeOf(() => takeNext(suite, freshTree(), leafIndex(4), "handshake"))).toBe("leaf_range");
    const emptied = { ...freshTree(), subtrees: new Map<number, Uint8Array>() };
    expect(codeOf(() => takeNext(suite, emptied, LEAF, "handshake"))).toBe("secret_tree");
  });

  it("the last generation is used, and nothing follows it", () => {
    const ratchets = takeNext(suite, freshTree(), LEAF, "handshake").tree.ratchets.get(LEAF)!;
    const worn = { ...ratchets, handshake: { ...ratchets.handshake, next: 0xffffffff } };
    const { tree } = takeNext(
      suite,
      { ...freshTree(), ratchets: new Map([[LEAF, worn]]) },
      LEAF,
      "handshake",
    );
    expect(codeOf(() => takeNext(suite, tree, LEAF, "handshake"))).toBe("generations_exhausted");
  });
});
