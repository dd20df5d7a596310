/**
 * The sound of a ring: two soft tones, again and again, made by WebAudio. Of all tabs of this browser one sounds, and for
 * RING_LASTS_S at most, whatever becomes of the page's timers: all tones are set when it begins.
 */

/** As long as the engine has a device ring. */
export const RING_LASTS_S = 120;
const EVERY_S = 3;
const LOUDNESS = 0.14;
/** Whoever holds this sounds. */
const LOCK = "collegium-bell";

export type Tone = { readonly at: number; readonly frequency: number; readonly length: number };

/** The tones of a ring, in seconds from its beginning: a third upwards, then a pause. */
export function tones(lasts = RING_LASTS_S): readonly Tone[] {
  const times = Array.from({ length: Math.max(Math.floor(lasts / EVERY_S), 0) }, (_, i) => i * EVERY_S);
  return times.flatMap((at) => [
    { at, frequency: 523.25, length: 0.7 },
    { at: at + 0.28, frequency: 659.26, length: 1.1 },
  ]);
}

function play(context: AudioContext): void {
  for (const { at, frequency, length } of tones()) {
    const begins = context.currentTime + at;
    const gain = new GainNode(context, { gain: 0 });
    gain.gain.setValueAtTime(0, begins);
    gain.gain.linearRampToValueAtTime(LOUDNESS, begins + 0.03);
    gain.gain.exponentialRampToValueAtTime(0.0005, begins + length);
    const tone = new OscillatorNode(context, { type: "sine", frequency });
    tone.connect(gain).connect(context.destination);
    tone.start(begins);
    tone.stop(begins + length);
  }
}

const GESTURES = ["pointerdown", "keydown"] as const;

/** Settles when something has been pressed in this page, ever: before that browsers let none sound. */
function pressed(stop: AbortSignal): Promise<void> {
  if (navigator.userActivation?.hasBeenActive) return Promise.resolve();
  return new Promise((resolve) => {
    for (const gesture of GESTURES)
      addEventListener(gesture, () => resolve(), { signal: stop, capture: true });
  });
}

/** Sound until `stop`, as soon as this page may and no other tab does. */
export async function ringBell(stop: AbortSignal): Promise<void> {
  await pressed(stop);
  if (stop.aborted) return;
  const context = new AudioContext();
  stop.addEventListener("abort", () => void context.close());
  try {
    await navigator.locks.request(LOCK, { signal: stop }, async () => {
      await context.resume();
      play(context);
      await new Promise<void>((done) => stop.addEventListener("abort", () => done()));
    });
  } catch (error) {
    // It was stopped while another tab sounded, or before this one could.
    if (!stop.aborted) throw error;
  }
}
