import DOMPurify from "dompurify";
import { Marked, type Tokens } from "marked";
import { postWords } from "../../words/laterWords";

/**
 * A message's Markdown as document nodes. Two walls: the renderer below writes only tags of its own and escapes raw HTML,
 * and DOMPurify lets through only what is listed here. Nothing in it loads by itself: pictures become links.
 */

/** Longer texts are shown as they were typed: parsing stays quick whatever somebody sends. */
export const MAX_MARKDOWN = 50_000;

const escapes: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
const escaped = (text: string): string => text.replace(/[&<>"']/g, (letter) => escapes[letter]!);

/** The address of a link that may be opened, or null. */
export function safeHref(href: string): string | null {
  if (href.length > 2048 || !URL.canParse(href)) return null;
  const { protocol, href: whole } = new URL(href);
  return protocol === "https:" || protocol === "http:" || protocol === "mailto:" ? whole : null;
}

function link(href: string, inner: string): string {
  const safe = safeHref(href);
  return safe ? `<a href="${escaped(safe)}">${inner}</a>` : inner;
}

const marked = new Marked({
  gfm: true,
  breaks: true,
  renderer: {
    html: ({ text }: Tokens.HTML | Tokens.Tag) => escaped(text),
    // Always: marked itself leaves the text behind a raw <script> tag as it is.
    text(token: Tokens.Text | Tokens.Escape) {
      return "tokens" in token && token.tokens ? this.parser.parseInline(token.tokens) : escaped(token.text);
    },
    image: ({ href, text }: Tokens.Image) => link(href, escaped(postWords.image(text))),
    link({ href, tokens }: Tokens.Link) {
      return link(href, this.parser.parseInline(tokens));
    },
    // A heading in a message is not a heading of the page.
    heading({ tokens }: Tokens.Heading) {
      return `<p><strong>${this.parser.parseInline(tokens)}</strong></p>`;
    },
    checkbox: ({ checked }: Tokens.Checkbox) => (checked ? "☑ " : "☐ "),
  },
});

/** Quotations within quotations beyond this are no conversation: they are shown as they were typed. */
const TOO_DEEP = /^(?:[ \t]*>){17}/m;

/** Markdown to HTML of our own tags; the first wall. */
export function toHtml(markdown: string): string {
  const asTyped = (): string => `<pre>${escaped(markdown)}</pre>`;
  if (markdown.length > MAX_MARKDOWN || TOO_DEEP.test(markdown)) return asTyped();
  try {
    return marked.parse(markdown, { async: false });
  } catch {
    return asTyped(); // nested so deeply that the parser gave up: nobody's message may stop the page
  }
}

export const ALLOWED_TAGS = [
  "p br strong em del s code pre blockquote ul ol li a hr table thead tbody tr th td",
].flatMap((line) => line.split(" "));
export const ALLOWED_ATTRIBUTES = ["href", "start", "align"];

/** What every link gets: another tab that knows nothing of this one, and a site that is not told where it was. */
export const LINK_ATTRIBUTES = {
  target: "_blank",
  rel: "noopener noreferrer nofollow",
  referrerpolicy: "no-referrer",
} as const;

/** Markdown to nodes; the second wall. */
export function toNodes(markdown: string): DocumentFragment {
  const nodes = DOMPurify.sanitize(toHtml(markdown), {
    ALLOWED_TAGS,
    ALLOWED_ATTR: ALLOWED_ATTRIBUTES,
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    RETURN_DOM_FRAGMENT: true,
  });
  for (const anchor of nodes.querySelectorAll("a")) {
    const href = safeHref(anchor.getAttribute("href") ?? "");
    if (href) {
      anchor.setAttribute("href", href);
      for (const [name, value] of Object.entries(LINK_ATTRIBUTES)) anchor.setAttribute(name, value);
    } else anchor.removeAttribute("href");
  }
  return nodes;
}
