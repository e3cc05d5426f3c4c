const WINDOW_MS = 2000;

/**
 * One frame that was shown.
 * @typedef {object} ShownFrame
 * @property {number} at_ms
 * @property {number} decode_ms
 * @property {number} present_ms
 * @property {{codec: string, bytes: number}[]} parts
 */

/**
 * What a person may want to know, over the last two seconds.
 * @typedef {object} Statistics
 * @property {number} frames_per_s
 * @property {number} bits_per_s  of pictures
 * @property {number} decode_ms  median
 * @property {number} present_ms  median
 * @property {number | null} round_trip_ms  newest; null: not measured yet
 * @property {number} failedFrames  since the page was opened
 * @property {{codec: string, share: number}[]} codecs  by share of the bytes, largest first
 * @property {import("../protocol/messages.js").ViewerStatistics | null} server  what the server told
 */

/** Collects figures; time comes in as an argument. */
export class Meter {
  /** @type {ShownFrame[]} */
  #frames = [];
  /** @type {number | null} */
  #roundTrip_ms = null;
  /** @type {import("../protocol/messages.js").ViewerStatistics | null} */
  #server = null;
  #failedFrames = 0;

  /** @param {ShownFrame} frame */
  frameShown(frame) {
    this.#frames.push(frame);
    this.#forget(frame.at_ms);
  }

  frameFailed() {
    this.#failedFrames += 1;
  }

  /** @param {number} round_trip_ms */
  roundTrip(round_trip_ms) {
    this.#roundTrip_ms = round_trip_ms;
  }

  /** @param {import("../protocol/messages.js").ViewerStatistics} statistics */
  serverTold(statistics) {
    this.#server = statistics;
  }

  /**
   * @param {number} now_ms  by the clock of `ShownFrame.at_ms`
   * @returns {Statistics}
   */
  read(now_ms) {
    this.#forget(now_ms);
    /** @type {Map<string, number>} */
    const bytesOf = new Map();
    for (const { codec, bytes } of this.#frames.flatMap(({ parts }) => parts)) {
      bytesOf.set(codec, (bytesOf.get(codec) ?? 0) + bytes);
    }
    const total = [...bytesOf.values()].reduce((sum, bytes) => sum + bytes, 0);
    return {
      frames_per_s: this.#frames.length / (WINDOW_MS / 1000),
      bits_per_s: (total * 8) / (WINDOW_MS / 1000),
      decode_ms: median(this.#frames.map(({ decode_ms }) => decode_ms)),
      present_ms: median(this.#frames.map(({ present_ms }) => present_ms)),
      round_trip_ms: this.#roundTrip_ms,
      failedFrames: this.#failedFrames,
      codecs: [...bytesOf]
        .map(([codec, bytes]) => ({ codec, share: total === 0 ? 0 : bytes / total }))
        .sort((first, second) => second.share - first.share),
      server: this.#server,
    };
  }

  /** @param {number} now_ms */
  #forget(now_ms) {
    const kept = this.#frames.findIndex(({ at_ms }) => at_ms > now_ms - WINDOW_MS);
    this.#frames.splice(0, kept === -1 ? this.#frames.length : kept);
  }
}

/** @param {number[]} values */
function median(values) {
  if (values.length === 0) return 0;
  const sorted = [...values].sort((first, second) => first - second);
  return sorted[sorted.length >> 1];
}
