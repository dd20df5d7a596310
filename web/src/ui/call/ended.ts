import { callWords } from "../../words/laterWords";

/** Why a call is over, in words, by the code of CallMessage. */
export function endedWords(code: string): { readonly heading: string; readonly text: string } {
  return Object.hasOwn(callWords.ended, code) && code !== "again" && code !== "other"
    ? callWords.ended[code as "left"]
    : callWords.ended.other;
}
