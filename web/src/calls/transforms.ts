/**
 * Every sender and receiver of a call gets its transform here, at once and in the same turn of the event loop in which
 * it came to be: Chromium sends what leaves before in the clear, and says nothing of it (trap: `sender.transform` after
 * an `await`). `encodedInsertableStreams` makes it send nothing at all until the streams were asked for.
 */

import type { ToMedia, Transform } from "../sframe/lines";

type Streams = { readonly readable: ReadableStream; readonly writable: WritableStream };
type Insertable = { createEncodedStreams?(): Streams; transform?: unknown };
type ScriptTransform = new (worker: Worker, options: Transform) => unknown;

/** What an RTCPeerConnection must be made with. Browsers that do not know it pass it over. */
export const INSERTABLE = { encodedInsertableStreams: true } as RTCConfiguration;

/** Whether media can be encrypted here at all. Without, there is no call in this browser. */
export function canTransform(): boolean {
  return (
    typeof RTCRtpSender === "function" &&
    ("createEncodedStreams" in RTCRtpSender.prototype || "RTCRtpScriptTransform" in globalThis)
  );
}

/** From now on all that passes `of` goes through the worker. @throws Error where this browser cannot */
export function setTransform(of: RTCRtpSender | RTCRtpReceiver, worker: Worker, transform: Transform): void {
  const insertable = of as Insertable;
  if (insertable.createEncodedStreams !== undefined) {
    const streams = insertable.createEncodedStreams();
    const message: ToMedia = { kind: "streams", transform, streams };
    worker.postMessage(message, [streams.readable, streams.writable]);
    return;
  }
  const { RTCRtpScriptTransform } = globalThis as { RTCRtpScriptTransform?: ScriptTransform };
  if (RTCRtpScriptTransform === undefined) throw new Error("this browser cannot encrypt media");
  insertable.transform = new RTCRtpScriptTransform(worker, transform);
}
