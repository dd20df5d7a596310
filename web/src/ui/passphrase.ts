/** Plain advice about a passphrase while it is typed. It opens the vault of one device and is never sent anywhere. */

export const PASSPHRASE_MIN = 12;
const GOOD_LENGTH = 20;
const GOOD_WORDS = 4;

export type Feedback =
  | { readonly level: "empty" }
  | { readonly level: "short"; readonly left: number }
  | { readonly level: "simple" }
  | { readonly level: "fair" }
  | { readonly level: "good" };

const letters = (text: string): string[] => [...text.normalize("NFKC")];

/** Repeats itself ("abcabcabcabc") or only counts up or down ("123456789012"). */
function isSimple(text: string): boolean {
  const all = letters(text.toLowerCase());
  if (new Set(all).size < 5) return true;
  const joined = all.join("");
  if (/^(.{1,6}?)\1{2,}.{0,5}$/su.test(joined)) return true;
  let steps = 0;
  for (let i = 1; i < all.length; i++) {
    const step = all[i]!.codePointAt(0)! - all[i - 1]!.codePointAt(0)!;
    if (Math.abs(step) <= 1) steps++;
  }
  return steps >= (all.length - 1) * 0.7;
}

export function passphraseFeedback(text: string): Feedback {
  const length = letters(text).length;
  if (length === 0) return { level: "empty" };
  if (length < PASSPHRASE_MIN) return { level: "short", left: PASSPHRASE_MIN - length };
  if (isSimple(text)) return { level: "simple" };
  const several = new Set(
    text
      .toLowerCase()
      .split(/[\s\-_.,]+/u)
      .filter((word) => word.length >= 3),
  );
  return several.size >= GOOD_WORDS || length >= GOOD_LENGTH ? { level: "good" } : { level: "fair" };
}

export const isEnough = (feedback: Feedback): boolean =>
  feedback.level === "fair" || feedback.level === "good";
