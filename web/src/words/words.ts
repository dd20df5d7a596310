import { en } from "./en";

/** The words in use. There is one language so far; a second one joins here, chosen by the browser's language. */
export const words = en;

const has = <T extends object>(table: T, code: string): code is Extract<keyof T, string> =>
  Object.hasOwn(table, code);

/** Words for a code that a call was refused with; unknown codes are named, so that they can be looked up. */
export function errorWords(code: string): string {
  return has(words.errors, code) ? words.errors[code] : `${words.errors.unexpected} (${code})`;
}

export function failureWords(code: string): { text: string; todo: string } {
  return has(words.failures, code) ? words.failures[code] : words.failures.unexpected;
}
