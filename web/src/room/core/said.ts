import type { EventBody } from "../events";
import type { Said } from "../timeline";

/** What a post, an edit, a deletion or a reaction says; null for other events. */
export function saidBy(id: Uint8Array, event: EventBody): Said | null {
  switch (event.type) {
    case "post":
      return { kind: "post", id, text: event.body.text, replyTo: event.body.reply_to ?? null };
    case "edit":
      return { kind: "edit", target: event.body.target, text: event.body.text };
    case "delete":
      return { kind: "delete", target: event.body.target };
    case "react":
      return { kind: "react", ...event.body };
    default:
      return null;
  }
}
