import type { Engine, Wakes } from "../../engine/api";
import { TAG } from "./woken";

/** The page's side of push: permission and subscription are the browser's, and only a page may ask for them. */

/** Whether this browser can be woken. blocked: the person, or a rule of the browser, forbids notifications here. */
export type Ability = "able" | "blocked" | "unable";

/** Pushes are wanted, and this browser does not let us. `code` has words in the catalogue (settings.wakes.refused). */
export class PushRefused extends Error {
  constructor(readonly code: "blocked" | "unable" | "unreachable") {
    super(code);
    this.name = "PushRefused";
  }
}

async function registration(): Promise<ServiceWorkerRegistration | null> {
  if (!("serviceWorker" in navigator && "PushManager" in globalThis && "Notification" in globalThis))
    return null;
  // Not `ready`: where no service worker could be installed, that would never come.
  return (await navigator.serviceWorker.getRegistration("/")) ?? null;
}

export async function ability(): Promise<Ability> {
  if (!(await registration())) return "unable";
  return Notification.permission === "denied" ? "blocked" : "able";
}

function bytesOf(base64url: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(text, (one) => one.charCodeAt(0));
}

function isFor(subscription: PushSubscription, key: Uint8Array): boolean {
  const made = new Uint8Array(subscription.options.applicationServerKey ?? new ArrayBuffer(0));
  return made.length === key.length && made.every((one, i) => one === key[i]);
}

/** The subscription under this key; one under another key, of before a server was set up anew, is given up. */
async function subscribed(held: ServiceWorkerRegistration, text: string): Promise<string> {
  const key = bytesOf(text);
  const known = await held.pushManager.getSubscription();
  if (known && isFor(known, key)) return known.endpoint;
  await known?.unsubscribe();
  const options = { userVisibleOnly: true, applicationServerKey: key };
  return (await held.pushManager.subscribe(options)).endpoint;
}

/** Switch on. To be called while a button is being pressed: the browser asks the person. @throws PushRefused */
export async function switchOn(engine: Engine): Promise<void> {
  if (!("Notification" in globalThis)) throw new PushRefused("unable");
  // First of all, while the press still counts as one.
  if ((await Notification.requestPermission()) !== "granted") throw new PushRefused("blocked");
  const held = await registration();
  if (!held) throw new PushRefused("unable");
  const key = await engine.pushKey();
  let endpoint: string;
  try {
    endpoint = await subscribed(held, key);
  } catch (cause) {
    // The push service of the browser's maker does not answer, or this browser has none.
    throw Object.assign(new PushRefused("unreachable"), { cause });
  }
  await engine.setPush(endpoint);
}

/** Switch off: the browser's side at once, the server's as soon as it can be reached. */
export async function switchOff(engine: Engine): Promise<void> {
  await forgetSubscription();
  await engine.setPush(null);
}

/** Nothing of this browser is reached any more, whatever the server still holds. */
export async function forgetSubscription(): Promise<void> {
  const held = await registration();
  await (await held?.pushManager.getSubscription())?.unsubscribe();
}

/**
 * Each time the device is opened: what the browser has is told to the server again, since either may have lost or
 * renewed it meanwhile.
 */
export async function keepUp(engine: Engine, wakes: Wakes): Promise<void> {
  if (wakes === "off") return;
  const held = await registration();
  if (!held) return;
  if (Notification.permission !== "granted") await engine.setPush(null);
  else await engine.setPush(await subscribed(held, await engine.pushKey()));
}

/** The person is here, or the call is over: no notification is left behind. */
export async function quiet(): Promise<void> {
  if (!("serviceWorker" in navigator)) return;
  const held = await navigator.serviceWorker.getRegistration("/");
  for (const one of (await held?.getNotifications({ tag: TAG })) ?? []) one.close();
}
