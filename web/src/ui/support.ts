/** What a browser must have: without it nothing here could keep its promise, so it says so and stops. */

type Browser = {
  readonly isSecureContext?: boolean;
  readonly crypto?: { readonly subtle?: unknown };
  readonly indexedDB?: unknown;
  readonly Worker?: unknown;
  readonly navigator?: { readonly locks?: unknown };
  readonly HTMLElement?: { readonly prototype: object };
  readonly HTMLDialogElement?: unknown;
};

/** The failure's code, or null when all is there. */
export function missing(browser: Browser): "insecure" | "unsupported" | null {
  if (!browser.isSecureContext) return "insecure";
  const all =
    browser.crypto?.subtle &&
    browser.indexedDB &&
    browser.Worker &&
    browser.navigator?.locks &&
    browser.HTMLDialogElement &&
    browser.HTMLElement &&
    "showPopover" in browser.HTMLElement.prototype &&
    "toSorted" in Array.prototype;
  return all ? null : "unsupported";
}
