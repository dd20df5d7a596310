/** Checks of decoded values, field by field: what came from the network or the disk is `unknown` until one has passed. */

export type Check = (value: unknown) => boolean;

export const anyBytes: Check = (value) => value instanceof Uint8Array;
export const bytes =
  (least: number, most = least): Check =>
  (value) =>
    value instanceof Uint8Array && value.length >= least && value.length <= most;
export const text =
  (most: number): Check =>
  (value) =>
    typeof value === "string" && value.length <= most;
export const oneOf =
  (...choices: readonly string[]): Check =>
  (value) =>
    choices.includes(value as string);
export const number: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
export const position: Check = (value) => number(value) && value !== 0;
export const real =
  (least: number, most: number): Check =>
  (value) =>
    typeof value === "number" && value >= least && value <= most;
export const flag: Check = (value) => typeof value === "boolean";
export const list =
  (one: Check, most: number, least = 0): Check =>
  (value) =>
    Array.isArray(value) && value.length >= least && value.length <= most && value.every(one);
/** A field that may be left out. */
export const maybe =
  (one: Check): Check =>
  (value) =>
    value === undefined || one(value);
export const orNull =
  (one: Check): Check =>
  (value) =>
    value === null || one(value);
export const either =
  (...checks: readonly Check[]): Check =>
  (value) =>
    checks.some((one) => one(value));
/** Exactly these fields. */
export function fields(shape: Readonly<Record<string, Check>>): Check {
  const names = Object.keys(shape);
  return (value) => {
    if (value === null || typeof value !== "object") return false;
    const map = value as Record<string, unknown>;
    return Object.keys(map).every((name) => names.includes(name)) && names.every((n) => shape[n]!(map[n]));
  };
}
