/** v700 to v711: Welcomes, those of the vectors and those that break one rule each. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EMPTY, fromHex, toHex, utf8 } from "../../src/bytes/bytes";
import { confirmEpoch } from "../../src/mls/completeCommit";
import { DecodeError, MlsError } from "../../src/mls/errors";
import { ExtensionType } from "../../src/mls/extension";
import { epochAuthenticator } from "../../src/mls/group";
import { encodeGroupContext } from "../../src/mls/groupContext";
import { type GroupInfo, signGroupInfo, verifyGroupInfo } from "../../src/mls/groupInfo";
import { type JoinInput, joinByWelcome } from "../../src/mls/joinGroup";
import { type createKeyPackage, encodeKeyPackage, keyPackageRef } from "../../src/mls/keyPackage";
import { welcomeSecret, zeroSecret } from "../../src/mls/keySchedule";
import { decodeMlsMessage, encodeMlsMessage, type MlsMessage } from "../../src/mls/mlsMessage";
import type { Proposal } from "../../src/mls/proposal";
import { pskSecret } from "../../src/mls/psk";
import type { PreSharedKeyId } from "../../src/mls/pskId";
import { RatchetTree } from "../../src/mls/ratchetTree";
import { ROOM_SUITE } from "../../src/mls/suite";
import { suiteOf } from "../../src/mls/suites";
import { decodeRatchetTree, encodeRatchetTree, ratchetTreeExtension } from "../../src/mls/treeCodec";
import { treeHash } from "../../src/mls/treeHash";
import { leafCountFor, leafIndex, nodeWidth } from "../../src/mls/treeMath";
import {
  type GroupSecrets,
  openGroupInfo,
  openGroupSecrets,
  sealWelcome,
  type Welcome,
} from "../../src/mls/welcome";
import { eachVectorFile } from "../vectors";
import { codeOf } from "./randomWalk";
import { seededRng } from "./seededRng";
import { add, commitAll, Person, remove, roomOf } from "./simulation";

type WelcomeVector = {
  cipher_suite: number;
  init_priv: string;
  signer_pub: string;
  key_package: string;
  welcome: string;
};

function opened<T extends MlsMessage["type"]>(hex: string, type: T): Extract<MlsMessage, { type: T }> {
  const message = decodeMlsMessage(fromHex(hex));
  expect(message.type).toBe(type);
  return message as Extract<MlsMessage, { type: T }>;
}

eachVectorFile<WelcomeVector>("mls/welcome", (entries) => {
  const mine = entries.filter((entry) => [1, 2, 3].includes(entry.cipher_suite));
  for (const entry of mine) {
    const suite = suiteOf(entry.cipher_suite);
    const { keyPackage } = opened(entry.key_package, "key_package");
    const { welcome } = opened(entry.welcome, "welcome");
    const reference = keyPackageRef(suite, encodeKeyPackage(keyPackage));
    const psk = zeroSecret(suite);
    const open = (sealed: Welcome): { readonly secrets: GroupSecrets; readonly info: GroupInfo } => {
      const secrets = openGroupSecrets(suite, sealed, reference, fromHex(entry.init_priv));
      const info = openGroupInfo(suite, sealed, welcomeSecret(suite, secrets.joinerSecret, psk));
      return { secrets, info };
    };
    const { secrets, info } = open(welcome);
    verifyGroupInfo(suite, info, fromHex(entry.signer_pub));
    const { context } = info;
    const confirmed = context.confirmedTranscriptHash;
    const { joinerSecret } = secrets;
    const epoch = confirmEpoch(suite, joinerSecret, psk, encodeGroupContext(context), confirmed);
    expect(epoch.confirmationTag).toEqual(info.confirmationTag);
    // Produced anew for the same member, and read back.
    const ours = sealWelcome(
      suite,
      info,
      { ...secrets, welcomeSecret: welcomeSecret(suite, joinerSecret, psk) },
      [{ keyPackageRef: reference, initKey: keyPackage.initKey, pathSecret: secrets.pathSecret }],
      seededRng("welcome vector"),
    );
    const again = opened(toHex(encodeMlsMessage({ type: "welcome", welcome: ours })), "welcome").welcome;
    // The same key and nonce over the same GroupInfo give the same bytes.
    expect(again.encryptedGroupInfo).toEqual(welcome.encryptedGroupInfo);
    expect(open(again)).toEqual({ secrets, info });
  }
  return { checked: mine.length, outOfScope: entries.length - mine.length };
});

const suite = suiteOf(ROOM_SUITE);
const rng = seededRng("welcome");

/** A room of three, in which Ada adds Eve; and the state that Ada's commit led to, for what she could have sent. */
class Arrival {
  readonly eve = new Person(suite, "eve", rng);
  readonly keyPackage: ReturnType<typeof createKeyPackage> = this.eve.keyPackage();
  readonly ada;
  readonly ben;
  readonly welcome: Uint8Array;
  /** What the PSKs of the commit came to. */
  readonly psk: Uint8Array;

