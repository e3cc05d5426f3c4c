import { StreamInterruptedError } from "../errors.js";

/** Each holds a decoder of the browser and its pictures: what is over is closed, the oldest first. */
const MOST_STREAMS = 16;

/**
 * @typedef {object} OpenStream
 * @property {string} codec
 * @property {{width: number, height: number}} size
 * @property {import("./registry.js").DecodingStream} decoding
 */

/** The video streams of one connection, by their numbers. */
export class OpenStreams {
  /** The one used last stands last. @type {Map<number, OpenStream>} */
  #open = new Map();

  /**
   * @param {import("./registry.js").StreamDecoder} decoder
   * @param {{stream: number, isKey: boolean, packet: Uint8Array<ArrayBuffer>}} video
   * @param {{width: number, height: number}} size
   * @returns {Promise<VideoFrame | null>}
   * @throws {import("../errors.js").DecodeError} at once or later
   */
  decode(decoder, { stream, isKey, packet }, { width, height }) {
    const known = this.#open.get(stream);
    let open = known;
    if (isKey && !(known && isLike(known, decoder.codec, width, height))) {
      known?.decoding.close();
      const size = { width, height };
      open = { codec: decoder.codec, size, decoding: decoder.openStream(size) };
    }
    if (open === undefined) {
      throw new StreamInterruptedError(decoder.codec, `stream ${stream} has not begun`);
    }
    this.#open.delete(stream);
    this.#open.set(stream, open);
    if (this.#open.size > MOST_STREAMS) this.#closeOldest();
    return open.decoding.decode(packet, isKey);
  }

  /** Close all; what is under way still comes out. */
  close() {
    for (const { decoding } of this.#open.values()) decoding.close();
    this.#open.clear();
  }

  #closeOldest() {
    const [[number, { decoding }]] = this.#open;
    this.#open.delete(number);
    decoding.close();
  }
}

/**
 * @param {OpenStream} open
 * @param {string} codec
 * @param {number} width
 * @param {number} height
 */
function isLike({ codec: known, size }, codec, width, height) {
  return known === codec && size.width === width && size.height === height;
}
