/**
 * One end-to-end encrypted room as a pure step machine: E14 to E30, E38, E39.
 *
 * The driver gives frames, commands and ticks, stores the rows that changed in one transaction, and only then releases
 * the effects. Nothing here does I/O; the clock and randomness are in `env`.
 */

export { askToJoin, foundRoom, joinRoom, rejoinRoom } from "./core/joining";
export { roomPin } from "./core/pins";
export { CORE_ROW, loadRoom, roomRows, rowNames } from "./core/rows";
export type { RoomState } from "./core/state";
export { step } from "./core/step";
export * from "./core/surface";
export { roomView } from "./core/view";

import type { RoomState } from "./core/state";

/** The log position up to which all is in the state: for `hello`. */
export function roomCursor(state: RoomState): number {
  return state.log.n;
}
