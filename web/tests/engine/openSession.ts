import { systemRng } from "../../src/bytes/bytes";
import { openerOf } from "../../src/engine/passkey";
import { Queue } from "../../src/engine/queue";
import { Session } from "../../src/engine/session";
import type { World } from "../../src/engine/world";
import { Vault } from "../../src/vault/vault";
import type { Device } from "./device";

/** The vault of a device whose engine is stopped, at work without the engine around it. */

const WAIT_MS = 20_000;

export type Opened = {
  readonly session: Session;
  /** What cannot be stored any more, if that has happened. */
  failed(): unknown;
  until<T>(what: string, look: () => T | null | undefined | false): Promise<T>;
  close(): Promise<void>;
};

export async function openSession(device: Device, changes: Partial<World> = {}): Promise<Opened> {
  const world = { ...device.world, ...changes };
  const vault = await Vault.unlock(world.storage, openerOf(device.protection), systemRng);
  const open = await Session.load(vault);
  const queue = new Queue();
  let failure: unknown = null;
  let wake: (() => void)[] = [];
  const changed = (): void => {
    const waiting = wake;
    wake = [];
    for (const one of waiting) one();
  };
  const session = new Session(world, queue, vault, open, {
    changed,
    failed: (error) => {
      failure = error;
      changed();
    },
  });
  session.start();
  return {
    session,
    failed: () => failure,
    async until(what, look) {
      const deadline = Date.now() + WAIT_MS;
      for (;;) {
        const found = look();
        if (found) return found;
        if (Date.now() > deadline) throw new Error(`waited for ${what}`);
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, 50);
          wake.push(() => {
            clearTimeout(timer);
            resolve();
          });
        });
      }
    },
    close: () => queue.run(() => session.close()),
  };
}
