/** Small marks by which people are told apart at a glance; the name always stands beside them. */

const TINTS = 8;

/** One or two letters of a name. */
export function initials(name: string): string {
  const parts = name
    .trim()
    .split(/\s+/u)
    .filter(
      (part) =>
        /\p{L}|\p{N}/u.test(part) && !/^(dr|prof|dipl|mag|med|phil|psych)\.?(-\p{L}+\.?)*$/iu.test(part),
    );
  const first = parts[0] ?? name.trim();
  const last = parts.length > 1 ? parts[parts.length - 1]! : "";
  const letter = (text: string): string => [...text].find((one) => /\p{L}|\p{N}/u.test(one)) ?? "";
  return (letter(first) + letter(last)).toLocaleUpperCase() || "·";
}

/** A tint that stays the same for an account on every device. */
export function tint(accountId: string): number {
  let sum = 0;
  for (const letter of accountId) sum = (sum * 31 + letter.codePointAt(0)!) >>> 0;
  return sum % TINTS;
}
