import { ProtocolError } from "../errors.js";

/** @param {import("./messages.js").KeyEvent} event */
export function checkLocks({ locks }) {
  if (locks > 7) throw new ProtocolError(`locks are ${locks}`);
}

/** @param {{width: number, height: number}} size */
export function checkSize({ width, height }) {
  if (width === 0 || height === 0) throw new ProtocolError(`a size is ${width}x${height}`);
}

/** @param {{permissions: number}} message */
export function checkPermissions({ permissions }) {
  if (permissions > 7) throw new ProtocolError(`permissions are ${permissions}`);
}

/** @param {import("./messages.js").Welcome} welcome */
export function checkWelcome(welcome) {
  checkSize(welcome);
  checkPermissions(welcome);
}

/** @param {import("./messages.js").Frame} frame */
export function checkFrame({ width, height, rectangles }) {
  checkSize({ width, height });
  for (const { operation, quality, ...place } of rectangles) {
    if (operation !== 0) {
      throw new ProtocolError(`rectangle operation ${operation} was not agreed on`);
    }
    if (quality > 100) throw new ProtocolError(`a rectangle's quality is ${quality}`);
    checkSize(place);
    if (place.x + place.width > width || place.y + place.height > height) {
      throw new ProtocolError(
        `rectangle ${place.width}x${place.height}+${place.x}+${place.y} is not inside ${width}x${height}`,
      );
    }
  }
}

/** @param {import("./messages.js").CursorImage} cursor */
export function checkCursor({ width, height, rgba }) {
  if (rgba.length !== width * height * 4) {
    throw new ProtocolError(`${rgba.length} bytes are no RGBA image of ${width}x${height}`);
  }
}

/** @param {import("./messages.js").Notice} notice */
export function checkSeverity({ severity }) {
  if (severity > 2) throw new ProtocolError(`a severity is ${severity}`);
}
