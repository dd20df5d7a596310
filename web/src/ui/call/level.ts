/** How loud a microphone is: for the person whose it is, and for nobody else. */
export class Meter {
  readonly #context = new AudioContext();
  readonly #analyser = new AnalyserNode(this.#context, { fftSize: 1024 });
  readonly #samples = new Float32Array(this.#analyser.fftSize);

  constructor(track: MediaStreamTrack) {
    this.#context.createMediaStreamSource(new MediaStream([track])).connect(this.#analyser);
  }

  /** Now, 0 to 1. */
  get level(): number {
    this.#analyser.getFloatTimeDomainData(this.#samples);
    return loudness(this.#samples);
  }

  /** The browser waited for a press before it let sound through. */
  wake(): void {
    if (this.#context.state === "suspended") void this.#context.resume();
  }

  close(): void {
    // It ends in its own time; whoever closes it does not wait.
    void this.#context.close();
  }
}

/** Quiet speech is some -40 dB, and is to be seen: the scale goes from -60 dB to full. */
const FLOOR_DB = 60;

export function loudness(samples: Float32Array): number {
  const power = samples.reduce((sum, one) => sum + one * one, 0) / samples.length;
  if (power === 0) return 0;
  return Math.min(1, Math.max(0, 1 + (10 * Math.log10(power)) / FLOOR_DB));
}

/** The same as a share of the loudest, as others say theirs. */
export const linear = (level: number): number => (level === 0 ? 0 : 10 ** (((level - 1) * FLOOR_DB) / 20));
