import { ProtocolError } from "../errors.js";
import { OPERATION, videoPacket } from "../protocol/rectangles.js";

const MOST_HELD = 64;
const MOST_HELD_BYTES = 32 * 1024 * 1024;
/** Lost serials that are remembered: more than can be on their way. */
const MOST_LOST = 1024;

/**
 * @typedef {import("../protocol/messages.js").Frame} Frame
 * @typedef {import("../protocol/messages.js").FrameOrder} FrameOrder
 * @typedef {import("./visible_rest.js").Place} Place
 * @typedef {{frame: Frame, order: FrameOrder, received_ms: number, bytes: number}} HeldFrame
 */

/**
 * Frames that come one by one and in any order, put in an order in which they may be applied.
 *
 * A frame is settled once it was passed on, is lost, or was dropped by the server; it is passed on
 * when those that it builds on are settled. One that comes after a newer one was passed on is told
 * what of the picture is newer than itself.
 */
export class FrameSequence {
  /** All serials up to this one are settled. */
  #settledUpTo = 0;
  /** Settled ones above it. @type {Set<number>} */
  #settled = new Set();
  /** @type {Set<number>} */
  #lost = new Set();
  /** @type {Map<number, HeldFrame>} */
  #held = new Map();
  #heldBytes = 0;
  #newest = 0;
  /** When it was first seen that a serial is missing. @type {Map<number, number>} */
  #missing = new Map();
  /** What was passed on while an older one was not settled. @type {{serial: number, places: Place[]}[]} */
  #drawn = [];
  /** Of the newest frame that was passed on. */
  #size = "";

  /**
   * @param {object} outlets
   * @param {(frame: Frame, received_ms: number, covers: Place[]) => void} outlets.pass
   * @param {(serial: number) => void} outlets.lose  it will not be shown, and the server must know
   * @param {() => void} outlets.overflow  too much is missing: the whole picture must come again
   */
  constructor({ pass, lose, overflow }) {
    this.pass = pass;
    this.lose = lose;
    this.overflow = overflow;
  }

  /**
   * A connection begins; nothing older comes any more.
   * @param {number} serial  of its first frame
   */
  begin(serial) {
    this.#settledUpTo = serial - 1;
    this.#newest = serial - 1;
    this.#settled.clear();
    this.#lost.clear();
    this.#held.clear();
    this.#heldBytes = 0;
    this.#missing.clear();
    this.#drawn = [];
    this.#size = "";
  }

  /** Frames that wait for others. */
  get heldFrames() {
    return this.#held.size;
  }

