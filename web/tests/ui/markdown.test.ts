import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ALLOWED_ATTRIBUTES,
  ALLOWED_TAGS,
  LINK_ATTRIBUTES,
  MAX_MARKDOWN,
  safeHref,
  toHtml,
} from "../../src/ui/room/markdown";
import { plainLine } from "../../src/ui/room/plainText";

// The second wall, DOMPurify, needs a document: tests/e2e/test_gallery.py tries it in a browser. Here the first wall has
// to hold by itself.

const TAG = /<\/?([a-z0-9]+)((?:\s+[a-z]+="[^"<>]*")*)\s*\/?>/g;

/** All tags of an HTML text; what is left of it without them must hold no "<". */
function tags(html: string): { name: string; attributes: string }[] {
  const found = [...html.matchAll(TAG)].map((one) => ({ name: one[1]!, attributes: one[2]! }));
  expect(html.replace(TAG, ""), html).not.toContain("<");
  return found;
}

describe("Markdown of messages", () => {
  it("M1 shows what people write", () => {
    expect(toHtml("**a** *b* ~~c~~ `d`")).toBe(
      "<p><strong>a</strong> <em>b</em> <del>c</del> <code>d</code></p>\n",
    );
    expect(toHtml("one\ntwo")).toBe("<p>one<br>two</p>\n");
    expect(toHtml("> so\n\n- x\n- y")).toContain("<blockquote>");
    expect(toHtml("3. x")).toContain('<ol start="3">');
  });

  it("M2 writes raw HTML as text", () => {
    expect(toHtml("<b>x</b>")).toBe("<p>&lt;b&gt;x&lt;/b&gt;</p>\n");
    expect(toHtml("<script>alert(1)</script>")).not.toContain("<script");
    expect(toHtml('<img src=x onerror="alert(1)">')).not.toContain("<img");
    expect(toHtml("<script><img src=x onerror=alert(1)")).not.toContain("<img");
    expect(toHtml("<!-- x --> <?php ?> <![CDATA[x]]>").replace(/<\/?p>/g, "")).not.toContain("<");
  });

  it("M3 makes links only of addresses that may be opened", () => {
    expect(toHtml("[a](https://example.org/x?y=1&z=2)")).toContain(
      '<a href="https://example.org/x?y=1&amp;z=2">a</a>',
    );
    for (const bad of [
      "javascript:alert(1)",
      "JaVaScRiPt:alert(1)",
      "data:text/html,x",
      "vbscript:x",
      "file:///etc",
      "/settings",
      "//example.org",
      "blob:https://x/1",
      "java&#115;cript:alert(1)",
    ]) {
      expect(toHtml(`[a](${bad})`), bad).not.toContain("<a");
      expect(safeHref(bad), bad).toBeNull();
    }
    expect(safeHref(`https://example.org/${"x".repeat(3000)}`)).toBeNull();
    expect(toHtml("https://example.org and a@example.org").match(/<a /g)).toHaveLength(2);
  });

  it("M4 loads nothing: pictures are links with their names", () => {
    const html = toHtml('![a "pixel"](https://example.org/p.png)');
    expect(html).not.toContain("<img");
    expect(html).toContain('<a href="https://example.org/p.png">picture: a &quot;pixel&quot;</a>');
    expect(toHtml("![](javascript:x)")).toBe("<p>picture</p>\n");
  });

  it("M5 keeps headings and check boxes out of the page's structure", () => {
    expect(toHtml("# Big")).toBe("<p><strong>Big</strong></p>");
    expect(toHtml("- [x] done\n- [ ] open")).not.toMatch(/<input|<h\d/);
    expect(toHtml("- [x] done\n- [ ] open")).toMatch(/☑[\s\S]*☐/);
  });

  it("M6 yields only listed tags and attributes, whatever somebody sends", () => {
    const pieces = fc.constantFrom(
      "<",
      ">",
      "&",
      '"',
      "'",
      "`",
      "\n",
      " ",
      "](",
      "![",
      "[",
      "]",
      ")",
      "(",
      "javascript:",
      "https://example.org",
      "<a href=",
      "<svg onload=",
      "onerror=",
      "<script>",
      "</p>",
      "<!--",
      "-->",
      "**",
      "_",
      "~~",
      "|",
      "|-|\n",
      "# ",
      "> ",
      "- ",
      "1. ",
      "```",
      "&#x3c;",
      "\\",
      '<https://x.y/"onmouseover=',
      "data:",
      "\u0000",
      "\u202e",
      "x",
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 40 }), (parts) => {
        for (const { name, attributes } of tags(toHtml(parts.join("")))) {
          expect(ALLOWED_TAGS).toContain(name);
          for (const [, attribute] of attributes.matchAll(/\s([a-z]+)="/g)) {
            expect([...ALLOWED_ATTRIBUTES, "class"]).toContain(attribute);
          }
        }
      }),
      { seed: 3, numRuns: 2000 },
    );
  });

  it("M7 shows very long texts as they were typed", () => {
    const html = toHtml(`**${"<b>".repeat(MAX_MARKDOWN)}`);
    expect(html.startsWith("<pre>**&lt;b&gt;")).toBe(true);
  });

  it("M8 is quick with texts made to be slow", () => {
    const slow = [
      "*".repeat(20_000),
      "[".repeat(20_000),
      "> ".repeat(5_000),
      `${"a".repeat(20_000)}@`,
      "`".repeat(19_999),
      "_a".repeat(10_000),
      "![](".repeat(5_000),
    ];
    const started = performance.now();
    for (const text of slow) toHtml(text);
    // Not a measurement: minutes would be wrong, seconds on a busy machine are not.
    expect(performance.now() - started).toBeLessThan(45_000);
  });

  it("M11 shows as typed what nests too deeply, and goes on", () => {
    for (const text of ["> ".repeat(5_000), `${">".repeat(17)} x`, "*_".repeat(9_000), "[![".repeat(9_000)]) {
      const html = toHtml(text);
      expect(html.length).toBeGreaterThan(0);
      expect(html).not.toContain("<blockquote>");
    }
    expect(toHtml("> > > three")).toContain("<blockquote>");
  });

  it("M9 links tell nobody where they were", () => {
    expect(LINK_ATTRIBUTES).toEqual({
      target: "_blank",
      rel: "noopener noreferrer nofollow",
      referrerpolicy: "no-referrer",
    });
    expect(ALLOWED_TAGS).not.toContain("img");
    expect(ALLOWED_TAGS).not.toContain("form");
    expect(ALLOWED_ATTRIBUTES).not.toContain("style");
  });
});

describe("a message in one line", () => {
  it("M10 loses its marks and keeps its words", () => {
    expect(plainLine("**Reminder**: *we* begin at `18:00`")).toBe("Reminder: we begin at 18:00");
    expect(plainLine("> quoted\n\n- one\n- two\n\n1. three")).toBe("quoted one two three");
    expect(plainLine("[the paper](https://example.org) and ![x](y)")).toBe("the paper and x");
    expect(plainLine("snake_case_name and 2*3*4")).toBe("snake_case_name and 2*3*4");
    expect(plainLine("```\ncode\n```")).toBe("code");
    expect(plainLine("x".repeat(5000)).length).toBeLessThanOrEqual(500);
  });
});
