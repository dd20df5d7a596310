/**
 * One end-to-end encrypted room as a pure step machine: E14 to E30, E38, E39.
 *
 * The driver gives frames, commands and ticks, stores the rows that changed in one transaction, and only then releases
 * the effects. Nothing here does I/O; the clock and randomness are in `env`.
 */

import type { Welcome } from "../wire/generated";
import type { RoomState } from "./core/state";
import type { Env, Input, JoinExpectation, Pin, RoomSight, Stepped } from "./core/surface";
import type { Fragment } from "./invites";

export type { RoomState } from "./core/state";
export * from "./core/surface";

/** A room of its own, just made on the server: this device is alone in it. The founder's name is queued. */
export declare function foundRoom(env: Env, room: { roomId: Uint8Array; title: string }): Stepped;

/** Ask to be let in by the invite whose fragment this is: what to POST, and what to keep until the Welcome comes (E28). */
export declare function askToJoin(
  env: Env,
  ask: { roomId: Uint8Array; fragment: Fragment; notAfter: number },
): { sealed: Uint8Array; expectation: JoinExpectation };

/** The room that a Welcome opens, judged against what was asked for (E25, E29). @throws WelcomeError */
export declare function joinRoom(
  env: Env,
  expectation: JoinExpectation,
  welcome: Welcome,
  /** What this device has of the room from an earlier membership: its timeline stays. */
  before: RoomState | null,
): Stepped;

/**
 * A room of a recovered account, from its pin list (E22): it asks to be added, and takes the Welcome in `step`.
 * (A device that has to rejoin a room which it has does so by itself.)
 */
export declare function rejoinRoom(env: Env, pin: Pin): Stepped;

/** One input. @throws CommandError for a command that cannot be taken; the state is then as it was. */
export declare function step(state: RoomState, input: Input, env: Env): Stepped;

/** The log position up to which all is in the state: for `hello`. */
export declare function roomCursor(state: RoomState): number;

/** The stored rows that changed, their names below the room's prefix. `before` null: all of them. */
export declare function roomRows(
  before: RoomState | null,
  after: RoomState,
): { put: Record<string, unknown>; drop: string[] };

/** The row to read first, and the names of all others, as it says. @throws StorageError */
export const CORE_ROW = "core";
export declare function rowNames(core: unknown): readonly string[];

/** The room as its rows have it: CORE_ROW and all of rowNames. @throws StorageError */
export declare function loadRoom(rows: Readonly<Record<string, unknown>>): RoomState;

/** The room's line of the pin list (E22), or null where it has none any more. */
export declare function roomPin(state: RoomState): Pin | null;

/** What there is to see; `items` is how many of the latest items. */
export declare function roomView(state: RoomState, env: Env, items: number): RoomSight;
