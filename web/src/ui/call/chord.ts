/** A soft chord that tells whether the loudspeaker is heard. */
const NOTES_HZ = [261.63, 329.63, 392.0, 523.25];
const SECONDS = 1.6;
const LOUDNESS = 0.08;
const APART_S = 0.09;

type Speaking = AudioContext & { setSinkId?(id: string): Promise<void> };

/** @param speaker its id; null: where the browser plays everything. @throws DOMException when nothing can be played */
export async function playChord(speaker: string | null): Promise<void> {
  const context: Speaking = new AudioContext();
  try {
    if (speaker !== null && context.setSinkId !== undefined) await context.setSinkId(speaker);
    const now = context.currentTime;
    NOTES_HZ.forEach((frequency, index) => {
      const begins = now + index * APART_S;
      const tone = new OscillatorNode(context, { type: "sine", frequency });
      const gain = new GainNode(context, { gain: 0 });
      gain.gain.setValueAtTime(0, begins);
      gain.gain.linearRampToValueAtTime(LOUDNESS, begins + 0.06);
      gain.gain.exponentialRampToValueAtTime(0.0001, begins + SECONDS - APART_S * index);
      tone.connect(gain).connect(context.destination);
      tone.start(begins);
      tone.stop(now + SECONDS);
    });
    await new Promise((done) => setTimeout(done, SECONDS * 1000));
  } finally {
    await context.close();
  }
}
