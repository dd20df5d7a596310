import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadFolder, ownVectors, sniff, vectorFiles, vectorFolder } from "./vectors";

describe("vector files", () => {
  for (const file of vectorFiles()) {
    // A file of no known format is run by no test. Among ours that is a mistake, elsewhere it may be a note.
    it(`${file.name} has a known format`, () => {
      if (ownVectors) expect(file.format).toBeDefined();
    });
  }

  it("of a named folder replace the repository's, whatever their names", () => {
    const given = mkdtempSync(join(tmpdir(), "vectors-"));
    try {
      mkdirSync(join(given, "mls"));
      const entry = { vlbytes_header: "00", length: 0 };
      writeFileSync(join(given, "mls", "any name.json"), JSON.stringify([entry]));
      expect(vectorFolder(given)).toBe(given);
      expect(loadFolder(given)).toEqual([
        { name: join("mls", "any name.json"), format: "mls/deserialization", content: [entry] },
      ]);
      expect(() => vectorFolder(join(given, "absent"))).toThrow("is not there");
      expect(vectorFolder("")).toBe(vectorFolder(undefined));
      expect(vectorFolder(undefined)).not.toBe(given);
    } finally {
      rmSync(given, { recursive: true });
    }
  });

  it("are known by their entries", () => {
    expect(sniff([{ seed: "", eseed: "", ss: "", more: 1 }])).toBe("xwing");
    expect(sniff([{ seed: "" }])).toBeUndefined();
    expect(sniff([])).toBeUndefined();
    expect(sniff("text")).toBeUndefined();
    expect(sniff(null)).toBeUndefined();
  });
});
