import { joined } from "./units.js";

const HEAD_BYTES = 8;
const MOST_FRAMES = 64;
const MOST_BYTES = 32 * 1024 * 1024;
/** A frame whose last chunk came so long ago is not completed any more. */
const MOST_AGE_MS = 5000;

/**
 * @typedef {object} PartialFrame
 * @property {(Uint8Array<ArrayBuffer> | undefined)[]} chunks
 * @property {number} missing
 * @property {number} bytes
 * @property {number} newest_ms
 */

/** Puts frames together whose chunks come one by one, in any order, or not at all. */
export class ChunkedFrames {
  /** @type {Map<number, PartialFrame>} */
  #partial = new Map();
  #bytes = 0;

  /**
   * @param {Uint8Array<ArrayBuffer>} packet  u32 serial; u16 index; u16 count; bytes
   * @param {number} now_ms
   * @returns {Uint8Array<ArrayBuffer> | null}  a unit that is whole now
   */
  receive(packet, now_ms) {
    if (packet.length < HEAD_BYTES) return null;
    const view = new DataView(packet.buffer, packet.byteOffset);
    const [serial, index, count] = [view.getUint32(0), view.getUint16(4), view.getUint16(6)];
    const chunk = packet.subarray(HEAD_BYTES);
    if (index >= count) return null;
    if (count === 1) return chunk;
    const frame = this.#partial.get(serial) ?? this.#begin(serial, count, now_ms);
    if (frame.chunks.length !== count || frame.chunks[index] !== undefined) return null;
    frame.chunks[index] = chunk;
    frame.missing -= 1;
    frame.bytes += chunk.length;
    frame.newest_ms = now_ms;
    this.#bytes += chunk.length;
    if (frame.missing > 0) return null;
    this.#drop(serial);
    return joined(/** @type {Uint8Array<ArrayBuffer>[]} */ (frame.chunks));
  }

  /**
   * @param {number} serial
   * @param {number} count
   * @param {number} now_ms
   */
  #begin(serial, count, now_ms) {
    for (const [other, { newest_ms }] of this.#partial) {
      const isOver = this.#partial.size >= MOST_FRAMES || this.#bytes > MOST_BYTES;
      if (isOver || now_ms - newest_ms > MOST_AGE_MS) this.#drop(other);
    }
    const frame = { chunks: new Array(count), missing: count, bytes: 0, newest_ms: now_ms };
    this.#partial.set(serial, frame);
    return frame;
  }

  /** @param {number} serial */
  #drop(serial) {
    this.#bytes -= this.#partial.get(serial)?.bytes ?? 0;
    this.#partial.delete(serial);
  }
}

/** A data channel message of another lane: a flag whether more of the unit follows, then bytes. */
const MOST_PIECE_BYTES = 16 * 1024;

/**
 * @param {Uint8Array<ArrayBuffer>} unit
 * @returns {Uint8Array<ArrayBuffer>[]}
 */
export function piecesOf(unit) {
  const pieces = [];
  for (let start = 0; start === 0 || start < unit.length; start += MOST_PIECE_BYTES) {
    const part = unit.subarray(start, start + MOST_PIECE_BYTES);
    const piece = new Uint8Array(1 + part.length);
    piece[0] = start + MOST_PIECE_BYTES < unit.length ? 1 : 0;
    piece.set(part, 1);
    pieces.push(piece);
  }
  return pieces;
}

/** Joins what `piecesOf` cut. */
export class PieceJoiner {
  /** @type {Uint8Array<ArrayBuffer>[]} */
  #kept = [];
  #bytes = 0;

  /**
   * @param {Uint8Array<ArrayBuffer>} piece
   * @returns {Uint8Array<ArrayBuffer> | null}  a unit that is whole now
   */
  receive(piece) {
    if (piece.length === 0) return null;
    this.#kept.push(piece.subarray(1));
    this.#bytes += piece.length;
    if (piece[0] === 1 && this.#bytes <= MOST_BYTES) return null;
    const unit = joined(this.#kept);
    this.#kept = [];
    this.#bytes = 0;
    return unit;
  }
}
