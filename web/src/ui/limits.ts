/** Names of people and of groups: one line. */
export const MAX_LINE = 80;
/** A message, in characters as people count them (code points). */
export const MAX_POST = 20_000;

/** How many characters a text has. */
export function characters(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}
