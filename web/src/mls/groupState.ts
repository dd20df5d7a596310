/** A group as it is stored: `epoch` changes with commits alone, `ratchets` with every message. */

import type { Group } from "./group";

export type StoredGroup = Readonly<{ epoch: Uint8Array; ratchets: Uint8Array }>;

export declare function encodeGroup(group: Group): StoredGroup;
/** @throws StorageError */
export declare function decodeGroup(stored: StoredGroup): Group;
