/** Sealer and opener between streams. Nothing is read before it is asked for: a slow side slows the other. */

import type { Bytes } from "./chunkCipher";
import type { FileOpener } from "./fileOpener";
import type { FileSealer } from "./fileSealer";

type Source = ReadableStream<Uint8Array>;

/** The ciphertext of the file that `source` is. Fails with UsageError when that has not the size that was said. */
export function sealStream(source: Source, sealer: FileSealer): ReadableStream<Bytes> {
  return pulled(source, async function* (parts) {
    for await (const part of parts) yield* sealer.push(part);
    yield* sealer.finish();
  });
}

/** The file whose ciphertext `source` is. Fails with AttachmentError, and then what was given out is not the file. */
export function openStream(source: Source, opener: FileOpener): ReadableStream<Bytes> {
  return pulled(source, async function* (parts) {
    for await (const part of parts) yield* opener.push(part);
    const end = await opener.finish();
    if (end.length > 0) yield end;
  });
}

type Parts = AsyncGenerator<Uint8Array, void>;

function pulled(
  source: Source,
  through: (parts: Parts) => AsyncGenerator<Bytes, void>,
): ReadableStream<Bytes> {
  const pieces = through(partsOf(source));
  return new ReadableStream<Bytes>(
    {
      async pull(controller) {
        const { done, value } = await pieces.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await pieces.return();
      },
    },
    { highWaterMark: 0 },
  );
}

/** Not every browser lets a stream be iterated. Whoever stops early lets go of the source. */
async function* partsOf(source: Source): Parts {
  const reader = source.getReader();
  let ended = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        ended = true;
        return;
      }
      yield value;
    }
  } finally {
    if (!ended) await reader.cancel();
  }
}
