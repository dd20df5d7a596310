import type { FromEngine, ToEngine } from "./api";
import { CollegiumEngine } from "./engine";
import { browserWorld } from "./world";

/**
 * The engine's worker. Shared by all tabs where the browser has shared workers, else one for each tab, of which one at
 * a time holds the vault (see `onlyEngine`).
 */

const engine = new CollegiumEngine(browserWorld());

/** The ends of both kinds of worker that are used here; TypeScript has their types only without the page's. */
type Line = {
  onmessage: ((event: MessageEvent<ToEngine>) => void) | null;
  postMessage(message: FromEngine): void;
};

function listen(line: Line): void {
  const receive = engine.attach((message) => line.postMessage(message));
  line.onmessage = ({ data }) => receive(data);
}

if ("onconnect" in self) {
  Object.assign(self, {
    onconnect: ({ ports }: MessageEvent) => {
      for (const port of ports) listen(port);
    },
  });
} else listen(self as unknown as Line);

void engine.start();
