"""Waiting for what a page says of itself where that comes as a promise: statistics, locks, decoders."""

from typing import Any

from playwright.sync_api import Page

# Pictures come late where a dozen programs want the same core.
PATIENCE_MS = 60_000
AGAIN_MS = 50


def until(page: Page, look: str, arg: Any = None, patience_ms: int = PATIENCE_MS) -> None:
    """Until the asynchronous function `look` answers with something true. Raises Error when it does not.

    Playwright's `wait_for_function` looks at what the function returns, which is a promise, and every promise
    is true: with an asynchronous one it waits for nothing.
    """
    page.evaluate(
        f"""async ([arg, patience, again]) => {{
          const look = {look};
          const end = performance.now() + patience;
          while (!(await look(arg))) {{
            if (performance.now() > end) throw new Error(`not within ${{patience}} ms: ${{look}}`);
            await new Promise((done) => setTimeout(done, again));
          }}
        }}""",
        [arg, patience_ms, AGAIN_MS],
    )
