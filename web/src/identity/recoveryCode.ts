/**
 * The recovery code: 120 random bits, from which a person's root key comes (E6). THREATS 37: it is always drawn, never
 * chosen, so there is nothing to guess and no slow function whose cost somebody could lower.
 *
 * Written as 28 letters of Crockford's alphabet in groups of four; the last group is a checksum.
 */

import { sha256 } from "@noble/hashes/sha2.js";
import { concat, equal, type Rng, utf8 } from "../bytes/bytes";
import { UsageError } from "../mls/errors";
import { draw } from "../mls/kem";
import { RecoveryCodeError } from "./errors";

export const RECOVERY_CODE_BYTES = 15;
export const RECOVERY_GROUPS = 7;
const GROUP_LETTERS = 4;
const CODE_LETTERS = 24;
const LETTERS = RECOVERY_GROUPS * GROUP_LETTERS;
const CHECKSUM_LABEL = utf8("Collegium 1.0 recovery code checksum");
/** Without I, L, O and U: nothing in it can be read as another letter of it. */
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const BITS = 5;
/** Longer than any way to write a code with spaces and dashes. */
const MAX_TYPED = 256;

export function newRecoveryCode(rng: Rng): Uint8Array {
  return draw(rng, RECOVERY_CODE_BYTES);
}

/** The seven groups as they are shown and asked for. @throws UsageError when the code is not of 15 bytes. */
export function recoveryGroups(code: Uint8Array): string[] {
  const letters = toLetters(code) + checksum(code);
  return Array.from({ length: RECOVERY_GROUPS }, (_, i) =>
    letters.slice(i * GROUP_LETTERS, (i + 1) * GROUP_LETTERS),
  );
}

/** "ABCD-EFGH-…" @throws UsageError when the code is not of 15 bytes. */
export function formatRecoveryCode(code: Uint8Array): string {
  return recoveryGroups(code).join("-");
}

/**
 * What somebody typed or pasted, in any case, with any spaces and dashes; O is 0, I and L are 1.
 *
 * @throws RecoveryCodeError that says what is wrong: a letter (and in which group), the length, or the checksum.
 */
export function parseRecoveryCode(text: string): Uint8Array {
  if (text.length > MAX_TYPED) throw new RecoveryCodeError("recovery_code_length", "far too long for a code");
  const letters = plainLetters(text);
  const wrong = letters.findIndex((letter) => !ALPHABET.includes(letter));
  if (wrong >= 0) {
    const group = Math.floor(wrong / GROUP_LETTERS) + 1;
    throw new RecoveryCodeError(
      "recovery_code_letters",
      `group ${group} has a letter that no code has`,
      group,
    );
  }
  if (letters.length !== LETTERS) {
    throw new RecoveryCodeError("recovery_code_length", `${letters.length} letters, not ${LETTERS}`);
  }
  const code = fromLetters(letters.slice(0, CODE_LETTERS));
  if (checksum(code) !== letters.slice(CODE_LETTERS).join("")) {
    throw new RecoveryCodeError("recovery_code_checksum", "the letters do not belong together");
  }
  return code;
}

/** Whether a group typed back is the one that was shown, as forgiving as the whole code is. */
export function sameRecoveryGroup(typed: string, group: string): boolean {
  return typed.length <= MAX_TYPED && equal(utf8(plainLetters(typed).join("")), utf8(group));
}

/** One entry for each character that counts, so that the place of a wrong one is known. */
function plainLetters(text: string): string[] {
  const bare = text
    .normalize("NFKC")
    .toUpperCase()
    .replace(/[\s\p{Dash}\p{Cf}]/gu, "");
  return Array.from(bare.replaceAll("O", "0").replace(/[IL]/g, "1"));
}

function toLetters(code: Uint8Array): string {
  if (code.length !== RECOVERY_CODE_BYTES) {
    throw new UsageError("recovery_code", `a recovery code of ${code.length} bytes`);
  }
  let out = "";
  for (let at = 0; at < CODE_LETTERS; at++) out += ALPHABET[bitsAt(code, at * BITS)]!;
  return out;
}

/** The first 20 bits of a hash: a mistyped code passes once in a million times. */
function checksum(code: Uint8Array): string {
  const hash = sha256(concat(CHECKSUM_LABEL, code));
  let out = "";
  for (let at = 0; at < GROUP_LETTERS; at++) out += ALPHABET[bitsAt(hash, at * BITS)]!;
  return out;
}

/** Five bits from a bit position on, the highest bit first. */
function bitsAt(bytes: Uint8Array, position: number): number {
  const at = position >>> 3;
  const pair = (bytes[at]! << 8) | (bytes[at + 1] ?? 0);
  return (pair >>> (16 - BITS - (position & 7))) & 0x1f;
}

function fromLetters(letters: readonly string[]): Uint8Array {
  const out = new Uint8Array(RECOVERY_CODE_BYTES);
  let held = 0;
  let bits = 0;
  let at = 0;
  for (const letter of letters) {
    held = ((held << BITS) | ALPHABET.indexOf(letter)) & 0xfff;
    bits += BITS;
    if (bits >= 8) {
      bits -= 8;
      out[at++] = held >>> bits;
    }
  }
  return out;
}
