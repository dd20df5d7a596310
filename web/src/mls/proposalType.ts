/** The registry of proposal types (RFC 9420 §17.4). */

export const ProposalType = {
  add: 0x0001,
  update: 0x0002,
  remove: 0x0003,
  psk: 0x0004,
  reinit: 0x0005,
  externalInit: 0x0006,
  groupContextExtensions: 0x0007,
} as const;

/** RFC 9420 §7.2: types that everyone knows, and that no list of capabilities names. */
export function isDefaultProposal(type: number): boolean {
  return type >= ProposalType.add && type <= ProposalType.groupContextExtensions;
}
