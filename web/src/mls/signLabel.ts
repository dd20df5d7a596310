/** What is signed: never bare bytes, always a label and content, each with its length (RFC 9420 §5.1.2). */

import { utf8 } from "../bytes/bytes";
import { encode } from "./codec";

/** `SignContent` with the whole label as given: "MLS 1.0 …" inside MLS, "Collegium 1.0 …" for what is ours (E5). */
export function signContent(label: string, content: Uint8Array): Uint8Array {
  return encode((writer) => writer.opaque(utf8(label)).opaque(content));
}