  constructor(psks: readonly PreSharedKeyId[] = []) {
    const [ada, ben, cyd] = roomOf(ROOM_SUITE, ["ada", "ben", "cyd"], rng);
    const proposals: Proposal[] = psks.map((psk) => ({ type: "psk", psk }));
    const staged = commitAll([ada!, ben!, cyd!], {
      proposals: [add(this.keyPackage.keyPackage), ...proposals],
      psks: () => PSK,
    });
    this.ada = ada!;
    this.ben = ben!;
    this.welcome = staged.welcome!;
    this.psk = pskSecret(
      suite,
      psks.map((id) => ({ id, secret: PSK })),
    );
  }

  join(welcome: Uint8Array = this.welcome, more: Partial<JoinInput> = {}): ReturnType<typeof joinByWelcome> {
    const { bytes, secrets } = this.keyPackage;
    return joinByWelcome({ suite, welcome, keyPackage: bytes, secrets, ...more });
  }

  #open(): { readonly secrets: GroupSecrets; readonly info: GroupInfo } {
    const { welcome } = decodeMlsMessage(this.welcome) as { welcome: Welcome };
    const reference = keyPackageRef(suite, this.keyPackage.bytes);
    const { initPrivateKey } = this.keyPackage.secrets;
    const secrets = openGroupSecrets(suite, welcome, reference, initPrivateKey);
    const info = openGroupInfo(suite, welcome, welcomeSecret(suite, secrets.joinerSecret, this.psk));
    return { secrets, info };
  }

  /** The Welcome with another content, sealed as Ada would, and signed by her or by whom it says. */
  reseal(
    change: (info: GroupInfo) => Partial<GroupInfo>,
    changeSecrets: (secrets: GroupSecrets) => Partial<GroupSecrets> = () => ({}),
    signedBy: Uint8Array = this.ada.group.signaturePrivateKey,
    psks: readonly PreSharedKeyId[] | null = null,
  ): Uint8Array {
    const { info, secrets: before } = this.#open();
    const secrets = { ...before, ...changeSecrets(before) };
    const psk =
      psks === null
        ? this.psk
        : pskSecret(
            suite,
            psks.map((id) => ({ id, secret: PSK })),
          );
    const welcome = sealWelcome(
      suite,
      signGroupInfo(suite, { ...info, ...change(info) }, signedBy),
      { ...secrets, welcomeSecret: welcomeSecret(suite, before.joinerSecret, psk) },
      [
        {
          keyPackageRef: keyPackageRef(suite, this.keyPackage.bytes),
          initKey: this.keyPackage.keyPackage.initKey,
          pathSecret: secrets.pathSecret,
        },
      ],
      rng,
    );
    return encodeMlsMessage({ type: "welcome", welcome });
  }
}

const PSK = rng(32);

