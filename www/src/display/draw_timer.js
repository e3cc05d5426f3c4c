/** Smaller pictures say little. */
const LEAST_PIXELS = 128 * 1024;
const SAMPLES = 5;
/** In ms per megapixel; with a GPU drawing takes a tenth of it. */
const SLOW_MS = 2;

/** Finds out whether drawing a `VideoFrame` is slow in this browser; told once. */
export class DrawTimer {
  /** @type {number[]} */
  #samples = [];

  /** @param {(drawing_ms: number) => void} foundSlow  told the median, per megapixel */
  constructor(foundSlow) {
    this.foundSlow = foundSlow;
  }

  /**
   * @param {number} pixels
   * @param {number} duration_ms
   */
  drew(pixels, duration_ms) {
    if (pixels < LEAST_PIXELS || this.#samples.length === SAMPLES) return;
    this.#samples.push((duration_ms * 1e6) / pixels);
    if (this.#samples.length < SAMPLES) return;
    const median = [...this.#samples].sort((first, second) => first - second)[SAMPLES >> 1];
    if (median > SLOW_MS) this.foundSlow(median);
    else this.#samples.shift();
  }
}
