const EVERY_MS = 5_000;

/** The time, as reactive state that is some seconds old at most: for whoever waits for somebody. */
class Moment {
  now = $state(Date.now());

  constructor() {
    setInterval(() => {
      this.now = Date.now();
    }, EVERY_MS);
  }
}

export const moment = new Moment();
