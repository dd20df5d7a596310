/**
 * The worker that every frame of a call passes through. It draws the random part of each KID itself, and its encryptors
 * live and end with it (E35).
 */

import type { FromMedia, KeysMessage, ToMedia, Transform } from "./lines";
import { MediaPlane } from "./mediaPlane";

type Frame = { data: ArrayBuffer };
type Scope = {
  onmessage: ((event: MessageEvent<ToMedia>) => void) | null;
  onrtctransform?: (event: {
    transformer: { options: Transform; readable: ReadableStream<Frame>; writable: WritableStream<Frame> };
  }) => void;
  postMessage(message: FromMedia): void;
};
const scope = self as unknown as Scope;

const plane = new MediaPlane(
  (length) => crypto.getRandomValues(new Uint8Array(length)),
  (message) => scope.postMessage(message),
);
let timer: ReturnType<typeof setTimeout> | undefined;

/** Keys of an epoch that is over are dropped on time, whether frames come or not (E36). */
function expireAt(next: number | null): void {
  clearTimeout(timer);
  if (next === null) return;
  timer = setTimeout(() => expireAt(plane.expire(performance.now())), Math.max(0, next - performance.now()));
}

function pipe(transform: Transform, from: ReadableStream<Frame>, to: WritableStream<Frame>): void {
  const { side, id } = transform;
  if (transform.side === "send") plane.addSender(id, transform.media);
  const pass = new TransformStream<Frame, Frame>({
    async transform(frame, controller) {
      try {
        const bytes = new Uint8Array(frame.data);
        const out =
          side === "send" ? await plane.seal(id, bytes) : await plane.open(id, bytes, performance.now());
        if (out === null) return;
        frame.data = out.buffer;
        controller.enqueue(frame);
      } catch (error) {
        // Ours, not the network's: say so, and let nothing more through.
        console.error("a frame of a call failed", error);
        controller.error(error);
      }
    },
  });
  // It ends with the connection, by being closed or torn down; what failed in between was said above.
  from
    .pipeThrough(pass)
    .pipeTo(to)
    .catch(() => undefined)
    .finally(() => plane.gone(id));
}

scope.onmessage = ({ data }) => {
  switch (data.kind) {
    case "keys":
      data.port.onmessage = ({ data: keys }: MessageEvent<KeysMessage>) =>
        expireAt(plane.take(keys, performance.now()));
      break;
    case "streams":
      pipe(data.transform, data.streams.readable, data.streams.writable);
      break;
    case "expect":
      plane.expect(data.id, data.who, data.media);
      break;
    case "gone":
      plane.gone(data.id);
      break;
  }
};

scope.onrtctransform = ({ transformer }) =>
  pipe(transformer.options, transformer.readable, transformer.writable);
