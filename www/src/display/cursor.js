/** Browsers ignore larger CSS cursors. */
const LARGEST_CSS_CURSOR = 128;
const KEPT_CURSORS = 64;

/**
 * A cursor in desktop pixels.
 * @typedef {Omit<import("../protocol/messages.js").CursorImage, "type">} CursorPixels
 */

/** Shows the desktop's cursor as the browser's own, or draws it when it is too large for that. */
export class Cursor {
  /** @type {CursorPixels | null} */
  #pixels = null;
  /** @type {HTMLCanvasElement | null} */
  #overlay = null;
  /** CSS values by image and scale, oldest first. @type {Map<string, string>} */
  #known = new Map();

  /**
   * @param {HTMLElement} surface  where the cursor shows
   * @param {HTMLElement} parent  positioned; holds an overlay when one is needed
   */
  constructor(surface, parent) {
    this.surface = surface;
    this.parent = parent;
    surface.addEventListener("pointermove", (event) => this.#follow(event));
    surface.addEventListener("pointerleave", () =>
      this.#overlay?.style.setProperty("display", "none"),
    );
  }

  /**
   * @param {CursorPixels} pixels  width 0 hides the cursor
   * @param {number} cssScale  CSS pixels per desktop pixel
   */
  show(pixels, cssScale) {
    this.#pixels = pixels;
    this.rescale(cssScale);
  }

  /** @param {number} cssScale  CSS pixels per desktop pixel */
  rescale(cssScale) {
    if (this.#pixels === null) return;
    const { width, height } = this.#pixels;
    this.#overlay?.remove();
    this.#overlay = null;
    if (width === 0 || height === 0) this.surface.style.cursor = "none";
    else if (Math.max(width, height) * cssScale > LARGEST_CSS_CURSOR) {
      this.surface.style.cursor = "none";
      this.#overlay = drawScaled(this.#pixels, cssScale * window.devicePixelRatio);
      Object.assign(this.#overlay.style, {
        position: "absolute",
        display: "none",
        pointerEvents: "none",
        width: `${width * cssScale}px`,
        height: `${height * cssScale}px`,
        marginLeft: `${-this.#pixels.hotspot_x * cssScale}px`,
        marginTop: `${-this.#pixels.hotspot_y * cssScale}px`,
      });
      this.parent.append(this.#overlay);
    } else this.surface.style.cursor = this.#cssCursor(this.#pixels, cssScale);
  }

  /**
   * @param {CursorPixels} pixels
   * @param {number} cssScale
   */
  #cssCursor(pixels, cssScale) {
    const ratio = window.devicePixelRatio;
    const key = `${cssScale} ${ratio} ${fingerprint(pixels)}`;
    let css = this.#known.get(key);
    if (css === undefined) {
      const x = Math.round(pixels.hotspot_x * cssScale);
      const y = Math.round(pixels.hotspot_y * cssScale);
      const fine = drawScaled(pixels, cssScale * ratio).toDataURL();
      css = `image-set(url("${fine}") ${ratio}x) ${x} ${y}, default`;
      if (!CSS.supports("cursor", css)) {
        css = `url("${drawScaled(pixels, cssScale).toDataURL()}") ${x} ${y}, default`;
      }
    } else this.#known.delete(key);
    this.#known.set(key, css);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= KEPT_CURSORS) break;
      this.#known.delete(oldest);
    }
    return css;
  }

  /** @param {PointerEvent} event */
  #follow({ clientX, clientY }) {
    if (this.#overlay === null) return;
    const box = this.parent.getBoundingClientRect();
    Object.assign(this.#overlay.style, {
      display: "block",
      left: `${clientX - box.left + this.parent.scrollLeft}px`,
      top: `${clientY - box.top + this.parent.scrollTop}px`,
    });
  }
}

/**
 * @param {CursorPixels} pixels
 * @param {number} deviceScale  device pixels per desktop pixel
 */
function drawScaled({ width, height, rgba }, deviceScale) {
  const source = new OffscreenCanvas(width, height);
  const image = new ImageData(new Uint8ClampedArray(rgba), width, height);
  source.getContext("2d")?.putImageData(image, 0, 0);
  const target = document.createElement("canvas");
  target.width = Math.max(1, Math.round(width * deviceScale));
  target.height = Math.max(1, Math.round(height * deviceScale));
  const context = target.getContext("2d");
  if (context !== null) {
    context.imageSmoothingEnabled = !Number.isInteger(deviceScale);
    context.drawImage(source, 0, 0, target.width, target.height);
  }
  return target;
}

/**
 * FNV-1a over the pixels, with the sizes: tells cursors apart.
 * @param {CursorPixels} pixels
 */
function fingerprint({ width, height, hotspot_x, hotspot_y, rgba }) {
  let hash = 0x811c9dc5;
  for (const byte of rgba) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return `${width}x${height}+${hotspot_x}+${hotspot_y} ${hash}`;
}
