import { afterSent, type Draft, draftOf, keepDraft } from "./drafts";

/** The draft of the group on the screen: the composer writes it, a message's menu can turn it into a reply or a change. */
class Composing {
  roomId = $state("");
  draft = $state.raw<Draft>(draftOf(""));
  /** Counts up when the field should take the focus. */
  wanted = $state(0);

  open(roomId: string): void {
    this.roomId = roomId;
    this.draft = draftOf(roomId);
  }

  set(draft: Draft): void {
    this.draft = draft;
    keepDraft(this.roomId, draft);
  }

  sent(roomId: string, sent: Draft): void {
    const rest = afterSent(draftOf(roomId), sent);
    if (roomId === this.roomId) this.set(rest);
    else keepDraft(roomId, rest);
  }

  start(roomId: string, mode: Draft["mode"]): void {
    if (roomId !== this.roomId) return;
    const wasEdit = this.draft.mode.kind === "edit";
    const text = mode.kind === "edit" ? mode.before : wasEdit ? "" : this.draft.text;
    this.set({ text, mode });
    this.wanted++;
  }

  /** Back to a new message. What was typed stays, unless it was a change of an old one. */
  cancel(): void {
    this.set({ text: this.draft.mode.kind === "edit" ? "" : this.draft.text, mode: { kind: "new" } });
    this.wanted++;
  }
}

export const composing = new Composing();
