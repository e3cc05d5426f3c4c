import { ProtocolError } from "../errors.js";
import { checkInside, checkOperation } from "./rectangles.js";

/** Stands for the quality that the server is set to. */
export const SERVERS_QUALITY = 255;

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
  const size = { width, height };
  checkSize(size);
  for (const rectangle of rectangles) {
    if (rectangle.quality > 100) {
      throw new ProtocolError(`a rectangle's quality is ${rectangle.quality}`);
    }
    checkSize(rectangle);
    checkInside(rectangle, size);
    checkOperation(rectangle, size);
  }
}

/** @param {import("./messages.js").PictureSettings} settings */
export function checkPictureSettings({ min_quality, max_quality, video }) {
  for (const quality of [min_quality, max_quality]) {
    if (quality > 100 && quality !== SERVERS_QUALITY) {
      throw new ProtocolError(`a quality is ${quality}`);
    }
  }
  if (video > 2) throw new ProtocolError(`a video preference is ${video}`);
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
