import { ProtocolError } from "../errors.js";

const LENGTH_BYTES = 4;
/** A frame with its order, or the largest message of another lane. */
export const MOST_UNIT_BYTES = 16 * 1024 * 1024 + 4096;

/**
 * Put a length before a unit, for a stream that does not keep units apart.
 * @param {Uint8Array<ArrayBuffer>} unit
 */
export function withLength(unit) {
  const framed = new Uint8Array(LENGTH_BYTES + unit.length);
  new DataView(framed.buffer).setUint32(0, unit.length);
  framed.set(unit, LENGTH_BYTES);
  return framed;
}

/** Cuts a byte stream into units by the lengths before them. */
export class UnitReader {
  /** @type {Uint8Array<ArrayBuffer>[]} */
  #pieces = [];
  #length = 0;

  /**
   * Give the units that are whole now.
   * @param {Uint8Array<ArrayBuffer>} piece  must not change any more
   * @returns {Generator<Uint8Array<ArrayBuffer>, void>}
   * @throws {ProtocolError} a unit is too long
   */
  *receive(piece) {
    this.#pieces.push(piece);
    this.#length += piece.length;
    while (this.#length >= LENGTH_BYTES) {
      if (this.#pieces[0].length < LENGTH_BYTES) this.#join();
      const [first] = this.#pieces;
      const length = new DataView(first.buffer, first.byteOffset).getUint32(0);
      if (length > MOST_UNIT_BYTES) throw new ProtocolError(`a unit of ${length} bytes`);
      const end = LENGTH_BYTES + length;
      if (this.#length < end) return;
      this.#join();
      const [whole] = this.#pieces;
      this.#pieces = [whole.subarray(end)];
      this.#length -= end;
      yield whole.subarray(LENGTH_BYTES, end);
    }
  }

  #join() {
    if (this.#pieces.length > 1) this.#pieces = [joined(this.#pieces)];
  }
}

/**
 * @param {Uint8Array<ArrayBuffer>[]} pieces
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function joined(pieces) {
  if (pieces.length === 1) return pieces[0];
  const whole = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let place = 0;
  for (const piece of pieces) {
    whole.set(piece, place);
    place += piece.length;
  }
  return whole;
}

/**
 * What is sent loosely says after how much of the control lane it was sent.
 * @param {number} sequence
 * @param {number} controlUnits  sent on this connection before
 * @param {Uint8Array<ArrayBuffer>} unit
 */
export function looseDatagram(sequence, controlUnits, unit) {
  const datagram = new Uint8Array(8 + unit.length);
  const view = new DataView(datagram.buffer);
  view.setUint32(0, sequence);
  view.setUint32(4, controlUnits);
  datagram.set(unit, 8);
  return datagram;
}