describe("a Welcome", () => {
  const arrival = new Arrival();
  const refused = (welcome: Uint8Array, more: Partial<JoinInput> = {}): string =>
    codeOf(() => arrival.join(welcome, more));

  it("brings a newcomer to where the others are", () => {
    const { group, adder, psks, consumed } = arrival.join();
    expect([adder, psks]).toEqual([arrival.ada.leaf, []]);
    expect(epochAuthenticator(group)).toEqual(epochAuthenticator(arrival.ada.group));
    expect(consumed).toEqual([arrival.keyPackage.secrets.initPrivateKey]);
    expect(refused(arrival.reseal(() => ({})))).toBe("nothing thrown");
  });

  it("v700: is a Welcome", () => {
    const message = encodeMlsMessage({ type: "key_package", keyPackage: arrival.keyPackage.keyPackage });
    expect(refused(message)).toBe("v700_not_a_welcome");
  });

  it("v701: is of the KeyPackage's suite", () => {
    const changed = arrival.welcome.slice();
    changed[5] = 1;
    expect(refused(changed)).toBe("v701_welcome_suite");
  });

  it("v702: names the KeyPackage", () => {
    const other = new Arrival();
    expect(refused(other.welcome)).toBe("v702_welcome_not_for_me");
  });

  it("v703: has secrets of the suite's length", () => {
    const short = (secret: Uint8Array | null) => secret!.subarray(1);
    const joiner = arrival.reseal(
      () => ({}),
      (secrets) => ({ joinerSecret: short(secrets.joinerSecret) }),
    );
    const path = arrival.reseal(
      () => ({}),
      (secrets) => ({ pathSecret: short(secrets.pathSecret) }),
    );
    expect([refused(joiner), refused(path)]).toEqual(Array(2).fill("v703_welcome_secret_length"));
  });

  it("v704: has a GroupInfo that is signed by the leaf that it names", () => {
    const ben = arrival.ben.group.signaturePrivateKey;
    expect(refused(arrival.reseal(() => ({}), undefined, ben))).toBe("v704_group_info_signature");
    const { leaf } = arrival.ben;
    expect(refused(arrival.reseal(() => ({ signer: leaf })))).toBe("v704_group_info_signature");
    // Every member knows the joiner secret: Ben may say that he added Eve, but only in his own name.
    const claimed = arrival.reseal(() => ({ signer: leaf }), undefined, ben);
    expect(arrival.join(claimed).adder).toBe(leaf);
  });

  it("v706: is to a group of the same version and suite", () => {
    const to = (change: object) =>
      refused(arrival.reseal(({ context }) => ({ context: { ...context, ...change } })));
    expect(to({ suite: 1 })).toBe("v706_group_suite");
    expect(to({ version: 2 })).toBe("v706_group_suite");
  });

  it("v707: comes with a tree, inside or beside it", () => {
    const without = arrival.reseal(({ extensions }) => ({
      extensions: extensions.filter(({ type }) => type !== ExtensionType.ratchetTree),
    }));
    expect(refused(without)).toBe("v707_tree_missing");
    const tree = encodeRatchetTree(arrival.ada.group.tree);
    expect(refused(without, { tree })).toBe("nothing thrown");
    expect(refused(without, { tree: tree.subarray(1) })).toBe("decode");
  });

  /** To a valid group of two, at the first and the last of so many places. */
  function wideWelcome(slots: number, created: ReturnType<typeof createKeyPackage>): Uint8Array {
    const ada = new Person(suite, "ada", rng).found().group;
    const { keyPackage } = created;
    const blanks = Array.from({ length: 2 * slots - 3 }, () => null);
    const width = nodeWidth(leafCountFor(slots));
    const nodes = [ada.tree.leaf(ada.ownLeaf), ...blanks, keyPackage.leafNode];
    const tree = RatchetTree.of([...nodes, ...Array.from({ length: width - nodes.length }, () => null)]);
    const confirmedTranscriptHash = rng(suite.nh);
    const joinerSecret = rng(suite.nh);
    const zero = zeroSecret(suite);
    const context = { ...ada.context, epoch: 1n, treeHash: treeHash(suite, tree), confirmedTranscriptHash };
    const bytes = encodeGroupContext(context);
    const { confirmationTag } = confirmEpoch(suite, joinerSecret, zero, bytes, confirmedTranscriptHash);
    const info = { context, extensions: [ratchetTreeExtension(tree)], confirmationTag, signer: ada.ownLeaf };
    const welcome = sealWelcome(
      suite,
      signGroupInfo(suite, info, ada.signaturePrivateKey),
      { joinerSecret, psks: [], welcomeSecret: welcomeSecret(suite, joinerSecret, zero) },
      [
        {
          keyPackageRef: keyPackageRef(suite, created.bytes),
          initKey: keyPackage.initKey,
          pathSecret: null,
        },
      ],
      rng,
    );
    return encodeMlsMessage({ type: "welcome", welcome });
  }

  it("v004, E13: has a tree of no more leaves than its caller allows", () => {
    const created = new Person(suite, "eve", rng).keyPackage();
    const { bytes, secrets } = created;
    const joined = (slots: number, maxLeaves: number) =>
      joinByWelcome({ suite, welcome: wideWelcome(slots, created), keyPackage: bytes, secrets, maxLeaves });
    expect(joined(256, 256).group.ownLeaf).toBe(255);
    expect(joined(257, 512).group.ownLeaf).toBe(256);
    expect(() => joined(257, 256)).toThrow(new DecodeError("a vector has more than 511 items"));
    // Beside the Welcome no less than inside.
    const tree = encodeRatchetTree(arrival.ada.group.tree);
    const without = arrival.reseal(() => ({ extensions: [] }));
    expect(refused(without, { tree, maxLeaves: 4 })).toBe("nothing thrown");
    expect(() => arrival.join(without, { tree, maxLeaves: 2 })).toThrow(
      new DecodeError("a vector has more than 3 items"),
    );
  });

  it("v201: has the tree whose hash the GroupContext has", () => {
    const smaller = arrival.ada.group.tree.remove(arrival.ben.leaf);
    const swapped = arrival.reseal(() => ({ extensions: [ratchetTreeExtension(smaller)] }));
    expect(refused(swapped)).toBe("v201_tree_hash");
    const before = decodeRatchetTree(encodeRatchetTree(arrival.ada.group.tree));
    expect(refused(arrival.reseal(() => ({ extensions: [ratchetTreeExtension(before)] })))).toBe(
      "nothing thrown",
    );
  });

  it("v708: is signed by a leaf that is there", () => {
    for (const signer of [5, 99, 0xffffffff]) {
      expect(refused(arrival.reseal(() => ({ signer: leafIndex(signer) })))).toBe("v708_signer");
    }
  });

  it("v709: has the KeyPackage's leaf in its tree", () => {
    // A room that took Eve out again, with whose tree and context a Welcome for her is signed.
    const other = new Arrival();
    const { next } = other.ada.stage({ proposals: [{ type: "remove", removed: leafIndex(3) }] });
    const { context, tree, confirmationTag } = next;
    const extensions = [ratchetTreeExtension(tree)];
    const forged = other.reseal(() => ({ context, extensions, confirmationTag }));
    expect(codeOf(() => other.join(forged))).toBe("v709_not_in_tree");
  });

  it("v710: is not from oneself", () => {
    const { group } = arrival.join();
    const own = arrival.reseal(() => ({ signer: group.ownLeaf }), undefined, group.signaturePrivateKey);
    expect(refused(own)).toBe("v710_own_signature");
  });

  it("v705, confirmation_tag: is to the epoch that its secrets belong to", () => {
    const tag = arrival.reseal(({ confirmationTag }) => ({
      confirmationTag: confirmationTag.map((byte) => byte ^ 1),
    }));
    expect(refused(tag)).toBe("confirmation_tag");
    const epoch = arrival.reseal(({ context }) => ({ context: { ...context, epoch: 7n } }));
    expect(refused(epoch)).toBe("confirmation_tag");
  });

  it("v312, v313: has the path secret of the commit", () => {
    const another = arrival.reseal(
      () => ({}),
      () => ({ pathSecret: rng(suite.nh) }),
    );
    expect(refused(another)).toBe("v312_path_keys");
    const missing = arrival.reseal(
      () => ({}),
      () => ({ pathSecret: null }),
    );
    expect(refused(missing)).toBe("v313_path_secret_missing");
  });

  it("key_package: is opened with the KeyPackage that it is for, and its keys", () => {
    const secrets = { ...arrival.keyPackage.secrets, signaturePrivateKey: rng(32) };
    expect(refused(arrival.welcome, { secrets })).toBe("key_package");
    expect(refused(arrival.welcome, { keyPackage: EMPTY })).toBe("key_package");
    expect(refused(arrival.welcome, { suite: suiteOf(1) })).toBe("key_package");
    const init = { ...arrival.keyPackage.secrets, initPrivateKey: rng(32) };
    expect(refused(arrival.welcome, { secrets: init })).toBe("aead");
  });

  it("a newcomer can do at once what the others can", () => {
    const other = new Arrival();
    const client = other.eve.join(other.welcome, other.keyPackage);
    commitAll([client, other.ada, other.ben]);
    commitAll([other.ben, client], { proposals: [remove(other.ada)] });
    expect(epochAuthenticator(client.group)).toEqual(epochAuthenticator(other.ben.group));
  });
});

