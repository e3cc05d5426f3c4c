/**
 * resize: the desktop takes the window's size; fit: it is scaled into the window; native: one
 * desktop pixel is one unit of the screen, with scroll bars when it is larger.
 * @typedef {"resize" | "fit" | "native"} ScaleMode
 */

/** @typedef {{width: number, height: number}} Size */

/**
 * Where the picture lies in the viewport, in CSS pixels, and how it is scaled.
 * @typedef {object} PictureLayout
 * @property {number} left
 * @property {number} top
 * @property {number} width
 * @property {number} height
 * @property {boolean} isPixelated  true when each pixel is shown as whole device pixels
 */

export const SMALLEST_SIDE = 64;
export const LARGEST_SIDE = 16384;

/**
 * Device pixels for one desktop pixel at natural size: a whole number, so that nothing blurs.
 * @param {number} ratio  device pixels per CSS pixel
 * @param {boolean} usesDevicePixels  true: as fine as the screen is; false: as large as other pages
 */
export function naturalScale(ratio, usesDevicePixels) {
  return usesDevicePixels ? 1 : Math.max(1, Math.floor(ratio + 0.01));
}

/**
 * The desktop size that fills a viewport at natural size.
 * @param {Size} viewport  in device pixels
 * @param {number} scale  from `naturalScale`
 * @returns {Size}
 */
export function wantedSize(viewport, scale) {
  /** @param {number} side */
  const limited = (side) =>
    Math.min(Math.max(Math.floor(side / scale), SMALLEST_SIDE), LARGEST_SIDE);
  return { width: limited(viewport.width), height: limited(viewport.height) };
}

/**
 * @param {object} given
 * @param {Size} given.framebuffer  in desktop pixels
 * @param {Size} given.viewport  in device pixels
 * @param {number} given.ratio  device pixels per CSS pixel
 * @param {ScaleMode} given.mode
 * @param {boolean} given.usesDevicePixels
 * @returns {PictureLayout}
 */
export function layOut({ framebuffer, viewport, ratio, mode, usesDevicePixels }) {
  const natural = naturalScale(ratio, usesDevicePixels);
  const fitting = Math.min(
    viewport.width / framebuffer.width,
    viewport.height / framebuffer.height,
  );
  const scale = mode === "native" ? natural : mode === "fit" ? fitting : Math.min(natural, fitting);
  const width = Math.max(1, Math.round(framebuffer.width * scale));
  const height = Math.max(1, Math.round(framebuffer.height * scale));
  return {
    left: Math.max(0, Math.floor((viewport.width - width) / 2)) / ratio,
    top: Math.max(0, Math.floor((viewport.height - height) / 2)) / ratio,
    width: width / ratio,
    height: height / ratio,
    isPixelated: scale >= 1 && Math.abs(scale - Math.round(scale)) < 1e-6,
  };
}

/**
 * The desktop pixel under a point of the page.
 * @param {{x: number, y: number}} point  in CSS pixels from the page's viewport
 * @param {{left: number, top: number, width: number, height: number}} box  the picture's, the same
 * @param {Size} framebuffer
 */
export function toFramebuffer(point, box, framebuffer) {
  return {
    x: pixelAt(point.x - box.left, box.width, framebuffer.width),
    y: pixelAt(point.y - box.top, box.height, framebuffer.height),
  };
}

/**
 * @param {number} distance
 * @param {number} length
 * @param {number} pixels
 */
function pixelAt(distance, length, pixels) {
  if (length <= 0) return 0;
  return Math.min(Math.max(Math.floor((distance * pixels) / length), 0), pixels - 1);
}
