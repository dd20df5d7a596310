/** What was begun and not sent, for each room: in memory only, and gone when Collegium locks. */
export type Draft = {
  readonly text: string;
  readonly mode:
    | { readonly kind: "new" }
    | {
        readonly kind: "reply";
        readonly target: string;
        readonly name: string;
        readonly mine: boolean;
        readonly quote: string;
      }
    | { readonly kind: "edit"; readonly target: string; readonly before: string };
};

export const EMPTY_DRAFT: Draft = { text: "", mode: { kind: "new" } };

const drafts = new Map<string, Draft>();

export const draftOf = (roomId: string): Draft => drafts.get(roomId) ?? EMPTY_DRAFT;

export function keepDraft(roomId: string, draft: Draft): void {
  if (draft.text === "" && draft.mode.kind === "new") drafts.delete(roomId);
  else drafts.set(roomId, draft);
}

export const dropDrafts = (): void => drafts.clear();

/** What is left of a draft once `sent` is stored: what was typed meanwhile. */
export function afterSent(now: Draft, sent: Draft): Draft {
  return now.text.startsWith(sent.text)
    ? { text: now.text.slice(sent.text.length), mode: EMPTY_DRAFT.mode }
    : now;
}
