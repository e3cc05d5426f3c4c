/** Enough samples to trust their median. */
const SAMPLES = 8;
/** Smaller pictures say little about the time per pixel. */
const LEAST_MEASURED = 128 * 1024;
/** What copying may take of what drawing took; it leaves the page's thread alone, after all. */
const MOST_SHARE = 1.2;
/** Kept for the next pictures, in bytes. */
const MOST_KEPT = 24 * 1024 * 1024;
/** A buffer may be so many times as long as what is put into it. */
const MOST_SLACK = 2;
/** Below that drawing costs nothing worth a detour. */
const LEAST_PIXELS = 4096;

/**
 * Turns a browser's pictures into pixels in this thread where the page draws them slowly.
 *
 * Without a GPU a browser converts a `VideoFrame` when it is drawn, on the page's thread and into
 * new memory: 9 ms at 1920 x 1080, against 3 ms here and 1 ms for the page when the memory is used
 * again. With a GPU it is the other way round, so drawing is what is tried first.
 */
export class FramePixels {
  /** What drawing took, in ms per megapixel; 0 while pictures are drawn as they are. */
  #drawing = 0;
  /** @type {number[]} */
  #samples = [];
  /** @type {ArrayBuffer[]} */
  #buffers = [];
  #kept = 0;
  #isGivenUp = false;

  /**
   * The page draws slowly: copy from now on, as long as that is faster.
   * @param {number} drawing_ms  per megapixel
   */
  want(drawing_ms) {
    if (!this.#isGivenUp) this.#drawing = drawing_ms;
  }

  /**
   * Take back memory that has been drawn.
   * @param {ArrayBuffer[]} buffers
   */
  takeBack(buffers) {
    if (this.#drawing === 0) return;
    for (const buffer of buffers) {
      if (buffer.byteLength < LEAST_PIXELS * 4 || buffer.byteLength > MOST_KEPT) continue;
      this.#buffers.push(buffer);
      this.#kept += buffer.byteLength;
      while (this.#kept > MOST_KEPT) this.#remove(0); // the one that was of no use for longest
    }
  }

  /**
   * The top left of a picture, ready to be drawn; whatever is not returned is closed.
   * @param {VideoFrame} frame
   * @param {{width: number, height: number}} size
   * @returns {Promise<VideoFrame | Uint8ClampedArray<ArrayBuffer>>}
   */
  async prepare(frame, { width, height }) {
    if (this.#drawing === 0 || width * height < LEAST_PIXELS) return frame;
    const started_ms = performance.now();
    const pixels = this.#borrow(width * height * 4);
    const { x, y } = frame.visibleRect ?? { x: 0, y: 0 };
    const rect = { x, y, width, height };
    try {
      await frame.copyTo(pixels, { rect, format: "RGBA", colorSpace: "srgb" });
    } catch {
      this.#giveUp(); // the browser cannot convert it
      return frame;
    }
    frame.close();
    const copying_ms = performance.now() - started_ms;
    if (width * height >= LEAST_MEASURED) this.#note((copying_ms * 1e6) / (width * height));
    return pixels;
  }

  /** @param {number} length  in bytes */
  #borrow(length) {
    const place = this.#buffers.findIndex(
      ({ byteLength }) => byteLength >= length && byteLength <= length * MOST_SLACK,
    );
    const buffer = place === -1 ? new ArrayBuffer(length) : this.#remove(place);
    return new Uint8ClampedArray(buffer, 0, length);
  }

  /** @param {number} place */
  #remove(place) {
    const [buffer] = this.#buffers.splice(place, 1);
    this.#kept -= buffer.byteLength;
    return buffer;
  }

  /** @param {number} copying_ms  per megapixel */
  #note(copying_ms) {
    if (this.#samples.length === SAMPLES) return;
    this.#samples.push(copying_ms);
    if (this.#samples.length < SAMPLES) return;
    const median = [...this.#samples].sort((first, second) => first - second)[SAMPLES >> 1];
    if (median > this.#drawing * MOST_SHARE) this.#giveUp();
  }

  #giveUp() {
    this.#isGivenUp = true;
    this.#drawing = 0;
    this.#buffers = [];
    this.#kept = 0;
  }
}
