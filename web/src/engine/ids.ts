import { fromBase64Url } from "../bytes/bytes";
import { EngineError } from "./errors";

/** An id of ours as the interface writes it. @throws EngineError */
export function idOf(text: string): Uint8Array {
  try {
    const id = fromBase64Url(text);
    if (id.length === 16) return id;
  } catch {
    // not an id: as if there were nothing
  }
  throw new EngineError("not_found");
}
