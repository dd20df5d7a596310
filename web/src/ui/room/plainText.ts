/** A line of a message without its Markdown, for lists, quotes and announcements. */

const MAX = 500;

export function plainLine(markdown: string): string {
  return markdown
    .slice(0, MAX * 2)
    .replace(/^\s*(?:```|~~~).*$/gm, " ")
    .replace(/!?\[([^\]\n]{0,200})\]\([^)\n]{0,500}\)/g, "$1")
    .replace(/^\s{0,3}(?:[#>]+|[-*+]|\d{1,3}[.)])\s+/gm, "")
    .replace(/(\*\*|__|~~|`)(?=\S)([^\n]{1,400}?\S?)\1/g, "$2")
    .replace(/(^|[\s(])([*_])(?=\S)([^\n*_]{1,400})\2(?=[\s).,;:!?]|$)/gm, "$1$3")
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, MAX);
}
