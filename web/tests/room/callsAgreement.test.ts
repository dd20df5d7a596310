/** What is said about calls and meetings gives the same fold, lines, views and calendar file in each language (E24). */

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeBody, encodeBody } from "../../src/room/bodies";
import { CALL_READERS } from "../../src/room/callBodies";
import { encodeCanonical } from "../../src/room/canonical";
import { RoomDataError } from "../../src/room/errors";
import { read, type Story, told } from "./callsStory";

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), "../../../tests/agreement");

const TYPES = Object.keys(CALL_READERS);
const NAMES = [
  "call",
  "urgency",
  "why",
  "wanted",
  "kind",
  "minutes",
  "time",
  "outcome",
  "post",
  "sitting",
].concat(
  ["began", "ended", "people", "meeting", "title", "start", "zone", "rule", "follows", "since", "occurrence"],
  ["coming", "ring", "constructor"],
);
const anyValue = fc.oneof(
  fc.nat(),
  fc.boolean(),
  fc.uint8Array({ maxLength: 20 }),
  fc.string({ maxLength: 20 }),
  fc.constantFrom("now", "in", "at", "yes", "met", "UTC", "2026-03-03T18:00", "FREQ=WEEKLY"),
  fc.constant(new Uint8Array(16)),
  fc.array(fc.nat(), { maxLength: 3 }),
);

it("E16 any map is an event about calls or a RoomDataError", () => {
  const fields = fc.dictionary(fc.constantFrom(...NAMES), anyValue, { maxKeys: 8 });
  fc.assert(
    fc.property(fc.constantFrom(...TYPES), fields, (type, map) => {
      const bytes = encodeCanonical({ ...map });
      try {
        expect(encodeBody(decodeBody(type, bytes)!)).toEqual(bytes);
      } catch (cause) {
        expect(cause).toBeInstanceOf(RoomDataError);
      }
    }),
    { seed: 5, numRuns: 400 },
  );
});

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
