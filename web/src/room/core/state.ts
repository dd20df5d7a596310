/** What one device knows of one room. Immutable; `step` gives the next one. */

import type { Group } from "../../mls/group";

export type RoomState = { readonly roomId: Uint8Array; readonly group: Group | null };
