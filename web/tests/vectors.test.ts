import { describe, expect, it } from "vitest";
import { sniff, vectorFiles } from "./vectors";

describe("vector files", () => {
  for (const file of vectorFiles()) {
    // A file of no known format would be skipped by every test, and nobody would know.
    it(`${file.name} has a known format`, () => expect(file.format).toBeDefined());
  }

  it("are known by their entries", () => {
    expect(sniff([{ seed: "", eseed: "", ss: "", more: 1 }])).toBe("xwing");
    expect(sniff([{ seed: "" }])).toBeUndefined();
    expect(sniff([])).toBeUndefined();
    expect(sniff("text")).toBeUndefined();
    expect(sniff(null)).toBeUndefined();
  });
});
