/** Messages of members in the present epoch: sealing one's own, opening those of others (RFC 9420 §6.3, §15). */

import type { Rng } from "../bytes/bytes";
import type { Commit } from "./commit";
import type { AuthenticatedContent, Content } from "./framing";
import type { Group } from "./group";
import type { Proposal } from "./proposal";
import type { LeafIndex } from "./treeMath";

export type Protected = Readonly<{
  group: Group;
  /** An MLSMessage. */
  message: Uint8Array;
  /** Wipe these once `group` is stored. */
  consumed: readonly Uint8Array[];
}>;

export type ApplicationInput = Readonly<{
  data: Uint8Array;
  authenticatedData: Uint8Array;
  /** Zero bytes are appended until content and padding together are a multiple of this many bytes. */
  paddedTo?: number;
  rng: Rng;
}>;

export type ProposalInput = Readonly<{ proposal: Proposal; authenticatedData: Uint8Array; rng: Rng }>;

declare const verified: unique symbol;
/** Content whose protection and signature were checked in the group's present epoch. */
export type VerifiedContent<C extends Content = Content> = AuthenticatedContent<C> & {
  readonly [verified]: true;
};

export type OpenedContent =
  | Readonly<{ kind: "application"; data: Uint8Array }>
  | Readonly<{ kind: "proposal"; proposal: Proposal; ref: Uint8Array }>
  | Readonly<{ kind: "commit"; commit: Commit }>;

export type Unprotected = Readonly<{
  /** With the ratchet advanced. */
  group: Group;
  /** The own leaf, when a copy of this state is in use elsewhere. */
  sender: LeafIndex;
  authenticatedData: Uint8Array;
  /** Wipe these once `group` is stored. */
  consumed: readonly Uint8Array[];
  content: OpenedContent;
  authenticated: VerifiedContent;
}>;

export declare function protectApplication(group: Group, input: ApplicationInput): Protected;
export declare function protectProposal(
  group: Group,
  input: ProposalInput,
): Protected & { readonly ref: Uint8Array };
/** An MLSMessage with a PrivateMessage of this group and epoch. @throws MlsError of the peer's fault, and no other */
export declare function unprotect(group: Group, message: Uint8Array): Unprotected;
