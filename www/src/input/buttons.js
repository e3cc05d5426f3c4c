/** Buttons on the wire (as X11 numbers them) by bit of `PointerEvent.buttons`. */
const BUTTON_OF_BIT = [
  [1, 1],
  [4, 2],
  [2, 3],
  [8, 8],
  [16, 9],
];

/** Compares which buttons are down with what was told before, so that none is ever missed. */
export class ButtonTracker {
  #down = 0;

  /**
   * @param {number} buttons  `PointerEvent.buttons`
   * @param {{x: number, y: number}} place  in desktop pixels
   * @returns {import("../protocol/messages.js").PointerButton[]}
   */
  update(buttons, { x, y }) {
    const changed = this.#down ^ buttons;
    this.#down = buttons;
    return BUTTON_OF_BIT.filter(([bit]) => changed & bit).map(([bit, button]) => ({
      type: "PointerButton",
      button,
      pressed: (buttons & bit) !== 0,
      x,
      y,
    }));
  }
}
