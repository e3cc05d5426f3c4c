import { decodeFrame } from "../decoders/decode_frame.js";
import { DecodeError } from "../errors.js";
import { clipText } from "../protocol/wire.js";

/**
 * @typedef {import("../protocol/messages.js").Frame} Frame
 * @typedef {import("../decoders/decode_frame.js").PicturePart} PicturePart
 * @typedef {import("../protocol/messages.js").FrameShown |
 *   import("../protocol/messages.js").FrameFailed} Answer
 */

/**
 * A frame on its way; `decoded_ms` is 0 until it is decoded.
 * @typedef {object} Entry
 * @property {Frame} frame
 * @property {number} received_ms
 * @property {number} decoded_ms
 * @property {PicturePart[] | null} parts  decoded and not handed on yet
 * @property {Answer | null} answer
 */

/**
 * Frames in, pictures and answers out, both in the order of the frames.
 *
 * Frames are decoded side by side; a picture is handed on once all earlier frames have been. A frame
 * that cannot be decoded gives no picture, so that the old one stays.
 */
export class FramePipeline {
  /** @type {Entry[]} */
  #entries = [];

  /**
   * @param {object} outlets
   * @param {string[]} outlets.codecs  names by codec number
   * @param {Map<string, import("../decoders/registry.js").Decoder>} outlets.decoders
   * @param {() => number} outlets.now_ms
   * @param {(frame: Frame, parts: PicturePart[], received_ms: number, decoded_ms: number) => void}
   *   outlets.show  hands a picture on; `presented` tells that it is on screen
   * @param {(answer: Answer) => void} outlets.reply
   */
  constructor({ codecs, decoders, now_ms, show, reply }) {
    this.codecs = codecs;
    this.decoders = decoders;
    this.now_ms = now_ms;
    this.show = show;
    this.reply = reply;
  }

  /**
   * @param {Frame} frame
   * @param {number} received_ms  when its last byte was there
   */
  receive(frame, received_ms) {
    /** @type {Entry} */
    const entry = { frame, received_ms, decoded_ms: 0, parts: null, answer: null };
    this.#entries.push(entry);
    try {
      const parts = decodeFrame(frame.rectangles, this.codecs, this.decoders);
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
   * The picture with this serial is on screen.
   * @param {number} serial
   * @param {number} at_ms
   */
  presented(serial, at_ms) {
    const entry = this.#entries.find(({ frame }) => frame.serial === serial);
    if (entry === undefined) return;
    entry.answer = {
      type: "FrameShown",
      serial,
      decode_us: microseconds(entry.decoded_ms - entry.received_ms),
      present_us: microseconds(at_ms - entry.decoded_ms),
      queued: 0,
    };
    this.#replyInOrder();
  }

  /**
   * @param {Entry} entry
   * @param {PicturePart[]} parts
   */
  #decoded(entry, parts) {
    entry.parts = parts;
    entry.decoded_ms = this.now_ms();
    this.#showInOrder();
  }

  /**
   * @param {Entry} entry
   * @param {DecodeError} error
   */
  #failed(entry, { codec, reason }) {
    entry.decoded_ms = this.now_ms();
    entry.answer = {
      type: "FrameFailed",
      serial: entry.frame.serial,
      codec: clipText(codec, 255),
      reason: clipText(reason, 255),
    };
    this.#showInOrder();
    this.#replyInOrder();
  }

  #showInOrder() {
    for (const entry of this.#entries) {
      if (entry.decoded_ms === 0) return;
      if (entry.parts === null) continue;
      const parts = entry.parts;
      entry.parts = null;
      this.show(entry.frame, parts, entry.received_ms, entry.decoded_ms);
    }
  }

  #replyInOrder() {
    while (this.#entries.length > 0 && this.#entries[0].answer !== null) {
      const { answer } = /** @type {Entry} */ (this.#entries.shift());
      if (answer?.type === "FrameShown") answer.queued = Math.min(this.#entries.length, 255);
      this.reply(/** @type {Answer} */ (answer));
    }
  }
}

/** @param {number} duration_ms */
function microseconds(duration_ms) {
  return Math.min(Math.max(Math.round(duration_ms * 1000), 0), 0xffffffff);
}