describe("v711 and PSKs in a Welcome", () => {
  const external: PreSharedKeyId = { kind: "external", id: utf8("psk"), nonce: rng(suite.nh) };

  it("the PSKs of the commit are needed, and said", () => {
    const arrival = new Arrival([external]);
    expect(codeOf(() => arrival.join())).toBe("psk_missing");
    expect(codeOf(() => arrival.join(undefined, { psks: () => rng(32) }))).toBe("aead");
    const joined = arrival.join(undefined, { psks: () => PSK });
    expect(joined.psks).toEqual([external]);
    expect(epochAuthenticator(joined.group)).toEqual(epochAuthenticator(arrival.ada.group));
  });

  it("v509, v711: those that begin a group are alone, and in its first epoch", () => {
    const arrival = new Arrival();
    const branch: PreSharedKeyId = {
      kind: "resumption",
      usage: "branch",
      groupId: utf8("commons"),
      epoch: 4n,
      nonce: rng(suite.nh),
    };
    const given = (...psks: readonly PreSharedKeyId[]): string => {
      const welcome = arrival.reseal(
        () => ({}),
        () => ({ psks }),
      );
      return codeOf(() => arrival.join(welcome, { psks: () => PSK }));
    };
    expect(given(branch, { ...branch, nonce: rng(suite.nh) })).toBe("v711_psk_usage");
    expect(given({ ...branch, nonce: EMPTY })).toBe("v509_psk_nonce");
    // The same in a Welcome to the second epoch that is right in all else: as an insider could make it.
    const late = new Arrival();
    const welcome = late.reseal(
      () => ({}),
      () => ({ psks: [branch] }),
      undefined,
      [branch],
    );
    expect(codeOf(() => late.join(welcome, { psks: () => PSK }))).toBe("v711_psk_usage");
  });

  it("E31: a branch begins with the commons' resumption PSK, and is joined with it", () => {
    const founder = new Person(suite, "founder", rng).found();
    const eve = new Person(suite, "eve", rng);
    const keyPackage = eve.keyPackage();
    const psk: PreSharedKeyId = {
      kind: "resumption",
      usage: "branch",
      groupId: utf8("commons"),
      epoch: 4n,
      nonce: rng(suite.nh),
    };
    const psks = () => PSK;
    const staged = founder.stage({ proposals: [add(keyPackage.keyPackage), { type: "psk", psk }], psks });
    founder.merge(staged);
    const joined = eve.join(staged.welcome!, keyPackage, psks);
    expect(epochAuthenticator(joined.group)).toEqual(epochAuthenticator(founder.group));
  });
});

