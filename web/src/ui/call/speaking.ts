/** Who speaks, from how loud everybody is several times a second. Pure; levels are 0 to 1, by device. */

export type Voices = {
  /** Smoothed: up at once, down slowly, so that a mark does not flicker between two words. */
  readonly levels: ReadonlyMap<string, number>;
  /** Those who speak. */
  readonly speaking: ReadonlySet<string>;
};

export const SILENCE: Voices = { levels: new Map(), speaking: new Set() };
export const LISTEN_EVERY_MS = 200;
/** What is left of a level after one look. */
const FADE = 0.7;
/** From which level on somebody speaks, and below which they have stopped. */
const BEGINS = 0.02;
const STOPS = 0.008;

export function listen(before: Voices, now: ReadonlyMap<string, number>): Voices {
  const levels = new Map<string, number>();
  const speaking = new Set<string>();
  for (const [device, level] of now) {
    const smooth = Math.max(level, (before.levels.get(device) ?? 0) * FADE);
    levels.set(device, smooth);
    if (smooth >= (before.speaking.has(device) ? STOPS : BEGINS)) speaking.add(device);
  }
  return { levels, speaking };
}

export function sameSpeakers(one: Voices, other: Voices): boolean {
  return (
    one.speaking.size === other.speaking.size && [...one.speaking].every((who) => other.speaking.has(who))
  );
}
