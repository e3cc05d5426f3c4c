/**
 * A finger's place: `x`, `y` in desktop pixels, `cssX`, `cssY` in CSS pixels.
 * @typedef {{x: number, y: number, cssX: number, cssY: number}} TouchPoint
 */

/**
 * @typedef {import("../protocol/messages.js").PointerMoved |
 *   import("../protocol/messages.js").PointerButton |
 *   import("../protocol/messages.js").WheelTurned} PointerMessage
 */

const LEFT = 1;
const RIGHT = 3;
/** Buttons of a tap, by the number of fingers. */
const TAP_BUTTONS = [LEFT, RIGHT, 2];
/** A finger trembles so far, in CSS pixels. */
const SLOP = 8;
const LONG_PRESS_MS = 600;
/** Two fingers turn the wheel by one notch over so many CSS pixels. */
const SCROLL_OF_NOTCH = 30;

/**
 * Fingers as a mouse: tap clicks (two fingers right, three middle), one finger drags, a long press
 * drags with the right button, two fingers scroll. No DOM, no clock.
 */
export class TouchGestures {
  /** @type {Map<number, {start: TouchPoint, last: TouchPoint}>} */
  #fingers = new Map();
  #mostFingers = 0;
  #startedAt_ms = 0;
  /** Button that is down; 0: none. */
  #button = 0;
  #hasScrolled = false;

  /** True while a single finger rests: call `waited` when the long press is over. */
  get mayBecomeLongPress() {
    return this.#fingers.size === 1 && this.#mostFingers === 1 && this.#button === 0;
  }

  static longPress_ms = LONG_PRESS_MS;

  /**
   * @param {number} id
   * @param {TouchPoint} point
   * @param {number} now_ms
   * @returns {PointerMessage[]}
   */
  down(id, point, now_ms) {
    if (this.#fingers.size === 0) {
      this.#mostFingers = 0;
      this.#startedAt_ms = now_ms;
      this.#hasScrolled = false;
    }
    this.#fingers.set(id, { start: point, last: point });
    this.#mostFingers = Math.max(this.#mostFingers, this.#fingers.size);
    return this.#fingers.size === 1 ? [{ type: "PointerMoved", x: point.x, y: point.y }] : [];
  }

  /**
   * @param {number} id
   * @param {TouchPoint} point
   * @returns {PointerMessage[]}
   */
  move(id, point) {
    const finger = this.#fingers.get(id);
    if (finger === undefined) return [];
    if (this.#mostFingers === 2) return this.#scroll(finger, point);
    if (this.#mostFingers > 2) return [];
    const isDrag = distance(finger.start, point) > SLOP;
    if (this.#button === 0 && !isDrag) return [];
    finger.last = point;
    const moved = /** @type {const} */ ({ type: "PointerMoved", x: point.x, y: point.y });
    return this.#button === 0 ? [this.#press(LEFT, finger.start), moved] : [moved];
  }

  /**
   * The long press is over and no finger has moved.
   * @param {number} now_ms
   * @returns {PointerMessage[]}
   */
  waited(now_ms) {
    if (!this.mayBecomeLongPress || now_ms - this.#startedAt_ms < LONG_PRESS_MS) return [];
    const [{ start }] = this.#fingers.values();
    return [this.#press(RIGHT, start)];
  }

  /**
   * @param {number} id
   * @param {TouchPoint} point
   * @returns {PointerMessage[]}
   */
  up(id, point) {
    const finger = this.#fingers.get(id);
    if (finger === undefined) return [];
    this.#fingers.delete(id);
    if (this.#fingers.size > 0) return [];
    if (this.#button !== 0) return [this.#release(point)];
    if (this.#hasScrolled) return [];
    const button = TAP_BUTTONS[Math.min(this.#mostFingers, TAP_BUTTONS.length) - 1];
    return [this.#press(button, finger.start), this.#release(finger.start)];
  }

  /**
   * The browser took the touch away.
   * @param {number} id
   * @returns {PointerMessage[]}
   */
  cancel(id) {
    const finger = this.#fingers.get(id);
    this.#fingers.delete(id);
    this.#hasScrolled = true;
    return finger !== undefined && this.#button !== 0 ? [this.#release(finger.last)] : [];
  }

  /**
   * @param {{start: TouchPoint, last: TouchPoint}} finger
   * @param {TouchPoint} point
   * @returns {PointerMessage[]}
   */
  #scroll(finger, point) {
    if (!this.#hasScrolled && distance(finger.start, point) <= SLOP) return [];
    // Each of the two fingers counts half. The picture follows them: down means the wheel goes up.
    const dx = Math.round((-(point.cssX - finger.last.cssX) / SCROLL_OF_NOTCH) * 60);
    const dy = Math.round((-(point.cssY - finger.last.cssY) / SCROLL_OF_NOTCH) * 60);
    finger.last = point;
    this.#hasScrolled = true;
    if (dx === 0 && dy === 0) return [];
    return [{ type: "WheelTurned", dx, dy, x: finger.start.x, y: finger.start.y }];
  }

  /**
   * @param {number} button
   * @param {TouchPoint} point
   * @returns {PointerMessage}
   */
  #press(button, { x, y }) {
    this.#button = button;
    return { type: "PointerButton", button, pressed: true, x, y };
  }

  /**
   * @param {TouchPoint} point
   * @returns {PointerMessage}
   */
  #release({ x, y }) {
    const button = this.#button;
    this.#button = 0;
    return { type: "PointerButton", button, pressed: false, x, y };
  }
}

/**
 * @param {TouchPoint} first
 * @param {TouchPoint} second
 */
function distance(first, second) {
  return Math.hypot(first.cssX - second.cssX, first.cssY - second.cssY);
}
