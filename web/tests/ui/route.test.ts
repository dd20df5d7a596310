import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_LINK, paths, readPasted, readRoute } from "../../src/ui/route";

const ORIGIN = "https://collegium.example";
const TOKEN = "Qm9vazIwMjYtYS10b2tlbi10aGF0LWlz.AZn3c0_-ffee";

describe("addresses", () => {
  it("R1 reads back every address that the interface makes", () => {
    expect(readRoute(paths.home, "")).toEqual({ page: "home" });
    expect(readRoute(paths.settings, "")).toEqual({ page: "settings" });
    expect(readRoute(paths.recover, "")).toEqual({ page: "recover" });
    expect(readRoute(paths.room("aZ_-09"), "")).toEqual({ page: "room", roomId: "aZ_-09", people: false });
    expect(readRoute(paths.people("aZ_-09"), "")).toEqual({ page: "room", roomId: "aZ_-09", people: true });
    expect(readRoute(paths.call("aZ_-09"), "")).toEqual({ page: "call", roomId: "aZ_-09" });
  });

  it("R2 keeps a link whole, and bounded", () => {
    expect(readRoute("/join", `#${TOKEN}`)).toEqual({ page: "join", link: TOKEN });
    expect(readRoute("/join/", "#f.abc")).toEqual({ page: "join", link: "f.abc" });
    expect(readRoute("/join", `#${"a".repeat(10_000)}`)).toEqual({
      page: "join",
      link: "a".repeat(MAX_LINK),
    });
    expect(readRoute("/join", "")).toEqual({ page: "join", link: "" });
  });

  it("R3 takes everything else for the home page", () => {
    for (const path of [
      "/room",
      "/room/",
      "/room/a/b",
      "/room/a/people/x",
      "/room/a/call/x",
      "/room//call",
      "/settings/x",
      "/joint",
      "/x",
      "//",
      "/room/%2e%2e",
    ]) {
      expect(readRoute(path, ""), path).toEqual({ page: "home" });
    }
    fc.assert(
      fc.property(fc.string(), fc.string(), (path, hash) => {
        expect(["home", "room", "call", "settings", "recover", "join"]).toContain(
          readRoute(`/${path}`, `#${hash}`).page,
        );
      }),
      { seed: 3, numRuns: 300 },
    );
  });
});

describe("a pasted invitation", () => {
  const link = { kind: "link", link: TOKEN };

  it("R4 is found alone and within a message", () => {
    expect(readPasted(`${ORIGIN}/join#${TOKEN}`, ORIGIN)).toEqual(link);
    expect(readPasted(`  ${ORIGIN}/join#${TOKEN}\n`, ORIGIN)).toEqual(link);
    expect(
      readPasted(`Dear Anna,\nsee https://example.org and <${ORIGIN}/join#${TOKEN}>. Until soon!`, ORIGIN),
    ).toEqual(link);
    expect(readPasted(`It works once: ${ORIGIN}/join#${TOKEN}.`, ORIGIN)).toEqual(link);
    expect(readPasted(`(${ORIGIN}/join#f.${TOKEN})`, ORIGIN)).toEqual({ kind: "link", link: `f.${TOKEN}` });
  });

  it("R5 of another server is named as such, and nothing of it is opened here", () => {
    expect(readPasted(`https://other.example/join#${TOKEN}`, ORIGIN)).toEqual({ kind: "other_server" });
    expect(readPasted(`http://collegium.example/join#${TOKEN}`, ORIGIN)).toEqual({ kind: "other_server" });
    expect(readPasted(`https://other.example/join#x ${ORIGIN}/join#${TOKEN}`, ORIGIN)).toEqual(link);
  });

  it("R6 is nothing else", () => {
    for (const text of ["", "hello", TOKEN, `${ORIGIN}/room/x#${TOKEN}`, "https://"]) {
      expect(readPasted(text, ORIGIN).kind, text).toBe("not_a_link");
    }
  });

  it("R8 that was cut before its secret is a link, which is then found incomplete", () => {
    expect(readPasted(`${ORIGIN}/join`, ORIGIN)).toEqual({ kind: "link", link: "" });
  });

  it("R7 never yields anything but letters of a link", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (tail) => {
        const found = readPasted(`${ORIGIN}/join#${tail}`, ORIGIN);
        if (found.kind === "link") expect(found.link).toMatch(/^[A-Za-z0-9_.-]*$/);
      }),
      { seed: 3, numRuns: 500 },
    );
  });
});
