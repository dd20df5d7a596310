/**
 * Sealed answers (E34): what one person says to one other alone, though all who are in the room get the event around it.
 *
 *   box     = EncryptWithLabel(encryption key of the leaf, "Collegium 1.0 sealed", context, answer)   (RFC 9420 §5.1.3)
 *   context = group id (16) ‖ epoch (8) ‖ author's leaf (4) ‖ recipient's leaf (4) ‖ event id (16)
 *
 * One box for each device of the recipient, all of one size, whatever the answer. The context says whose answer it is and
 * in which event, so a box that another member copies into an event of their own does not open. It is read in its own
 * epoch, like every event, and never passed on with a room's history: nobody but the recipient could say what it was.
 */

import { concat, type Rng, u32, u64 } from "../bytes/bytes";
import { ID_BYTES } from "../identity/rootKeys";
import { sized } from "../identity/statement";
import { AES_256_GCM } from "../mls/aead";
import { AeadError, KeyError, UsageError } from "../mls/errors";
import { epoch, type Group, groupId, members } from "../mls/group";
import { roomSuite } from "../mls/suite";
import { type LeafIndex, leafIndex, nodeOfLeaf } from "../mls/treeMath";
import { MLKEM768_X25519 } from "../mls/xwing";
import { decodeCanonical, encodeCanonical, FieldReader } from "./canonical";
import { RoomDataError, RoomRuleError } from "./errors";
import { padTo, unpad } from "./padding";
import { ID_LENGTH, MAX_LEAVES } from "./roomContext";
import { leavesOf, MAX_LEAVES_EACH, type Roster } from "./roster";

const LABEL = "Collegium 1.0 sealed";
/** Every answer is padded to it: room for more than any has today. */
const CONTENT_LENGTH = 128;
const CIPHERTEXT_LENGTH = CONTENT_LENGTH + AES_256_GCM.nt;
const MAX_SEALED_ANSWER = 64 * 1024;

/** may_know: the author may know whom it is about. fine: it can stay as it is. too_identifying: not yet. */
export type AnswerCode = "may_know" | "fine" | "too_identifying";

/** What is sealed: the answer, and the event that it answers. */
export type Answer = { readonly about: Uint8Array; readonly answer: AnswerCode };

/** Where an answer is said, and by whom. */
export type AnswerPlace = {
  readonly groupId: Uint8Array;
  readonly epoch: bigint;
  readonly author: LeafIndex;
  readonly eventId: Uint8Array;
};

/** A device that is to read it. */
export type AnswerDevice = { readonly leaf: LeafIndex; readonly encryptionKey: Uint8Array };

export function answerPlace(group: Group, author: LeafIndex, eventId: Uint8Array): AnswerPlace {
  return { groupId: groupId(group), epoch: epoch(group), author, eventId };
}

/** All devices of an account in the present epoch. */
export function answerDevices(group: Group, roster: Roster, account: Uint8Array): readonly AnswerDevice[] {
  const theirs = leavesOf(roster, account);
  return members(group)
    .filter(({ leaf }) => theirs.includes(leaf))
    .map(({ leaf, node }) => ({ leaf, encryptionKey: node.encryptionKey }));
}

/** For the devices of one account. @throws UsageError when there are none, or more than one account has */
export function sealAnswer(
  place: AnswerPlace,
  devices: readonly AnswerDevice[],
  { about, answer }: Answer,
  rng: Rng,
): Uint8Array {
  if (devices.length === 0 || devices.length > MAX_LEAVES_EACH) {
    throw new UsageError("answer_devices", `an answer for ${devices.length} devices`);
  }
  const content = padTo(encodeCanonical({ about: sized(about, ID_BYTES), answer }), CONTENT_LENGTH);
  const boxes = [...devices]
    .sort((a, b) => a.leaf - b.leaf)
    .map(({ leaf, encryptionKey }) => {
      const context = contextOf(place, leaf);
      // Each box has an encapsulation of its own, and with it a key that seals nothing else.
      const box = roomSuite.encrypterWithLabel(LABEL, context)(encryptionKey, content, rng);
      return { leaf, kem_output: box.kemOutput, ciphertext: box.ciphertext };
    });
  return encodeCanonical({ boxes });
}

/**
 * The answer in this device's box. Null when there is none for it: the answer is for somebody else.
 * @throws RoomDataError | RoomRuleError
 */
export function openAnswer(
  place: AnswerPlace,
  own: { readonly leaf: LeafIndex; readonly encryptionPrivateKey: Uint8Array },
  sealed: Uint8Array,
): Answer | null {
  const box = readBoxes(sealed).find(({ leaf }) => leaf === own.leaf);
  if (box === undefined) return null;
  const reader = new FieldReader(decodeCanonical(unpad(opened(place, own, box)), CONTENT_LENGTH), "answer");
  const answer: Answer = {
    about: reader.bytes("about", ID_LENGTH),
    answer: reader.oneOf("answer", ["may_know", "fine", "too_identifying"]),
  };
  reader.finish();
  return answer;
}

/** The same with a group's own key of the present epoch. @throws RoomDataError | RoomRuleError */
export function openAnswerIn(
  group: Group,
  author: LeafIndex,
  eventId: Uint8Array,
  sealed: Uint8Array,
): Answer | null {
  const leaf = group.ownLeaf;
  const encryptionPrivateKey = group.privateTree.get(nodeOfLeaf(leaf))!;
  return openAnswer(answerPlace(group, author, eventId), { leaf, encryptionPrivateKey }, sealed);
}

type Box = {
  readonly leaf: LeafIndex;
  readonly kemOutput: Uint8Array;
  readonly ciphertext: Uint8Array;
};

function readBoxes(sealed: Uint8Array): readonly Box[] {
  const reader = new FieldReader(decodeCanonical(sealed, MAX_SEALED_ANSWER), "sealed answer");
  const boxes = reader.list("boxes", 1, MAX_LEAVES_EACH, readBox);
  reader.finish();
  if (boxes.some(({ leaf }, i) => i > 0 && leaf <= boxes[i - 1]!.leaf)) {
    throw new RoomDataError("boxes out of order, or two for one leaf");
  }
  return boxes;
}

function readBox(value: unknown): Box {
  const reader = new FieldReader(value, "box");
  const box = {
    leaf: leafIndex(reader.integer("leaf", 0, MAX_LEAVES - 1)),
    kemOutput: reader.bytes("kem_output", MLKEM768_X25519.kemOutputLength),
    ciphertext: reader.bytes("ciphertext", CIPHERTEXT_LENGTH),
  };
  reader.finish();
  return box;
}

function opened(
  place: AnswerPlace,
  own: { readonly leaf: LeafIndex; readonly encryptionPrivateKey: Uint8Array },
  { kemOutput, ciphertext }: Box,
): Uint8Array {
  try {
    const context = contextOf(place, own.leaf);
    return roomSuite.decryptWithLabel(own.encryptionPrivateKey, LABEL, context, { kemOutput, ciphertext });
  } catch (cause) {
    if (!(cause instanceof AeadError || cause instanceof KeyError)) throw cause;
    throw new RoomRuleError(
      "E34",
      "answer_sealed",
      "not sealed to this leaf, by this author, in this event",
      {
        cause,
      },
    );
  }
}

/** Parts of fixed length: no two places have the same context. */
function contextOf({ groupId, epoch, author, eventId }: AnswerPlace, recipient: LeafIndex): Uint8Array {
  return concat(sized(groupId, ID_BYTES), u64(epoch), u32(author), u32(recipient), sized(eventId, ID_BYTES));
}
