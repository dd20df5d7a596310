import {
  type Choices,
  choices,
  openCamera,
  openMicrophone,
  SourceError,
  type SourceProblem,
} from "../../calls/devices";
import type { Chosen } from "./call.svelte";

export type Own = "microphone" | "camera";
export const NO_CHOICES: Choices = { microphones: [], cameras: [], speakers: [] };

const OPEN = { microphone: openMicrophone, camera: openCamera } as const;

/** Microphone and camera before a call: open here, and then the call's. */
export class Preview {
  microphone = $state.raw<MediaStreamTrack | null>(null);
  camera = $state.raw<MediaStreamTrack | null>(null);
  problems = $state.raw<Readonly<Record<Own, SourceProblem | null>>>({ microphone: null, camera: null });
  /** The browser may be asking the person at the moment. */
  asking = $state(false);
  choices = $state.raw<Choices>(NO_CHOICES);
  /** Of each, the last thing that was asked for: what comes for an earlier wish is closed again. */
  readonly #wish = { microphone: 0, camera: 0 };
  #waiting = 0;
  readonly #opening = new Set<Promise<void>>();

  async open(source: Own, id: string | null): Promise<void> {
    const opening = this.#open(source, id);
    this.#opening.add(opening);
    await opening.finally(() => this.#opening.delete(opening));
  }

  /** What was asked for is there, or is known not to come: whoever joins at once still comes with their voice. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#opening);
  }

  async #open(source: Own, id: string | null): Promise<void> {
    const wish = ++this.#wish[source];
    this.#ask(1);
    try {
      const track = await OPEN[source](id);
      if (wish === this.#wish[source]) this.#take(source, track);
      else track.stop();
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      if (wish === this.#wish[source]) this.#found(source, error.problem);
    } finally {
      this.#ask(-1);
    }
    await this.look();
  }

  #ask(step: number): void {
    this.#waiting += step;
    this.asking = this.#waiting > 0;
  }

  #take(source: Own, track: MediaStreamTrack): void {
    this[source]?.stop();
    this[source] = track;
    this.#found(source, null);
    track.addEventListener("ended", () => {
      if (this[source] !== track) return;
      this[source] = null;
      this.#found(source, "missing");
    });
  }

  #found(source: Own, problem: SourceProblem | null): void {
    this.problems = { ...this.problems, [source]: problem };
  }

  close(source: Own): void {
    this.#wish[source] += 1;
    this[source]?.stop();
    this[source] = null;
    this.#found(source, null);
  }

  /** What there is to choose from: it changes when something is plugged in, or was allowed. */
  async look(): Promise<void> {
    this.choices = await choices();
  }

  /** From here on they are the call's to close. */
  handOver(): Chosen {
    const { microphone, camera } = this;
    this.#wish.microphone += 1;
    this.#wish.camera += 1;
    this.microphone = null;
    this.camera = null;
    return { microphone, camera };
  }

  stop(): void {
    this.close("microphone");
    this.close("camera");
  }
}

type Blur = { readonly backgroundBlur?: readonly boolean[] | boolean };

/** Whether the device itself can blur what is behind the person: nothing of ours looks at the picture. */
export function canBlur(camera: MediaStreamTrack | null): boolean {
  const able = (camera?.getCapabilities?.() as Blur | undefined)?.backgroundBlur;
  return Array.isArray(able) && able.includes(true) && able.includes(false);
}

/** @throws DOMException when the device does not do it after all */
export async function blur(camera: MediaStreamTrack, on: boolean): Promise<void> {
  await camera.applyConstraints({ ...camera.getConstraints(), backgroundBlur: on } as MediaTrackConstraints);
}
