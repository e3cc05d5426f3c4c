import { ButtonTracker } from "./buttons.js";
import { TouchGestures } from "./touch.js";
import { WheelCounter } from "./wheel.js";

/**
 * @typedef {import("../protocol/messages.js").ClientMessage} ClientMessage
 * @typedef {{clientX: number, clientY: number}} ClientPoint
 */

/** Mouse, pen, wheel and fingers on the picture. */
export class Pointer {
  #buttons = new ButtonTracker();
  #wheel = new WheelCounter();
  #touch = new TouchGestures();
  #longPressTimer = 0;
  /** Newest place that has not been told. @type {{x: number, y: number} | null} */
  #untold = null;
  #told = { x: -1, y: -1 };
  #frame = 0;
  #abort = new AbortController();

  /**
   * @param {HTMLElement} surface
   * @param {object} options
   * @param {(point: ClientPoint) => {x: number, y: number}} options.pixelAt  the desktop pixel there
   * @param {(message: ClientMessage) => void} options.send
   * @param {(event: MouseEvent) => void} options.happened  before a button, wheel or touch is told
   */
  constructor(surface, { pixelAt, send, happened }) {
    this.surface = surface;
    this.pixelAt = pixelAt;
    this.send = send;
    this.happened = happened;
    /** False: nothing is sent. */
    this.isEnabled = true;
    this.#listen();
  }

  dispose() {
    this.#abort.abort();
    clearTimeout(this.#longPressTimer);
    cancelAnimationFrame(this.#frame);
  }

  #listen() {
    const { signal } = this.#abort;
    /** @type {[string, (event: PointerEvent) => void][]} */
    const handlers = [
      ["pointerdown", (event) => this.#down(event)],
      ["pointermove", (event) => this.#move(event)],
      ["pointerup", (event) => this.#up(event)],
      ["pointercancel", (event) => this.#cancel(event)],
    ];
    for (const [type, handle] of handlers) {
      const listener = /** @type {EventListener} */ (/** @type {unknown} */ (handle));
      this.surface.addEventListener(type, listener, { signal });
    }
    this.surface.addEventListener("wheel", (event) => this.#turn(event), {
      signal,
      passive: false,
    });
    for (const type of ["contextmenu", "auxclick", "mousedown", "dragstart"]) {
      this.surface.addEventListener(type, (event) => event.preventDefault(), { signal });
    }
  }

  /** @param {PointerEvent} event */
  #down(event) {
    event.preventDefault();
    this.happened(event);
    if (!this.isEnabled) return;
    this.surface.setPointerCapture(event.pointerId);
    if (event.pointerType === "touch") {
      this.#sendAll(this.#touch.down(event.pointerId, this.#touchPoint(event), event.timeStamp));
      this.#awaitLongPress();
    } else this.#tellButtons(event);
  }

  /** @param {PointerEvent} event */
  #move(event) {
    if (!this.isEnabled) return;
    if (event.pointerType === "touch") {
      this.#sendAll(this.#touch.move(event.pointerId, this.#touchPoint(event)));
      if (!this.#touch.mayBecomeLongPress) clearTimeout(this.#longPressTimer);
      return;
    }
    this.#untold = this.pixelAt(event);
    if (event.button !== -1) this.#tellButtons(event);
    else if (this.#frame === 0) this.#tellPlace();
  }

  /** @param {PointerEvent} event */
  #up(event) {
    if (!this.isEnabled) return;
    event.preventDefault();
    if (event.pointerType === "touch") {
      clearTimeout(this.#longPressTimer);
      this.#sendAll(this.#touch.up(event.pointerId, this.#touchPoint(event)));
    } else this.#tellButtons(event);
  }

  /** @param {PointerEvent} event */
  #cancel(event) {
    if (!this.isEnabled) return;
    clearTimeout(this.#longPressTimer);
    if (event.pointerType === "touch") this.#sendAll(this.#touch.cancel(event.pointerId));
    else this.#sendAll(this.#buttons.update(0, this.pixelAt(event)));
  }

  /** @param {WheelEvent} event */
  #turn(event) {
    event.preventDefault();
    if (!this.isEnabled) return;
    this.happened(event);
    const turned = this.#wheel.turn(event);
    if (turned !== null) {
      this.#sendAll([{ type: "WheelTurned", ...turned, ...this.pixelAt(event) }]);
    }
  }

  /** @param {PointerEvent} event */
  #tellButtons(event) {
    this.#untold = null;
    this.#told = this.pixelAt(event);
    this.#sendAll(this.#buttons.update(event.buttons, this.#told));
  }

  /** Tell the newest place now, and the next one not before the next animation frame. */
  #tellPlace() {
    const place = this.#untold;
    this.#untold = null;
    if (place === null || (place.x === this.#told.x && place.y === this.#told.y)) return;
    this.#told = place;
    this.send({ type: "PointerMoved", ...place });
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#tellPlace();
    });
  }

  #awaitLongPress() {
    clearTimeout(this.#longPressTimer);
    if (!this.#touch.mayBecomeLongPress) return;
    this.#longPressTimer = window.setTimeout(
      () => this.#sendAll(this.#touch.waited(performance.now())),
      TouchGestures.longPress_ms + 20,
    );
  }

  /** @param {PointerEvent} event */
  #touchPoint(event) {
    return { ...this.pixelAt(event), cssX: event.clientX, cssY: event.clientY };
  }

  /** @param {ClientMessage[]} messages */
  #sendAll(messages) {
    messages.forEach((message) => this.send(message));
  }
}
