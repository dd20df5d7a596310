/** Install the service worker: the page then opens without a network. Without one, all else works the same. */

const SCRIPT = "/sw.js";

type Factory = {
  createPolicy(
    name: string,
    rules: { createScriptURL(url: string): string },
  ): { createScriptURL(url: string): unknown };
};

export function installOffline(): void {
  if (!("serviceWorker" in navigator)) return;
  // Trusted Types: this one script, and no other, may become a service worker.
  const factory = (globalThis as { trustedTypes?: Factory }).trustedTypes;
  const rules = { createScriptURL: () => SCRIPT };
  const url = factory ? factory.createPolicy("collegium-offline", rules).createScriptURL(SCRIPT) : SCRIPT;
  addEventListener("load", () => {
    // A browser that refuses (a private window, a full disk) opens the page from the network, as before.
    navigator.serviceWorker.register(url as string, { scope: "/" }).catch(() => undefined);
  });
}
