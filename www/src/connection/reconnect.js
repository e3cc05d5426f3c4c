const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 15000;

/** How long to wait before each attempt: doubling, with jitter so that viewers don't come at once. */
export class ReconnectSchedule {
  #attempts = 0;

  /** @param {() => number} random  0 up to 1, as Math.random */
  constructor(random = Math.random) {
    this.random = random;
  }

  /** Milliseconds before the next attempt: between half and all of 0.5 s, 1 s, 2 s … 15 s. */
  nextDelay_ms() {
    const longest_ms = Math.min(FIRST_DELAY_MS * 2 ** this.#attempts, LONGEST_DELAY_MS);
    this.#attempts += 1;
    return Math.round(longest_ms * (0.5 + this.random() / 2));
  }

  /** A connection has proved to be good; the next delay is the shortest again. */
  reset() {
    this.#attempts = 0;
  }
}
