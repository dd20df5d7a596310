"""Every view and state of the interface, scripted, under the server's own content security policy."""

import http.server
import json
import re
import runpy
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize

from server.door import CONTENT_SECURITY_POLICY
from tests.conftest import SOAK
from tests.house_server import ROOT

WEB = ROOT / "web"
AXE = WEB / "node_modules/axe-core/axe.min.js"
PAGE = "/tests/ui/gallery/index.html"
# The moment on which the scenes' times hang, in milliseconds: NOW of scenes.ts.
NOW = 1_779_283_800_000
TAGS = set(
    re.findall(r"\w+", "p br strong em del s code pre blockquote ul ol li a hr table thead tbody tr th td")
)
LOOK = """() => axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) =>
  violations.map(({ id, nodes }) => [id, ...nodes.slice(0, 3).map(({ target }) => String(target))]))"""


class Handler(http.server.SimpleHTTPRequestHandler):
    """The files of the gallery; every address of the interface is the same page."""

    def end_headers(self) -> None:
        self.send_header("content-security-policy", CONTENT_SECURITY_POLICY)
        # Every view is a page of its own of the same script: it is fetched and compiled once.
        self.send_header("cache-control", "max-age=3600")
        super().end_headers()

    def do_GET(self) -> None:
        if "." not in self.path.partition("?")[0]:
            self.path = PAGE
        super().do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Build the gallery and serve it; the address of its list."""
    into = tmp_path_factory.mktemp("gallery")
    command, env = runpy.run_path(str(ROOT / "run"))["node"]()
    build = ["exec", "--", "vite", "build", "--mode", "gallery", "--outDir", str(into), "--logLevel", "error"]
    subprocess.run([*command, *build], cwd=WEB, env=env, check=True, timeout=120)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(into)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}{PAGE}"
    server.shutdown()
    server.server_close()


def watched(context: BrowserContext, said: list[str]) -> Page:
    """A page at the scenes' moment, whose complaints and requests to strangers are written down."""
    page = context.new_page()
    page.clock.set_fixed_time(NOW / 1000)  # in seconds
    page.on("console", lambda one: said.append(one.text) if one.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda one: said.append(one.url) if "//localhost:" not in one.url else None)
    return page


STILL = """() => new Promise((done) => {
  let before = "", same = 0;
  const look = () => {
    const all = [...document.querySelectorAll("body *")];
    const moved = all.filter((one) => one.scrollTop > 0).map((one) => `${one.scrollTop}/${one.scrollHeight}`);
    const now = `${all.length} ${document.body.scrollHeight} ${moved}`;
    same = now === before ? same + 1 : 0;
    before = now;
    if (same === 4) done(); else requestAnimationFrame(look);
  };
  look();
})"""


def settled(page: Page) -> None:
    """What comes later has come, lazy parts and a list at its place: for four pictures nothing moves."""
    page.wait_for_function("() => document.querySelector('h1') && !document.querySelector('.coming')")
    page.evaluate(STILL)


WIDE = "() => document.documentElement.scrollWidth - innerWidth"
NARROWEST: ViewportSize = {"width": 320, "height": 568}


@pytest.mark.parametrize(("width", "height", "scheme"), [(390, 844, "dark"), (1280, 800, "light")])
def test_axe_finds_nothing_in_any_view(
    browser: Browser, gallery: str, width: int, height: int, scheme: str
) -> None:
    phone = width < 1000
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        has_touch=phone,
        reduced_motion="reduce",
        locale="en-GB",
    )
    said: list[str] = []
    page = watched(context, said)
    page.goto(gallery)
    views = page.get_by_role("link").all_inner_texts()
    assert len(views) > 40
    axe = AXE.read_text()
    found: dict[str, object] = {}
    for number, view in enumerate(views):
        # Each second view, on a phone in the dark or on a desktop in the light; in soak all, on both.
        examined = SOAK or number % 4 == (0 if phone else 1)
        if not phone and not examined:
            continue  # on a phone it is looked at for its width
        page.goto(f"{gallery}?view={view}")
        settled(page)
        violations: list[list[str]] = []
        if examined:
            page.evaluate(axe)
            violations = page.evaluate(LOOK)
        wide = [page.evaluate(WIDE)]
        # The narrowest phone has the same elements: only its width is looked at.
        if phone:
            page.set_viewport_size(NARROWEST)
            settled(page)
            wide.append(page.evaluate(WIDE))
            page.set_viewport_size({"width": width, "height": height})
        if violations or max(wide) > 0 or said:
            found[view] = {"axe": violations, "too wide by": wide, "said": list(said)}
        said.clear()
    context.close()
    assert not found, json.dumps(found, indent=1)


def test_hostile_markdown_runs_nothing_and_loads_nothing(browser: Browser, gallery: str) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 3000}, locale="en-GB")
    said: list[str] = []
    page = watched(context, said)
    page.goto(f"{gallery}?view=room-hostile")
    settled(page)
    texts = page.locator(".markdown")
    assert texts.count() == 5
    names = texts.evaluate_all(
        "(all) => all.flatMap((one) => [...one.querySelectorAll('*')].map((e) => e.localName))"
    )
    assert {"a", "table", "del"} <= set(names)
    assert set(names) <= TAGS
    attributes = texts.evaluate_all(
        "(all) => all.flatMap((one) => [...one.querySelectorAll('*')].flatMap((e) => e.getAttributeNames()))"
    )
    assert set(attributes) <= {"href", "target", "rel", "referrerpolicy", "tabindex", "start", "align"}
    for link in texts.locator("a").all():
        assert re.match(r"https?://|mailto:", link.get_attribute("href") or "")
        assert link.get_attribute("rel") == "noopener noreferrer nofollow"
        assert link.get_attribute("referrerpolicy") == "no-referrer"
        assert link.get_attribute("target") == "_blank"
    assert page.title().endswith("Collegium")  # no script of theirs wrote its own
    assert said == []
    context.close()


def test_dompurify_is_in_the_way(browser: Browser, gallery: str) -> None:
    """The second wall is there: what only it takes away is gone."""
    context = browser.new_context(locale="en-GB")
    said: list[str] = []
    page = watched(context, said)
    page.goto(f"{gallery}?view=room-hostile")
    settled(page)
    # The first wall gives code blocks a class (their language); the second lets no class through.
    assert page.locator(".markdown pre code").count() == 1
    assert page.locator(".markdown [class]").count() == 0
    context.close()


def test_the_gallery_is_no_part_of_the_product(client: Path) -> None:
    built = b"".join(path.read_bytes() for path in client.rglob("*") if path.is_file())
    assert b"ScriptedEngine" not in built
    assert b"Thursday circle" not in built
