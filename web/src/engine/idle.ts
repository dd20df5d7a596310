import { IDLE_LOCK_MS } from "./api";

/**
 * Whether nobody has touched this device for long enough to lock it. Pure: the clock is asked, not a timer, so that a
 * device which slept is locked as soon as it wakes.
 */
export type Idle = { readonly activeAt: number };

export const CHECK_EVERY_MS = 5_000;

export function active(now: number): Idle {
  return { activeAt: now };
}

/**
 * A clock that was set back counts from now: else it would keep the device open for as long as it was set back.
 * @param inCall whoever is in a call uses the device without touching it; one that slept meanwhile was not used
 */
export function checked(
  idle: Idle,
  now: number,
  inCall = false,
): { readonly idle: Idle; readonly lock: boolean } {
  if (now < idle.activeAt) return { idle: active(now), lock: false };
  const lock = now - idle.activeAt >= IDLE_LOCK_MS;
  return { idle: inCall && !lock ? active(now) : idle, lock };
}
