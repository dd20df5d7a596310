import { resubscribed, toFront, type Scope as WakeScope, woken } from "./wake";

/**
 * The page opens without a network: this service worker keeps the files of one build, and nothing else. It is also what
 * a push wakes when no page is open (wake.ts).
 *
 * It never stands between a person and an update: the page itself always comes from the server when that answers, and
 * files whose names carry a hash are the same wherever they come from. The server's calls and sockets pass it by.
 */

type Extendable = Event & { waitUntil(work: Promise<unknown>): void };
type Fetch = Extendable & { readonly request: Request; respondWith(answer: Promise<Response>): void };
type Pressed = Extendable & { readonly notification: Notification };
type Renewed = Extendable & { readonly oldSubscription?: PushSubscription | null };
type Scope = WakeScope & {
  addEventListener(name: "install" | "activate", listener: (event: Extendable) => void): void;
  addEventListener(name: "fetch", listener: (event: Fetch) => void): void;
  addEventListener(name: "push", listener: (event: Extendable) => void): void;
  addEventListener(name: "notificationclick", listener: (event: Pressed) => void): void;
  addEventListener(name: "pushsubscriptionchange", listener: (event: Renewed) => void): void;
};

/** The names of this build's files and a hash of them; the build writes them in. */
declare const BUILD_FILES: readonly string[];
declare const BUILD_NAME: string;

const worker = globalThis as unknown as Scope;
const PREFIX = "collegium-";
const CACHE = PREFIX + BUILD_NAME;
const PAGE = "/";

worker.addEventListener("install", (event) => {
  // All or nothing: with one file missing the old build stays.
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll([PAGE, ...BUILD_FILES])));
});

worker.addEventListener("activate", (event) => {
  // It activates when no page of an older build is open any more: nobody needs the old files.
  event.waitUntil(
    caches
      .keys()
      .then((names) =>
        Promise.all(
          names
            .filter((name) => name.startsWith(PREFIX) && name !== CACHE)
            .map((name) => caches.delete(name)),
        ),
      ),
  );
});

worker.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  if (request.mode === "navigate") event.respondWith(page(request, pathname));
  else if (BUILD_FILES.includes(pathname)) event.respondWith(file(request));
});

worker.addEventListener("push", (event) => event.waitUntil(woken(worker)));

worker.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(toFront(worker));
});

worker.addEventListener("pushsubscriptionchange", (event) => {
  event.waitUntil(resubscribed(worker, event.oldSubscription ?? null));
});

/** From the server, whatever it answers; only when there is no network, the page of this build. */
async function page(request: Request, pathname: string): Promise<Response> {
  try {
    return await fetch(request);
  } catch (error) {
    const kept = pathname.startsWith("/api/") ? undefined : await caches.match(PAGE, { cacheName: CACHE });
    if (!kept) throw error;
    return kept;
  }
}

async function file(request: Request): Promise<Response> {
  return (await caches.match(request, { cacheName: CACHE })) ?? fetch(request);
}
