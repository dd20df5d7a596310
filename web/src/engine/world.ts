import { type Rng, systemRng } from "../bytes/bytes";
import { openIndexedDb } from "../vault/indexedDb";
import type { OpenStorage } from "../vault/storage";

/** Everything of the world outside that the engine touches. Tests have one whose clock, disk and network they hold. */
export type World = {
  /** Where the server is: scheme, host and port. */
  readonly origin: string;
  readonly rng: Rng;
  /** Milliseconds since the epoch, by this device's clock. */
  now(): number;
  fetch(url: string, init: RequestInit): Promise<Response>;
  socket(url: string): WebSocket;
  readonly storage: OpenStorage;
  /** Be told when the network is back; gives the way to stop. */
  onOnline(hurry: () => void): () => void;
  /**
   * Hold the one right to this profile's vault as long as the engine lives. `busy` is called when another engine has
   * it; then this waits until that one is gone.
   */
  onlyEngine(busy: () => void): Promise<void>;
};

const LOCK = "collegium-vault";
/** The engine of a page that is just being left needs a moment to go. */
const LOCK_PATIENCE_MS = 2_500;

function onlyEngine(busy: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(busy, LOCK_PATIENCE_MS);
    navigator.locks
      .request(LOCK, () => {
        clearTimeout(timer);
        resolve();
        return new Promise<never>(() => undefined); // held until this worker ends
      })
      .catch(reject);
  });
}

/** The browser around a worker. */
export function browserWorld(): World {
  return {
    origin: self.location.origin,
    rng: systemRng,
    now: () => Date.now(), // asked each time: a test may move it
    fetch: (url, init) => fetch(url, init),
    socket: (url) => new WebSocket(url),
    storage: openIndexedDb,
    onOnline(hurry) {
      self.addEventListener("online", hurry);
      return () => self.removeEventListener("online", hurry);
    },
    onlyEngine,
  };
}
