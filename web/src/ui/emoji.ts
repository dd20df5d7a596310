/** Whether a text is exactly one emoji, as a person sees it: flags, families and skin tones included. */

const MAX_UNITS = 32;

export function oneEmoji(text: string): string | null {
  const trimmed = text.trim();
  if (trimmed === "" || trimmed.length > MAX_UNITS) return null;
  const parts = [...new Intl.Segmenter("en", { granularity: "grapheme" }).segment(trimmed)];
  const drawn = /\p{Extended_Pictographic}|\p{Regional_Indicator}{2}|[0-9#*]\uFE0F?\u20E3/u;
  return parts.length === 1 && drawn.test(trimmed) ? trimmed : null;
}
