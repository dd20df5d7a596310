import { workerWords } from "../../words/workerWords";

/**
 * A push woke the service worker. It has no body (THREATS 21): that somebody rings is all that it says. A page that is
 * open and unlocked knows who rings, so it is asked first; only when there is none, the fixed words are shown.
 */

/** A tab, as a service worker sees it. */
export type Tab = {
  readonly visibilityState?: string;
  postMessage(message: unknown, transfer: readonly MessagePort[]): void;
  focus(): Promise<unknown>;
};

/** What is used of a service worker's scope. */
export type Scope = {
  readonly clients: {
    matchAll(options: { type: "window"; includeUncontrolled: true }): Promise<readonly Tab[]>;
    openWindow(url: string): Promise<unknown>;
  };
  readonly registration: {
    showNotification(title: string, options: NotificationOptions & { renotify?: boolean }): Promise<void>;
    readonly pushManager: PushManager;
  };
  readonly navigator: { readonly languages: readonly string[] };
  fetch(url: string, init: RequestInit): Promise<Response>;
};

/** What a page is sent, with a port for its answer: true when it has told the person itself. */
export const WOKEN = "collegium-woken";
export type Woken = typeof WOKEN;
/** The one notification there is: a second call takes the place of the first. */
export const TAG = "collegium-call";
export type Tag = typeof TAG;
/** A page that is frozen, or that is being closed, answers nothing. */
const ANSWER_MS = 5_000;
const ICON = "/icon-180.png";

const TABS = { type: "window", includeUncontrolled: true } as const;

/** Whether this page says that it tells the person. */
function tells(tab: Tab, within: number): Promise<boolean> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    const timer = setTimeout(() => settle(false), within);
    const settle = (answer: boolean) => {
      clearTimeout(timer);
      port1.close();
      resolve(answer);
    };
    port1.onmessage = ({ data }: MessageEvent) => settle(data === true);
    tab.postMessage(WOKEN, [port2]);
  });
}

/** True with the first page that tells; false when no page does. */
function anyTells(tabs: readonly Tab[], within: number): Promise<boolean> {
  return new Promise((resolve) => {
    const all = tabs.map((tab) =>
      tells(tab, within).then((answer) => {
        if (answer) resolve(true);
      }),
    );
    void Promise.all(all).then(() => resolve(false));
  });
}

/** A push came: one notification, by a page or by us. */
export async function woken(scope: Scope, within = ANSWER_MS): Promise<void> {
  const tabs = await scope.clients.matchAll(TABS);
  if (await anyTells(tabs, within)) return;
  const words = workerWords(scope.navigator.languages);
  await scope.registration.showNotification(words.title, {
    body: words.call,
    tag: TAG,
    renotify: true,
    icon: ICON,
    badge: ICON,
  });
}

/** The notification was pressed: to a page that is there, best one that can be seen, else to a new one. */
export async function toFront({ clients }: Scope): Promise<void> {
  const tabs = await clients.matchAll(TABS);
  const tab = tabs.find(({ visibilityState }) => visibilityState === "visible") ?? tabs[0];
  await (tab ? tab.focus() : clients.openWindow("/"));
}

/**
 * The browser gave this device another address. The server is told at once where that is possible; where it is not (no
 * network, no session), the page says it at its next opening.
 */
export async function resubscribed(scope: Scope, old: PushSubscription | null): Promise<void> {
  const key = old?.options.applicationServerKey;
  if (!key) return;
  const options = { userVisibleOnly: true, applicationServerKey: key };
  const { endpoint } = await scope.registration.pushManager.subscribe(options);
  await scope.fetch("/api/push", {
    method: "PUT",
    credentials: "same-origin",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ endpoint }),
  });
}
