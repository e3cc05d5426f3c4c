const PERIOD_MS = 60000;

/** The least of what was noted in the last minute or two; older values count no more. */
export class RecentLeast {
  #current = Infinity;
  #previous = Infinity;
  #since_ms = -Infinity;

  /** 0 while nothing has been noted. */
  get value() {
    const least = Math.min(this.#current, this.#previous);
    return Number.isFinite(least) ? least : 0;
  }

  /**
   * @param {number} value
   * @param {number} now_ms
   */
  note(value, now_ms) {
    if (now_ms - this.#since_ms > PERIOD_MS) {
      this.#previous = this.#current;
      this.#current = Infinity;
      this.#since_ms = now_ms;
    }
    this.#current = Math.min(this.#current, value);
  }
}
