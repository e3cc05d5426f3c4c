/** On the wire one notch is 120. */
const NOTCH = 120;
/** What browsers scroll by one notch, by `WheelEvent.deltaMode`: pixels, lines, pages. */
const DELTA_OF_NOTCH = [100, 3, 1];
const MOST = 0x7fff;

/**
 * What is read of a WheelEvent.
 * @typedef {{deltaX: number, deltaY: number, deltaMode: number, wheelDeltaX?: number,
 *   wheelDeltaY?: number}} WheelInput
 */

/** Turns wheel events into notches of 120; keeps the fractions for the next event. */
export class WheelCounter {
  #restX = 0;
  #restY = 0;

  /**
   * @param {WheelInput} event
   * @returns {{dx: number, dy: number} | null}  null when nothing is to be sent yet
   */
  turn({ deltaX, deltaY, deltaMode, wheelDeltaX, wheelDeltaY }) {
    const x = this.#restX + units(deltaX, deltaMode, wheelDeltaX);
    const y = this.#restY + units(deltaY, deltaMode, wheelDeltaY);
    const dx = Math.max(-MOST, Math.min(Math.trunc(x), MOST));
    const dy = Math.max(-MOST, Math.min(Math.trunc(y), MOST));
    this.#restX = x - Math.trunc(x);
    this.#restY = y - Math.trunc(y);
    return dx === 0 && dy === 0 ? null : { dx, dy };
  }
}

/**
 * @param {number} delta
 * @param {number} deltaMode
 * @param {number=} wheelDelta  the older measure: exactly 120 a notch for wheels that have notches
 */
function units(delta, deltaMode, wheelDelta) {
  if (wheelDelta && wheelDelta % NOTCH === 0) return -wheelDelta;
  return (delta / DELTA_OF_NOTCH[deltaMode]) * NOTCH;
}
