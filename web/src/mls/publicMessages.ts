/**
 * PublicMessages, and messages from outside the group (RFC 9420 §6.2, §12.1.8, §12.4.3.2). Rooms use neither (E14,
 * E15); whoever speaks all of RFC 9420 must take them.
 */

import { checkEpoch, type OpenedContent, openedContent } from "./application";
import { externalSendersIn } from "./credential";
import { InvalidError } from "./errors";
import type { Content, FramedContent, Sender } from "./framing";
import type { Group } from "./group";
import { unprotectPublic, type VerifiedContent, verifyFramedContent } from "./messageProtection";
import { decodeMlsMessage } from "./mlsMessage";
import type { Proposal } from "./proposal";
import type { LeafIndex } from "./treeMath";

export type OpenedPublic = Readonly<{
  /** Null for one from outside the group. */
  sender: LeafIndex | null;
  content: OpenedContent;
  authenticated: VerifiedContent;
}>;

/** RFC 9420 §12.1.8. */
const FROM_OUTSIDE: readonly Proposal["type"][] = [
  "add",
  "remove",
  "psk",
  "reinit",
  "group_context_extensions",
];

/**
 * An MLSMessage with a PublicMessage of this group and epoch, its signature verified.
 * @throws MlsError of the peer's fault, and no other
 */
export function openPublicMessage(group: Group, message: Uint8Array): OpenedPublic {
  const decoded = decodeMlsMessage(message);
  if (decoded.type !== "public_message") {
    throw new InvalidError("v612_wire_format", `a ${decoded.type} where a PublicMessage belongs`);
  }
  const { suite, contextBytes, secrets } = group;
  const { framed } = decoded.message;
  checkEpoch(group, framed);
  const signatureKey = signatureKeyOf(group, framed);
  const content = unprotectPublic(suite, decoded.message, secrets.membership, contextBytes);
  const authenticated = verifyFramedContent(suite, content, signatureKey, contextBytes);
  return {
    sender: framed.sender.type === "member" ? framed.sender.leaf : null,
    content: openedContent(suite, authenticated),
    authenticated,
  };
}

/** The key that must have signed, and whether such a sender may say this at all (RFC 9420 §6.1). */
function signatureKeyOf(group: Group, { sender, content }: FramedContent): Uint8Array {
  switch (sender.type) {
    case "member": {
      const leaf = group.tree.leaf(sender.leaf);
      if (leaf === null) throw new InvalidError("v603_sender", `a message of the blank leaf ${sender.leaf}`);
      return leaf.signatureKey;
    }
    case "external":
      return externalSenderKey(group, sender, content);
    case "new_member_proposal":
      if (content.type !== "proposal" || content.proposal.type !== "add") {
        throw new InvalidError("v610_external_content", "whoever is no member may propose its own Add alone");
      }
      return content.proposal.keyPackage.leafNode.signatureKey;
    case "new_member_commit":
      if (content.type !== "commit" || content.commit.path === null) {
        throw new InvalidError("v610_external_content", "an external commit is a commit with a path");
      }
      return content.commit.path.leafNode.signatureKey;
  }
}

function externalSenderKey(
  { context }: Group,
  { index }: Extract<Sender, { type: "external" }>,
  content: Content,
): Uint8Array {
  // RFC 9420 §12.1.8: other types are malformed from outside.
  if (content.type !== "proposal" || !FROM_OUTSIDE.includes(content.proposal.type)) {
    throw new InvalidError("v610_external_content", "an external sender says what none may say");
  }
  const sender = externalSendersIn(context.extensions)[index];
  if (sender === undefined) {
    throw new InvalidError("v611_external_sender", `the group names no external sender ${index}`);
  }
  return sender.signatureKey;
}
