"""A page as a screen reader has it: what it would say, in order, and what it finds."""

from typing import Any, NamedTuple

from playwright.sync_api import Page

# Every text that a live region comes to have, from the document's beginning on. A region's text is read whole
# when something in it changes; what is there when the region itself comes is not news, but for an alert's.
LISTEN = """(() => {
  const LIVE = "[role=alert], [role=status], [role=log], [aria-live=polite], [aria-live=assertive]";
  globalThis.spoken = [];
  const texts = new WeakMap();
  const manner = (region) => {
    const said = region.getAttribute("aria-live");
    return said ?? (region.getAttribute("role") === "alert" ? "assertive" : "polite");
  };
  // As it is read: without what is hidden from everybody, or from those who listen.
  const textOf = (node) => {
    if (node.nodeType === Node.TEXT_NODE) return node.data;
    if (node.nodeType !== Node.ELEMENT_NODE || node.getAttribute("aria-hidden") === "true") return "";
    const { display, visibility } = getComputedStyle(node);
    if (display === "none" || visibility === "hidden") return "";
    return [...node.childNodes].map(textOf).join(" ");
  };
  const look = (region, isNew) => {
    if (manner(region) === "off" || region.parentElement?.closest(LIVE)) return;
    const text = textOf(region).replace(/\\s+/g, " ").trim();
    const raw = textOf(region);
    const before = texts.get(region);
    texts.set(region, raw);
    if (text === "" || raw === before) return;
    if (isNew && manner(region) !== "assertive") return;
    globalThis.spoken.push([manner(region), text]);
  };
  const changed = new MutationObserver((changes) => {
    const regions = new Map();
    for (const { target, addedNodes } of changes) {
      const element = target.nodeType === Node.ELEMENT_NODE ? target : target.parentElement;
      const region = element?.closest(LIVE);
      if (region && !regions.has(region)) regions.set(region, !texts.has(region));
      for (const node of addedNodes) {
        if (node.nodeType !== Node.ELEMENT_NODE) continue;
        const inside = [node, ...node.querySelectorAll("*")];
        for (const one of inside.filter((each) => each.matches(LIVE))) regions.set(one, true);
      }
    }
    for (const [region, isNew] of regions) if (region.isConnected) look(region, isNew);
  });
  changed.observe(document, { subtree: true, childList: true, characterData: true });
})()"""
POLITE, AT_ONCE = "polite", "assertive"


class Control(NamedTuple):
    role: str
    name: str
    state: dict[str, Any]


def controls(page: Page) -> list[Control]:
    """What can be pressed or filled in, in order, as Chromium tells it to a screen reader."""
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    wanted = {"button", "link", "textbox", "checkbox", "combobox", "slider", "menuitem", "radio"}
    return [
        Control(
            node["role"]["value"],
            node.get("name", {}).get("value", ""),
            {one["name"]: one["value"].get("value") for one in node.get("properties", [])},
        )
        for node in nodes
        if not node["ignored"] and node.get("role", {}).get("value") in wanted
    ]


class Ear:
    """What is said on a page, from one look to the next."""

    def __init__(self, page: Page) -> None:
        self._page, self._heard = page, 0

    def all(self) -> list[tuple[str, str]]:
        """Since the page was opened, or since `forget`."""
        found: list[list[str]] = self._page.evaluate("spoken")
        return [(manner, text) for manner, text in found[self._heard :]]

    def forget(self) -> None:
        self._heard = self._page.evaluate("spoken.length")

    def hears(self, manner: str, text: str, patience_ms: int = 20_000) -> None:
        """It comes to be said, in this manner; other things may be said with it."""
        self._page.wait_for_function(
            """([from, manner, text]) =>
              spoken.slice(from).some((one) => one[0] === manner && one[1].includes(text))""",
            arg=[self._heard, manner, text],
            timeout=patience_ms,
        )

    def times(self, text: str) -> int:
        """How often it was said."""
        return sum(said.count(text) for _, said in self.all())
