/** Which texts may stand in a room, in characters (code points), as wire/texts.py has it. */

import { utf8 } from "../bytes/bytes";

export const MAX_TITLE = 80;
export const MAX_NAME = 80;
export const MAX_POST = 20_000;
export const MAX_EMOJI_BYTES = 32;
export const MAX_FILE_NAME = 255;
export const MAX_WHY = 200;

/** Controls, line separators and marks that turn the reading direction: in one line of text they only deceive. */
const NOT_IN_A_LINE = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;
/** Half of a pair: no character, and no UTF-8. */
const LONE_SURROGATE = /\p{Cs}/u;
/** Decoders of text take it away at the beginning, so that what is read is not what was written. */
const BYTE_ORDER_MARK = "\ufeff";
const LETTER_OR_SPACE = /[A-Za-z ]/;
const LEAST_EMOJI = 0xa9; // ©

/** How many characters (code points) a text has; stops above `limit`. */
function characters(text: string, limit: number): number {
  let count = 0;
  for (const _ of text) if (++count > limit) break;
  return count;
}

/** Something, within the limit, that every language reads as it was written. */
function isText(text: string, max: number): boolean {
  if (text.length === 0 || characters(text, max) > max || text.startsWith(BYTE_ORDER_MARK)) return false;
  return !LONE_SURROGATE.test(text);
}

function isLine(text: string, max: number): boolean {
  return isText(text, max) && !NOT_IN_A_LINE.test(text) && !text.startsWith(" ") && !text.endsWith(" ");
}

/** A person's name, as colleagues see it. */
export const isName = (text: string): boolean => isLine(text, MAX_NAME);

/** Why somebody rings: one line. */
export const isWhy = (text: string): boolean => isLine(text, MAX_WHY);

/** A room's title. */
export const isTitle = (text: string): boolean => isLine(text, MAX_TITLE);

/** A name that a file can be stored under: no folder, and no way up. */
export const isFileName = (text: string): boolean =>
  isLine(text, MAX_FILE_NAME) && !/[/\\]/.test(text) && text !== "." && text !== "..";

/** What a person writes. Line breaks and all are theirs; only bounds are checked. */
export function isPostText(text: string): boolean {
  return isText(text, MAX_POST);
}

/** Something to react with: short, without letters or spaces, and with at least one sign beyond ASCII. */
export function isEmoji(text: string): boolean {
  if (!isText(text, MAX_EMOJI_BYTES)) return false;
  if (utf8(text).length > MAX_EMOJI_BYTES || NOT_IN_A_LINE.test(text) || LETTER_OR_SPACE.test(text))
    return false;
  return [...text].some((character) => character.codePointAt(0)! >= LEAST_EMOJI);
}
