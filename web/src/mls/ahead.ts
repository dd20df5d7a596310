/**
 * The platform's curves for functions that cannot wait for them.
 *
 * MLS, and the room's rules above it, are synchronous and pure: what they give follows from what they are given. So such
 * a function is run as a trial (`trial.ts`) that notes what it asks of curves; then the platform answers all of that
 * at once. If nothing but signatures was asked for and each of them holds, the trial was no other run than the real
 * one, and what it gave is given. In every other case it is thrown away, and the function runs again with the answers
 * at hand; whatever has no answer is computed there, by the same code as ever. So a signature that does not hold is
 * refused by that code and by no other.
 */

import { type Rng, wipe } from "../bytes/bytes";
import { type PlatformCurves, platformCurves } from "./platformCurves";
import { Trial } from "./trial";

/**
 * What `run` gives or throws. It may draw on randomness only through the argument that it gets, and must change nothing
 * that it did not make. It may be run twice, and then draws the same.
 */
export async function ahead<T>(rng: Rng, run: (rng: Rng) => T): Promise<T> {
  return aheadBy(await platformCurves(), rng, run);
}

/** The same, by curves that have been examined; without any, at once. */
export async function aheadBy<T>(curves: PlatformCurves | null, rng: Rng, run: (rng: Rng) => T): Promise<T> {
  if (curves === null) return run(rng);
  const draws = new Draws(rng);
  const trial = new Trial();
  try {
    const tried = attempt(() => trial.run(() => run(draws.draw)));
    if (await answered(trial, curves)) {
      trial.confirm();
      if ("error" in tried) throw tried.error;
      return tried.value;
    }
    trial.stopBelieving();
    draws.again();
    return trial.run(() => run(draws.draw));
  } finally {
    trial.forget();
    draws.forget();
  }
}

/** Get the answers. True: all that the trial believed is so. */
async function answered(trial: Trial, curves: PlatformCurves): Promise<boolean> {
  const [verdicts] = await Promise.all([
    Promise.all(
      trial.verifications.map(async (one) => {
        const holds = await curves.holds(one.question);
        if (holds) one.answer = true;
        return holds;
      }),
    ),
    Promise.all(
      trial.agreements.map(async (one) => {
        one.answer = await curves.agree(one.question);
      }),
    ),
    Promise.all(
      trial.signings.map(async (one) => {
        one.answer = await curves.sign(one.question);
      }),
    ),
  ]);
  return trial.agreements.length + trial.signings.length === 0 && verdicts.every(Boolean);
}

type Outcome<T> = { readonly value: T } | { readonly error: unknown };

function attempt<T>(run: () => T): Outcome<T> {
  try {
    return { value: run() };
  } catch (error) {
    // Of a trial that may have believed what is not so: thrown on when that is known.
    return { error };
  }
}

/** Randomness that can be drawn a second time. Nothing of the first time has left by then. */
class Draws {
  readonly #rng: Rng;
  readonly #drawn: Uint8Array[] = [];
  #at = 0;

  constructor(rng: Rng) {
    this.#rng = rng;
  }

  readonly draw: Rng = (length) => {
    const known = this.#drawn[this.#at++];
    if (known !== undefined && known.length === length) return known.slice();
    const fresh = this.#rng(length);
    // Where the second run goes another way than the first, the rest of it is new.
    wipe(...this.#drawn.splice(this.#at - 1));
    this.#drawn.push(fresh.slice());
    return fresh;
  };

  again(): void {
    this.#at = 0;
  }

  forget(): void {
    wipe(...this.#drawn);
  }
}
