import { expect } from "vitest";
import { fromHex, toHex } from "../../src/bytes/bytes";
import { decode, encode } from "../../src/mls/codec";
import { decodeCommit, encodeCommit } from "../../src/mls/commit";
import { readProposalBody, writeProposalBody } from "../../src/mls/proposal";
import { ProposalType } from "../../src/mls/proposalType";
import { decodeRatchetTree, encodeRatchetTree } from "../../src/mls/treeCodec";
import { eachVectorFile } from "../vectors";

type Messages = {
  ratchet_tree: string;
  add_proposal: string;
  update_proposal: string;
  remove_proposal: string;
  pre_shared_key_proposal: string;
  re_init_proposal: string;
  external_init_proposal: string;
  group_context_extensions_proposal: string;
  commit: string;
};

// Whole messages are checked with the framing; these are the structures inside of them.
eachVectorFile<Messages>("mls/messages", (entries) => {
  for (const entry of entries) {
    expect(toHex(encodeRatchetTree(decodeRatchetTree(fromHex(entry.ratchet_tree))))).toBe(entry.ratchet_tree);
    expect(toHex(encodeCommit(decodeCommit(fromHex(entry.commit))))).toBe(entry.commit);
    const bodies: [number, string][] = [
      [ProposalType.add, entry.add_proposal],
      [ProposalType.update, entry.update_proposal],
      [ProposalType.remove, entry.remove_proposal],
      [ProposalType.psk, entry.pre_shared_key_proposal],
      [ProposalType.reinit, entry.re_init_proposal],
      [ProposalType.externalInit, entry.external_init_proposal],
      [ProposalType.groupContextExtensions, entry.group_context_extensions_proposal],
    ];
    for (const [type, hex] of bodies) {
      const proposal = decode(fromHex(hex), (reader) => readProposalBody(reader, type));
      expect(proposal.type).not.toBe("unknown");
      expect(toHex(encode((writer) => writeProposalBody(writer, proposal)))).toBe(hex);
    }
  }
  return { checked: entries.length };
});
