import { enWorker } from "./enWorker";

export type WorkerWords = { readonly [name in keyof typeof enWorker]: string };

/** By the language of a browser's setting ("de" of "de-AT"). There is one language so far. */
const LANGUAGES: Readonly<Record<string, WorkerWords>> = { en: enWorker };

/** The words for the first of these languages that the catalogue has. */
export function workerWords(languages: readonly string[]): WorkerWords {
  for (const language of languages) {
    const [base = ""] = language.toLowerCase().split("-");
    if (Object.hasOwn(LANGUAGES, base)) return LANGUAGES[base]!;
  }
  return enWorker;
}
