import { release } from "../decoders/decode_frame.js";
import { DecodeError } from "../errors.js";
import { clipText } from "../protocol/wire.js";
import { dropReplaced } from "./frame_batch.js";
import { visibleRest } from "./visible_rest.js";

/**
 * @typedef {import("../protocol/messages.js").Frame} Frame
 * @typedef {import("../decoders/decode_frame.js").PicturePart} PicturePart
 * @typedef {import("../protocol/messages.js").FrameShown |
 *   import("../protocol/messages.js").FrameFailed} Answer
 */

/**
 * A frame that can be drawn.
 * @typedef {object} DecodedFrame
 * @property {Frame} frame
 * @property {PicturePart[]} parts
 * @property {number} received_ms
 * @property {number} decoded_ms
 */

/**
 * @typedef {import("./visible_rest.js").Place} Place
 */

/**
 * A frame on its way; `decoded_ms` is 0 until it is decoded.
 * @typedef {object} Entry
 * @property {Frame} frame
 * @property {number} received_ms
 * @property {number} decoded_ms
 * @property {PicturePart[] | null} parts  decoded and not handed on yet
 * @property {Answer | null} answer
 * @property {Place[]} covers  what newer frames have drawn already
 */

/**
 * Frames in, pictures and answers out, both in the order in which the frames were given.
 *
 * Frames are decoded side by side; a picture is handed on once all earlier frames have been, and
 * never while another one is being shown: what is decoded by then goes in one piece. A frame that
 * cannot be decoded gives no picture, so that the old one stays.
 */
export class FramePipeline {
  /** @type {Entry[]} */
  #entries = [];
  /** Those handed on and not on screen yet. @type {Entry[]} */
  #beingShown = [];
  #isClosed = false;

  /**
   * @param {object} outlets
   * @param {import("../decoders/decode_frame.js").FrameDecoder} outlets.decoder
   * @param {() => number} outlets.now_ms
   * @param {(frames: DecodedFrame[]) => void} outlets.show  hands pictures on; `presented` tells
   *   that they are on screen
   * @param {(error: DecodeError) => void} outlets.failed  told before the answer is
   * @param {(answer: Answer) => void} outlets.reply
   */
  constructor({ decoder, now_ms, show, failed, reply }) {
    this.decoder = decoder;
    this.now_ms = now_ms;
    this.show = show;
    this.failed = failed;
    this.reply = reply;
  }

  /**
   * @param {Frame} frame
   * @param {number} received_ms  when its last byte was there
   * @param {Place[]} covers  what frames that are newer, and were given before, have drawn
   */
  receive(frame, received_ms, covers = []) {
    /** @type {Entry} */
    const entry = { frame, received_ms, decoded_ms: 0, parts: null, answer: null, covers };
    this.#entries.push(entry);
    try {
      const parts = this.decoder.decode(frame.rectangles);
      if (!(parts instanceof Promise)) this.#decoded(entry, parts);
      else {
        parts.then(
          (done) => this.#decoded(entry, done),
          (error) => this.#failed(entry, error),
        );
      }
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#failed(entry, error);
    }
  }

  /**
   * The pictures up to this serial are on screen.
   * @param {number} serial
   * @param {number} at_ms
   */
  presented(serial, at_ms) {
    if (this.#beingShown.at(-1)?.frame.serial !== serial) return;
    for (const entry of this.#beingShown) {
      entry.answer = {
        type: "FrameShown",
        serial: entry.frame.serial,
        decode_us: microseconds(entry.decoded_ms - entry.received_ms),
        present_us: microseconds(at_ms - entry.decoded_ms),
        queued: 0,
      };
    }
    this.#beingShown = [];
    this.#showInOrder();
    this.#replyInOrder();
  }

  /** Free what is decoded and comes to nothing now; safe to repeat. */
  close() {
    this.#isClosed = true;
    for (const { parts } of this.#entries) parts?.forEach(release);
    this.#entries = [];
    this.decoder.close();
  }

  /**
   * @param {Entry} entry
   * @param {PicturePart[]} parts
   */
  #decoded(entry, parts) {
    if (this.#isClosed) {
      parts.forEach(release);
      return;
    }
    entry.parts = entry.covers.length === 0 ? parts : leaveOut(parts, entry.covers);
    entry.decoded_ms = this.now_ms();
    this.#showInOrder();
  }

  /**
   * @param {Entry} entry
   * @param {DecodeError} error
   */
  #failed(entry, error) {
    if (this.#isClosed) return;
    entry.decoded_ms = this.now_ms();
    entry.answer = {
      type: "FrameFailed",
      serial: entry.frame.serial,
      codec: clipText(error.codec, 255),
      reason: clipText(error.reason, 255),
    };
    this.failed(error);
    this.#showInOrder();
    this.#replyInOrder();
  }

  #showInOrder() {
    if (this.#beingShown.length > 0) return;
    /** @type {DecodedFrame[]} */
    const ready = [];
    for (const entry of this.#entries) {
      if (entry.decoded_ms === 0) break;
      const { frame, parts, received_ms, decoded_ms } = entry;
      if (parts === null) continue;
      entry.parts = null;
      this.#beingShown.push(entry);
      ready.push({ frame, parts, received_ms, decoded_ms });
    }
    if (ready.length === 0) return;
    if (ready.length > 1) dropReplaced(ready.flatMap(({ parts }) => parts));
    this.show(ready);
  }

  #replyInOrder() {
    while (this.#entries.length > 0 && this.#entries[0].answer !== null) {
      const { answer } = /** @type {Entry} */ (this.#entries.shift());
      if (answer?.type === "FrameShown") answer.queued = Math.min(this.#entries.length, 255);
      this.reply(/** @type {Answer} */ (answer));
    }
  }
}

/**
 * Draw only what newer frames have not drawn.
 * @param {PicturePart[]} parts
 * @param {Place[]} covers
 */
function leaveOut(parts, covers) {
  return parts.map((part) => {
    const visible = visibleRest(part, covers);
    if (visible === null) return part;
    if (visible.length > 0) return { ...part, visible };
    release(part);
    return { ...part, image: null, source: null };
  });
}

/** @param {number} duration_ms */
function microseconds(duration_ms) {
  return Math.min(Math.max(Math.round(duration_ms * 1000), 0), 0xffffffff);
}