describe("any bytes", () => {
  const arrival = new Arrival();

  it("are a Welcome or a peer's fault, and nothing else", () => {
    const { welcome } = arrival;
    fc.assert(
      fc.property(
        fc.nat(),
        fc.nat(10),
        fc.uint8Array({ maxLength: 10 }),
        fc.boolean(),
        (at, gone, put, raw) => {
          const from = raw ? 0 : at % welcome.length;
          const head = welcome.subarray(0, from);
          const bytes = Uint8Array.of(...head, ...put, ...(raw ? [] : welcome.subarray(from + gone)));
          try {
            arrival.join(bytes);
          } catch (error) {
            expect(error).toBeInstanceOf(MlsError);
            expect((error as MlsError).fault).toBe("peer");
          }
        },
      ),
      { seed: 4, numRuns: 150 },
    );
  });

  it("of a tree or a GroupInfo inside a Welcome as well", () => {
    fc.assert(
      fc.property(fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 10 }), (at, put) => {
        const forged = arrival.reseal(({ extensions }) => ({
          extensions: extensions.map(({ type, data }) => {
            const from = at % data.length;
            const rest = data.subarray(from + put.length);
            return { type, data: Uint8Array.of(...data.subarray(0, from), ...put, ...rest) };
          }),
        }));
        try {
          arrival.join(forged);
        } catch (error) {
          expect(error).toBeInstanceOf(MlsError);
          expect((error as MlsError).fault).toBe("peer");
        }
      }),
      { seed: 5, numRuns: 60 },
    );
  });
});
