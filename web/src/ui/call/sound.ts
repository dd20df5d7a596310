import type { Incoming } from "../../calls/connection";

type Heard = { readonly track: MediaStreamTrack; readonly element: HTMLAudioElement };

/**
 * What is heard of the others: one element for each voice, and one for the sound of a shared screen. They are on no
 * page, so that the call goes on while the person looks at another one.
 */
export class Sound {
  readonly #heard = new Map<string, Heard>();
  #speaker: string | null = null;
  /** The browser plays nothing before the person has pressed something. */
  readonly #blocked: (blocked: boolean) => void;

  constructor(blocked: (blocked: boolean) => void) {
    this.#blocked = blocked;
  }

  /** Only what opened as the person's whose it is said to be is played. */
  play(incoming: readonly Incoming[]): void {
    const wanted = new Map(
      incoming
        .filter(({ kind, heard }) => heard && (kind === "audio" || kind === "screen_audio"))
        .map(({ mid, track }) => [mid, track]),
    );
    for (const [mid, { track, element }] of this.#heard) {
      if (wanted.get(mid) === track) continue;
      element.srcObject = null;
      this.#heard.delete(mid);
    }
    for (const [mid, track] of wanted) if (!this.#heard.has(mid)) this.#add(mid, track);
  }

  #add(mid: string, track: MediaStreamTrack): void {
    const element = new Audio();
    element.srcObject = new MediaStream([track]);
    this.#heard.set(mid, { track, element });
    void this.#send(element);
    this.#start(element);
  }

  #start(element: HTMLAudioElement): void {
    element.play().then(
      () => this.#blocked(false),
      (error: unknown) => {
        // AbortError: it was taken away before it began.
        if (error instanceof DOMException && error.name === "NotAllowedError") this.#blocked(true);
      },
    );
  }

  /** After a press. */
  again(): void {
    for (const { element } of this.#heard.values()) if (element.paused) this.#start(element);
  }

  /** Where it is heard; null: where the browser plays everything. */
  async useSpeaker(id: string | null): Promise<void> {
    this.#speaker = id;
    await Promise.all([...this.#heard.values()].map(({ element }) => this.#send(element)));
  }

  async #send(element: HTMLAudioElement): Promise<void> {
    const speaker = this.#speaker ?? "";
    if (!("setSinkId" in element) || element.sinkId === speaker) return;
    // Unplugged since it was chosen: it is heard where everything else is.
    await element.setSinkId(speaker).catch(() => undefined);
  }

  close(): void {
    for (const { element } of this.#heard.values()) element.srcObject = null;
    this.#heard.clear();
  }
}
