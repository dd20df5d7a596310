/** What is said about calls and meetings gives the same fold, lines, views and calendar file in each language (E24). */

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { read, type Story, told } from "./callsStory";

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), "../../../tests/agreement");

describe("a story of calls and meetings", () => {
  it("E24 told here is what Python reads", async () => {
    const story = told("4", 260);
    await expect(`${JSON.stringify(story, null, 1)}\n`).toMatchFileSnapshot(join(FOLDER, "calls.json"));
  });

  it("E24 told in Python gives what it gave there", () => {
    const story = JSON.parse(readFileSync(join(FOLDER, "calls_python.json"), "utf8")) as Story;
    const { entries, looks, ...given } = story;
    const found = read({ entries, looks });
    for (const [name, value] of Object.entries(given)) {
      expect(found[name as keyof typeof found], name).toEqual(value);
    }
  });
});
