/** What a commit did, as lines of the timeline. */

import { sha256 } from "@noble/hashes/sha2.js";
import { concat } from "../../bytes/bytes";
import type { Happening } from "../change";
import { type SystemCode, type Timeline, withSystem } from "../timeline";
import type { Happened } from "./state";

type Line = {
  readonly code: SystemCode;
  readonly who: Uint8Array | null;
  readonly detail?: string;
  readonly by?: Uint8Array | null;
};

/** Null for what people see elsewhere, or need not see. */
function lineOf(happening: Happening): Line | null {
  switch (happening.kind) {
    case "joined":
      return { code: "joined", who: happening.account, by: happening.inviter };
    case "device_added":
    case "rejoined":
      return { code: "rejoined", who: happening.account };
    case "left":
      return happening.whole ? { code: "left", who: happening.account } : null;
    case "removed":
      return { code: "removed", who: happening.account };
    case "renamed":
      return { code: "renamed", who: null, detail: happening.to };
    case "policy":
    case "charter":
    case "founder":
      return { code: "policy", who: null };
    default:
      return null;
  }
}

/** An id of its own for each line that one entry makes: the interface tells them apart by it. */
export function lineId(entryId: Uint8Array, index: number): Uint8Array {
  return sha256(concat(entryId, Uint8Array.of(index))).slice(0, 16);
}

export function withHappened(
  timeline: Timeline,
  happened: Happened,
  entry: { readonly id: Uint8Array; readonly n: number; readonly time: number },
): Timeline {
  let next = timeline;
  happened.what.forEach((happening, index) => {
    const line = lineOf(happening);
    if (line === null) return;
    const { code, who, detail = "", by = happened.committer.accountId } = line;
    next = withSystem(next, {
      id: lineId(entry.id, index),
      n: entry.n,
      at: entry.time,
      code,
      who,
      by,
      detail,
    });
  });
  return next;
}
