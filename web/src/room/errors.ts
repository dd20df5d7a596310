/**
 * What can go wrong with what travels inside a room, and whose fault it is.
 *
 *   RoomError            code, fault
 *   ├─ RoomDataError     "room_data"        peer     bytes that are not the structure they should be
 *   ├─ RoomRuleError     names the check    peer     a Commit, request or reply that breaks a rule; `rule` is its number
 *   └─ RoomPlanError     names the refusal  caller   what a person asked for is not theirs to do, or not possible now
 */

import type { Fault } from "../mls/errors";

export class RoomError extends Error {
  /** Stable: callers, tests and words for people match on it. */
  readonly code: string;
  readonly fault: Fault;

  constructor(code: string, fault: Fault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
    this.fault = fault;
  }
}

export class RoomDataError extends RoomError {
  constructor(message: string, options?: ErrorOptions) {
    super("room_data", "peer", message, options);
  }
}

export class RoomRuleError extends RoomError {
  /** The rule that was broken, such as "E30". */
  readonly rule: string;

  constructor(rule: string, code: string, message: string, options?: ErrorOptions) {
    super(code, "peer", `${rule}: ${message}`, options);
    this.rule = rule;
  }
}

export class RoomPlanError extends RoomError {
  constructor(code: string, message: string) {
    super(code, "caller", message);
  }
}
