/** One device's story of a room, told in each language and read in both: the whole room core, from Welcome to end. */

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { read, type Story, tell } from "./story";

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), "../../../../tests/agreement");

describe("a story", () => {
  it("told here is what Python reads, and ends as it was told", async () => {
    const story = tell();
    expect(read(story)).toEqual({ end: story.end, call: story.call, alarms: [] });
    await expect(`${JSON.stringify(story, null, 1)}\n`).toMatchFileSnapshot(join(FOLDER, "room_story.json"));
  });

  it("told in Python ends as it was told", () => {
    const story = JSON.parse(readFileSync(join(FOLDER, "room_story_python.json"), "utf8")) as Story;
    expect(read(story)).toEqual({ end: story.end, call: story.call, alarms: [] });
  });
});
