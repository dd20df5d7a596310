/**
 * Test vectors: the official ones of the repository, or instead of them those of a folder named by COLLEGIUM_VECTORS,
 * with the same subfolders. A file is known by the keys of its entries, not by its name, so any name will do.
 */

import { type Dirent, existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";

const REPOSITORY_VECTORS = join(dirname(fileURLToPath(import.meta.url)), "../../tests/vectors");

/** For each format some keys that a first entry has and that no other format has all of; or several such sets. */
const FORMATS = {
  "mls/crypto-basics": [["ref_hash", "expand_with_label", "encrypt_with_label"]],
  "mls/deserialization": [["vlbytes_header", "length"]],
  "mls/key-schedule": [["initial_init_secret", "epochs"]],
  "mls/message-protection": [["proposal_priv", "application_priv"]],
  "mls/messages": [["mls_welcome", "mls_key_package"]],
  "mls/passive-client": [["welcome", "epochs", "external_psks"]],
  "mls/psk-secret": [["psks", "psk_secret"]],
  "mls/secret-tree": [["sender_data", "leaves"]],
  "mls/transcript-hashes": [["confirmation_key", "confirmed_transcript_hash_after"]],
  "mls/tree-math": [["n_leaves", "n_nodes"]],
  "mls/tree-operations": [["tree_before", "tree_after"]],
  "mls/tree-validation": [["resolutions", "tree_hashes"]],
  "mls/treekem": [["leaves_private", "update_paths"]],
  "mls/welcome": [["init_priv", "welcome", "signer_pub"]],
  sframe: [["sframe"], ["header"], ["aes_ctr_hmac"], ["sframe_aes_256_ctr_hmac"]],
  hpke: [["kem_id", "kdf_id", "aead_id"]],
  xwing: [["seed", "eseed", "ss"]],
} as const;

/** In ms. A file may be anybody's and long, and the machine busy: only what hangs should fail. */
const VECTOR_TIMEOUT = 600_000;

export type Format = keyof typeof FORMATS;
export type VectorFile = {
  readonly name: string;
  readonly format: Format | undefined;
  readonly content: unknown;
};

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The format of a file's content, or undefined when it is none that is known. */
export function sniff(content: unknown): Format | undefined {
  const first: unknown = Array.isArray(content) ? content[0] : content;
  if (!isRecord(first)) return undefined;
  for (const [format, alternatives] of Object.entries(FORMATS)) {
    if (alternatives.some((keys) => keys.every((key) => key in first))) return format as Format;
  }
  return undefined;
}

function filesBelow(folder: string, under = ""): string[] {
  const entries: Dirent[] = readdirSync(join(folder, under), { withFileTypes: true });
  return entries
    .flatMap((entry) => {
      const path = join(under, entry.name);
      if (entry.isDirectory()) return filesBelow(folder, path);
      return /\.json(\.gz)?$/.test(entry.name) ? [path] : [];
    })
    .sort();
}

/** A reviver that keeps integers exact. */
function exactly(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  return /^\d+$/.test(context?.source ?? "") ? BigInt(context?.source ?? "") : value;
}

function load(folder: string, path: string): VectorFile {
  const raw = readFileSync(join(folder, path));
  const text = (path.endsWith(".gz") ? gunzipSync(raw) : raw).toString("utf8");
  // Numbers of 64 bits come as bigints, where there are any; the others are read the quick way.
  const content: unknown = /[:[,]\s*\d{16}/.test(text) ? JSON.parse(text, exactly) : JSON.parse(text);
  return { name: path, format: sniff(content), content };
}

/** The folder to read: `given` is the value of COLLEGIUM_VECTORS. @throws Error when it names none. */
export function vectorFolder(given: string | undefined): string {
  if (given === undefined || given === "") return REPOSITORY_VECTORS;
  if (!existsSync(given)) throw new Error(`COLLEGIUM_VECTORS names ${given}, which is not there`);
  return given;
}

/** Whether the repository's own vectors are read. */
export const ownVectors = vectorFolder(process.env.COLLEGIUM_VECTORS) === REPOSITORY_VECTORS;

let loaded: readonly VectorFile[] | undefined;

/** Every vector file, in a stable order. */
export function vectorFiles(): readonly VectorFile[] {
  loaded ??= loadFolder(vectorFolder(process.env.COLLEGIUM_VECTORS));
  return loaded;
}

export function loadFolder(folder: string): readonly VectorFile[] {
  return filesBelow(folder).map((path) => load(folder, path));
}

/** The entries of one file; a file that is one object is one entry. `T` describes the published format. */
export function entriesOf<T>(file: VectorFile): readonly T[] {
  return (Array.isArray(file.content) ? file.content : [file.content]) as readonly T[];
}

/**
 * One test for each file of a format, named after the file. `run` gets all entries and returns what it did, and the
 * figures are printed, so that a run shows how many vectors were checked and how many were out of scope.
 */
export function eachVectorFile<T>(
  format: Format,
  run: (entries: readonly T[]) => { readonly checked: number; readonly outOfScope?: number },
): void {
  describe(`vectors: ${format}`, () => {
    const files = vectorFiles().filter((file) => file.format === format);
    // Ours has every format. What somebody else's lacks is said, and is not our failure.
    it("has a file", () => {
      if (ownVectors) expect(files.length).toBeGreaterThan(0);
      else console.info(`${files.length} files of ${format} given`);
    });
    for (const file of files) {
      it(file.name, { timeout: VECTOR_TIMEOUT }, () => {
        const { checked, outOfScope = 0 } = run(entriesOf<T>(file));
        console.info(`${file.name}: ${checked} checked, ${outOfScope} out of scope`);
        expect(checked + outOfScope).toBeGreaterThan(0);
      });
    }
  });
}
