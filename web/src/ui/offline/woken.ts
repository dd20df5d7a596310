import { words } from "../../words/words";
import type { Tag, Woken } from "./wake";

/** The service worker was woken and asks the pages (wake.ts). A page that is unlocked tells the person itself. */

// Written again, and checked by their types: the service worker is one file, and shares none with the page.
const WOKEN: Woken = "collegium-woken";
export const TAG: Tag = "collegium-call";

/** What to say: that somebody rings, or null while this page is locked and knows nothing. */
export type Ringing = () => { readonly title: string; readonly body: string } | null;

/** What an unlocked page knows: that somebody rings, or that its person has answered all who do. */
export const ringingIn = (rings: readonly { readonly answer: string | null; readonly mine: boolean }[]) => {
  const said = ["joining", "later", "cannot"];
  const answered = rings.length > 0 && rings.every(({ answer, mine }) => mine || said.includes(answer ?? ""));
  return answered ? words.wokenAnswered : somebodyRings();
};

/** The words as long as the page knows no more than that it was woken. */
export const somebodyRings: Ringing = () => ({ title: words.woken.title, body: words.woken.body });

export function listenForWakes(ringing: Ringing): void {
  if (!("serviceWorker" in navigator)) return;
  navigator.serviceWorker.addEventListener("message", ({ data, ports: [port] }) => {
    if (data !== WOKEN || !port) return;
    void tell(ringing()).then((told) => port.postMessage(told));
  });
  navigator.serviceWorker.startMessages();
}

/** One notification, without content; false where this browser, or its person, shows none. */
export async function tell(said: ReturnType<Ringing>): Promise<boolean> {
  if (!("serviceWorker" in navigator && "Notification" in globalThis)) return false;
  const held = said && (await navigator.serviceWorker.getRegistration("/"));
  if (!said || !held || Notification.permission !== "granted") return false;
  // Browsers want a notification for every push. Whoever looks at the page needs no sound with it.
  const silent = document.visibilityState === "visible";
  try {
    await held.showNotification(said.title, { body: said.body, tag: TAG, silent, icon: "/icon-180.png" });
  } catch {
    return false; // the permission was just taken back: the worker is told the same
  }
  return true;
}
