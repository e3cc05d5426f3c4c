import { RecentLeast } from "./recent_least.js";

const WINDOW_MS = 2000;
/** Names of the stages in the order in which a frame goes through them. */
export const STAGES = /** @type {const} */ ([
  "capture",
  "damage",
  "plan",
  "encode",
  "network",
  "decode",
  "present",
]);

/** @typedef {typeof STAGES[number]} Stage */

/**
 * One frame that was shown; times in ms by the browser's clock but for `server`.
 * @typedef {object} ShownFrame
 * @property {number} at_ms
 * @property {number} received_ms
 * @property {number} decoded_ms
 * @property {import("../protocol/messages.js").ServerTimes} server
 * @property {{codec: string, bytes: number, width: number, height: number}[]} parts
 */

/**
 * @typedef {{p50_ms: number, p95_ms: number}} Spread
 */

/**
 * What a person may want to know, over the last two seconds; every number is finite.
 * @typedef {object} Statistics
 * @property {number} frames_per_s
 * @property {number} bits_per_s  of pictures
 * @property {({stage: Stage} & Spread)[]} stages  empty without a change that was seen
 * @property {Spread | null} latency  from the change on the desktop to the canvas
 * @property {number | null} round_trip_ms  newest; null: not measured yet
 * @property {number | null} loss  share of packets, 0 to 1; null: not known
 * @property {number} failedFrames  since the page was opened
 * @property {number} lostFrames  on their way, since the page was opened
 * @property {{codec: string, share: number, areaShare: number}[]} codecs  by share of the bytes,
 *   largest first; copies are not among them
 * @property {number} copies  rectangles a second
 * @property {number} copiedShare  of all pixels that were drawn
 * @property {import("../protocol/messages.js").ViewerStatistics | null} server  what the server told
 */

/** Collects figures; time comes in as an argument. */
export class Meter {
  /** Stages are null when they tell of no latency.
   * @type {(ShownFrame & {stages: Record<Stage, number> | null})[]} */
  #frames = [];
  /** @type {number | null} */
  #roundTrip_ms = null;
  #leastRoundTrip = new RecentLeast();
  #leastSkew = new RecentLeast();
  /** When the desktop last changed before it was seen over this connection; null: not seen yet.
   * @type {number | null} */
  #oldChange_s = null;
  /** @type {import("../protocol/messages.js").ViewerStatistics | null} */
  #server = null;
  #failedFrames = 0;
  #lostFrames = 0;
  /** @type {number | null} */
  #loss = null;

  /** A connection begins: the server's clock may be another one. */
  connected() {
    this.moved();
    this.#server = null;
  }

  /** Frames take another way from now on. */
  moved() {
    this.#oldChange_s = null;
    this.#leastSkew = new RecentLeast();
    this.#leastRoundTrip = new RecentLeast();
    this.#roundTrip_ms = null;
    this.#loss = null;
  }

  /** @param {ShownFrame} frame */
  frameShown(frame) {
    // The first picture may show a desktop that changed long ago, when nobody waited for it.
    this.#oldChange_s ??= frame.server.changed_s;
    const stages = this.#stagesOf(frame);
    const isOld = frame.server.changed_s <= this.#oldChange_s;
    this.#frames.push({ ...frame, stages: isOld ? null : stages });
    this.#forget(frame.at_ms);
  }

  frameFailed() {
    this.#failedFrames += 1;
  }

  frameLost() {
    this.#lostFrames += 1;
  }

  /**
   * @param {{round_trip_ms: number, loss: number | null}} measured
   * @param {number} now_ms
   */
  pathMeasured({ round_trip_ms, loss }, now_ms) {
    this.#roundTrip_ms = round_trip_ms;
    this.#loss = loss;
    this.#leastRoundTrip.note(round_trip_ms, now_ms);
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
    const frames = this.#frames;
    const timed = frames.flatMap(({ stages }) => stages ?? []);
    const parts = frames.flatMap((frame) => frame.parts);
    const copies = parts.filter(({ codec }) => codec === "copy");
    const totalArea = Math.max(sum(parts.map(areaOf)), 1);
    return {
      frames_per_s: frames.length / (WINDOW_MS / 1000),
      bits_per_s: (sum(parts.map(({ bytes }) => bytes)) * 8) / (WINDOW_MS / 1000),
      stages:
        timed.length === 0
          ? []
          : STAGES.map((stage) => ({ stage, ...spread(timed.map((times) => times[stage])) })),
      latency:
        timed.length === 0 ? null : spread(timed.map((times) => sum(Object.values(times)))),
      round_trip_ms: this.#roundTrip_ms,
      loss: this.#loss,
      failedFrames: this.#failedFrames,
      lostFrames: this.#lostFrames,
      codecs: sharesOf(parts.filter(({ codec }) => codec !== "copy"), totalArea),
      copies: copies.length / (WINDOW_MS / 1000),
      copiedShare: sum(copies.map(areaOf)) / totalArea,
      server: this.#server,
    };
  }

  /**
   * How long each stage took, in ms. The clocks of server and browser differ by an unknown amount: a
   * frame took the network half of the shortest round trip, and longer by what it came later than
   * the quickest frame.
   * @param {ShownFrame} frame
   * @returns {Record<Stage, number>}
   */
  #stagesOf({ server, received_ms, decoded_ms, at_ms }) {
    const skew_ms = received_ms - server.changed_s * 1000 - server.encoded_us / 1000;
    this.#leastSkew.note(skew_ms, received_ms);
    const late_ms = skew_ms - this.#leastSkew.value;
    return {
      capture: server.captured_us / 1000,
      damage: between(server.captured_us / 1000, server.damaged_us / 1000),
      plan: between(server.damaged_us / 1000, server.planned_us / 1000),
      encode: between(server.planned_us / 1000, server.encoded_us / 1000),
      network: late_ms + this.#leastRoundTrip.value / 2,
      decode: between(received_ms, decoded_ms),
      present: between(decoded_ms, at_ms),
    };
  }

  /** @param {number} now_ms */
  #forget(now_ms) {
    const kept = this.#frames.findIndex(({ at_ms }) => at_ms > now_ms - WINDOW_MS);
    this.#frames.splice(0, kept === -1 ? this.#frames.length : kept);
  }
}

/**
 * @param {ShownFrame["parts"]} parts
 * @param {number} totalArea
 */
function sharesOf(parts, totalArea) {
  /** @type {Map<string, {bytes: number, area: number}>} */
  const found = new Map();
  for (const part of parts) {
    const { bytes, area } = found.get(part.codec) ?? { bytes: 0, area: 0 };
    found.set(part.codec, { bytes: bytes + part.bytes, area: area + areaOf(part) });
  }
  const total = Math.max(sum(parts.map(({ bytes }) => bytes)), 1);
  return [...found]
    .map(([codec, { bytes, area }]) => ({
      codec,
      share: bytes / total,
      areaShare: area / totalArea,
    }))
    .sort((first, second) => second.share - first.share);
}

/** @param {{width: number, height: number}} size */
function areaOf({ width, height }) {
  return width * height;
}

/**
 * @param {number} start
 * @param {number} end
 */
function between(start, end) {
  return Math.max(end - start, 0);
}

/** @param {number[]} values */
function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}

/**
 * @param {number[]} values  at least one
 * @returns {Spread}
 */
function spread(values) {
  const sorted = [...values].sort((first, second) => first - second);
  const p95_ms = sorted[Math.min(Math.floor(sorted.length * 0.95), sorted.length - 1)];
  return { p50_ms: sorted[sorted.length >> 1], p95_ms };
}
