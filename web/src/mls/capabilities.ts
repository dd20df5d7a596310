/** What a client says it can do (RFC 9420 §7.2). */

import type { Rng } from "../bytes/bytes";
import type { Reader, Writer } from "./codec";
import { CredentialType } from "./credential";
import {
  ExtensionType,
  isDefaultExtension,
  type RequiredCapabilities,
  readTypeCodes,
  writeTypeCodes,
} from "./extension";
import { drawGrease } from "./grease";
import { isDefaultProposal } from "./proposalType";

/** ProtocolVersion mls10. */
export const MLS_10 = 1;

export type Capabilities = {
  readonly versions: readonly number[];
  readonly suites: readonly number[];
  readonly extensions: readonly number[];
  readonly proposals: readonly number[];
  readonly credentials: readonly number[];
};

export function writeCapabilities(writer: Writer, capabilities: Capabilities): void {
  writeTypeCodes(writer, capabilities.versions);
  writeTypeCodes(writer, capabilities.suites);
  writeTypeCodes(writer, capabilities.extensions);
  writeTypeCodes(writer, capabilities.proposals);
  writeTypeCodes(writer, capabilities.credentials);
}

export function readCapabilities(reader: Reader): Capabilities {
  return {
    versions: readTypeCodes(reader),
    suites: readTypeCodes(reader),
    extensions: readTypeCodes(reader),
    proposals: readTypeCodes(reader),
    credentials: readTypeCodes(reader),
  };
}

/** What this program can do in a group of the suite: the default types need no mention (RFC 9420 §7.2). `listed`: others. */
export function ownCapabilities(
  suite: { readonly id: number },
  listed: readonly number[] = [],
): Capabilities {
  return {
    versions: [MLS_10],
    suites: [suite.id],
    extensions: [ExtensionType.collegiumRoom, ...listed],
    proposals: [],
    credentials: [CredentialType.basic],
  };
}

/** RFC 9420 §13.5: the same with a GREASE value in each list that allows it. */
export function greased(capabilities: Capabilities, rng: Rng): Capabilities {
  return {
    versions: capabilities.versions,
    suites: [...capabilities.suites, drawGrease(rng)],
    extensions: [...capabilities.extensions, drawGrease(rng)],
    proposals: [...capabilities.proposals, drawGrease(rng)],
    credentials: [...capabilities.credentials, drawGrease(rng)],
  };
}

export function supportsExtension(capabilities: Capabilities, type: number): boolean {
  return isDefaultExtension(type) || capabilities.extensions.includes(type);
}

export function supportsProposal(capabilities: Capabilities, type: number): boolean {
  return isDefaultProposal(type) || capabilities.proposals.includes(type);
}

/** No credential type is a default (RFC 9420 §11.1). */
export function supportsCredential(capabilities: Capabilities, type: number): boolean {
  return capabilities.credentials.includes(type);
}

export function meets(capabilities: Capabilities, required: RequiredCapabilities): boolean {
  return (
    required.extensions.every((type) => supportsExtension(capabilities, type)) &&
    required.proposals.every((type) => supportsProposal(capabilities, type)) &&
    required.credentials.every((type) => supportsCredential(capabilities, type))
  );
}