  /**
   * @param {HeldFrame} arrived
   * @throws {ProtocolError} it waits for itself or for a newer one
   */
  receive(arrived) {
    const { serial } = arrived.frame;
    if (arrived.order.after.some((other) => other >= serial)) {
      throw new ProtocolError(`frame ${serial} waits for a newer one`);
    }
    if (this.#isSettled(serial) || this.#held.has(serial)) return;
    this.#held.set(serial, arrived);
    this.#heldBytes += arrived.bytes;
    this.#missing.delete(serial);
    const gapStart = Math.max(this.#newest + 1, serial - MOST_LOST);
    for (let other = gapStart; other < serial; other += 1) {
      if (!this.#isSettled(other)) this.#missing.set(other, arrived.received_ms);
    }
    this.#newest = Math.max(this.#newest, serial);
    this.#passOn();
    if (this.#held.size > MOST_HELD || this.#heldBytes > MOST_HELD_BYTES) this.#giveUp();
  }

  /**
   * The server no longer sends these: newer frames have replaced them.
   * @param {number[]} serials
   */
  dropped(serials) {
    for (const serial of serials) {
      this.#forget(serial);
      this.#remember(serial);
      this.#settle(serial);
    }
    this.#passOn();
  }

  /**
   * Count frames as lost that newer ones have overtaken for long.
   * @param {number} now_ms
   * @param {number} limit_ms
   */
  expire(now_ms, limit_ms) {
    const overdue = [...this.#missing].filter(([, since_ms]) => now_ms - since_ms > limit_ms);
    if (overdue.length === 0) return;
    for (const [serial] of overdue) this.#lose(serial);
    this.#passOn();
  }

  #giveUp() {
    for (const serial of [...this.#missing.keys()]) this.#lose(serial);
    this.#settledUpTo = Math.max(this.#settledUpTo, Math.min(...this.#held.keys()) - 1);
    this.#passOn();
    this.overflow();
  }

  #passOn() {
    for (let found = this.#nextReady(); found !== null; found = this.#nextReady()) {
      const { frame, received_ms } = found;
      this.#forget(frame.serial);
      if (this.#isBroken(found)) {
        this.#lose(frame.serial);
        continue;
      }
      const newer = this.#drawn.filter(({ serial }) => serial > frame.serial);
      if (newer.length === 0) this.#size = sizeOf(frame);
      this.#drawn.push({ serial: frame.serial, places: frame.rectangles.filter(isDrawn) });
      this.#settle(frame.serial);
      this.pass(
        frame,
        received_ms,
        newer.flatMap(({ places }) => places),
      );
    }
  }

  /** @returns {HeldFrame | null}  the oldest that need not wait */
  #nextReady() {
    const ready = [...this.#held.keys()].filter((serial) => this.#isReady(serial));
    return ready.length === 0 ? null : (this.#held.get(Math.min(...ready)) ?? null);
  }

  /** @param {number} serial */
  #isReady(serial) {
    const { order, frame } = /** @type {HeldFrame} */ (this.#held.get(serial));
    const waitsForAll = order.after_all || sizeOf(frame) !== this.#size;
    if (waitsForAll && this.#settledUpTo < serial - 1) return false;
    return order.after.every((other) => this.#isSettled(other));
  }

  /**
   * A packet that builds on a lost one would give garbage.
   * @param {HeldFrame} held
   */
  #isBroken({ frame, order }) {
    if (!order.after.some((serial) => this.#lost.has(serial))) return false;
    const begun = new Set();
    return frame.rectangles.some(({ operation, payload }) => {
      if (operation !== OPERATION.VIDEO) return false;
      const { stream, isKey } = videoPacket(payload);
      if (isKey) begun.add(stream);
      return !begun.has(stream);
    });
  }

  /** @param {number} serial */
  #isSettled(serial) {
    return serial <= this.#settledUpTo || this.#settled.has(serial);
  }

  /** @param {number} serial */
  #lose(serial) {
    this.#remember(serial);
    this.#settle(serial);
    this.lose(serial);
  }

  /**
   * Not shown: packets may not build on it.
   * @param {number} serial
   */
  #remember(serial) {
    if (this.#isSettled(serial)) return;
    this.#lost.add(serial);
    if (this.#lost.size > MOST_LOST) this.#lost.delete(this.#lost.values().next().value ?? 0);
  }

  /** @param {number} serial */
  #settle(serial) {
    this.#missing.delete(serial);
    if (serial > this.#settledUpTo) this.#settled.add(serial);
    while (this.#settled.delete(this.#settledUpTo + 1)) this.#settledUpTo += 1;
    this.#drawn = this.#drawn.filter((drawn) => drawn.serial > this.#settledUpTo);
  }

  /** @param {number} serial */
  #forget(serial) {
    this.#heldBytes -= this.#held.get(serial)?.bytes ?? 0;
    this.#held.delete(serial);
  }
}

/** @param {Frame} frame */
function sizeOf({ width, height }) {
  return `${width}x${height}`;
}

/** @param {import("../protocol/messages.js").FrameRectangle} rectangle */
function isDrawn({ operation, payload }) {
  return operation !== OPERATION.VIDEO || !videoPacket(payload).isHidden;
}
