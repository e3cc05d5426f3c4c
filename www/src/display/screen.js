import { Painter } from "./painter.js";
import { RegionOverlay } from "./region_overlay.js";
import { layOut, naturalScale, toFramebuffer, wantedSize } from "./scaling.js";

/**
 * @typedef {import("./scaling.js").ScaleMode} ScaleMode
 * @typedef {import("./scaling.js").Size} Size
 */

const RESIZE_SETTLES_MS = 200;

/**
 * The picture in the page. It is drawn on the page's own thread: there a small change is on screen
 * with the next animation frame, from an OffscreenCanvas of a worker one or two later.
 */
export class Screen {
  #painter;
  /** @type {RegionOverlay | null} */
  #overlay = null;
  /** @type {Size} */
  #viewport = { width: 0, height: 0 };
  #settling = 0;
  #ratio = 0;
  /** @type {ResizeObserver} */
  #observer;
  #relayOut = () => this.#measure();

  /**
   * @param {HTMLElement} element  filled by the picture; its size is the viewport
   * @param {object} options
   * @param {ScaleMode} options.mode
   * @param {boolean} options.usesDevicePixels
   * @param {() => void} options.viewportChanged  called when a new size has lasted a moment
   * @param {() => void} options.laidOut  called when place or scale of the picture changed
   * @param {() => void} options.contentsLost  the browser dropped the picture; all must come again
   */
  constructor(element, { mode, usesDevicePixels, viewportChanged, laidOut, contentsLost }) {
    this.mode = mode;
    this.usesDevicePixels = usesDevicePixels;
    this.viewportChanged = viewportChanged;
    this.laidOut = laidOut;
    this.root = document.createElement("div");
    Object.assign(this.root.style, { position: "relative", width: "100%", height: "100%" });
    this.canvas = document.createElement("canvas");
    this.canvas.width = 1;
    this.canvas.height = 1;
    Object.assign(this.canvas.style, {
      position: "absolute",
      display: "block",
      touchAction: "none",
    });
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", "Picture of the remote desktop");
    this.root.append(this.canvas);
    element.append(this.root);
    this.#painter = new Painter(this.canvas);
    this.canvas.addEventListener("contextrestored", contentsLost);
    this.#observer = new ResizeObserver((entries) => this.#measure(entries[0]));
    try {
      this.#observer.observe(this.root, { box: "device-pixel-content-box" });
    } catch {
      this.#observer.observe(this.root); // Safari has no device-pixel-content-box
    }
    window.addEventListener("resize", this.#relayOut);
    this.#measure();
  }

  /** What drawing a `VideoFrame` takes here, in ms per megapixel, if that is long; else 0. */
  get slowDrawing_ms() {
    return this.#painter.slowDrawing_ms;
  }

  /** Size of the picture in desktop pixels. @returns {Size} */
  get framebuffer() {
    return { width: this.canvas.width, height: this.canvas.height };
  }

  /** The desktop size that would fill the viewport; null while it has no size. */
  get wantedSize() {
    if (this.#viewport.width === 0 || this.#viewport.height === 0) return null;
    return wantedSize(this.#viewport, naturalScale(window.devicePixelRatio, this.usesDevicePixels));
  }

  /** CSS pixels that one desktop pixel takes. */
  get cssScale() {
    return this.canvas.getBoundingClientRect().width / this.canvas.width;
  }

  /**
   * Draw all parts of a frame at once, in their order; a new size starts from black.
   * @param {Size} size
   * @param {import("../decoders/decode_frame.js").PicturePart[]} parts
   * @returns {ArrayBuffer[]}  memory of pixels that can be used again
   */
  present({ width, height }, parts) {
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
      this.#layOut();
    }
    for (const part of parts) this.#painter.paint(part);
    this.#overlay?.note(parts.filter(isDrawn), performance.now());
    return parts.flatMap(({ image }) => (image instanceof Uint8ClampedArray ? [image.buffer] : []));
  }

  /**
   * The desktop pixel under a point of the page, in CSS pixels from the page's viewport.
   * @param {{clientX: number, clientY: number}} event
   */
  pixelAt({ clientX, clientY }) {
    const box = this.canvas.getBoundingClientRect();
    return toFramebuffer({ x: clientX, y: clientY }, box, this.framebuffer);
  }

  /**
   * @param {{mode?: ScaleMode, usesDevicePixels?: boolean}} options
   */
  configure({ mode = this.mode, usesDevicePixels = this.usesDevicePixels }) {
    this.mode = mode;
    this.usesDevicePixels = usesDevicePixels;
    this.#layOut();
  }

  /**
   * Show what is drawn where, over the picture.
   * @param {boolean} isShown
   */
  showRegions(isShown) {
    if (isShown === (this.#overlay !== null)) return;
    this.#overlay?.dispose();
    this.#overlay = isShown ? new RegionOverlay(this.canvas) : null;
  }

  /** Take the picture out of the page. */
  dispose() {
    this.showRegions(false);
    clearTimeout(this.#settling);
    this.#observer.disconnect();
    window.removeEventListener("resize", this.#relayOut);
    this.root.remove();
  }

  /** @param {ResizeObserverEntry=} entry */
  #measure(entry) {
    const ratio = window.devicePixelRatio;
    const device = entry?.devicePixelContentBoxSize?.[0];
    const known = this.#viewport;
    const width = near(device?.inlineSize ?? known.width, this.root.clientWidth * ratio);
    const height = near(device?.blockSize ?? known.height, this.root.clientHeight * ratio);
    if (width === known.width && height === known.height && ratio === this.#ratio) return;
    this.#viewport = { width, height };
    this.#ratio = ratio;
    this.#layOut();
    clearTimeout(this.#settling);
    this.#settling = window.setTimeout(() => this.viewportChanged(), RESIZE_SETTLES_MS);
  }

  #layOut() {
    if (this.#viewport.width === 0 || this.#viewport.height === 0) return;
    const layout = layOut({
      framebuffer: this.framebuffer,
      viewport: this.#viewport,
      ratio: this.#ratio,
      mode: this.mode,
      usesDevicePixels: this.usesDevicePixels,
    });
    this.root.style.overflow = this.mode === "native" ? "auto" : "hidden";
    Object.assign(this.canvas.style, {
      left: `${layout.left}px`,
      top: `${layout.top}px`,
      width: `${layout.width}px`,
      height: `${layout.height}px`,
      imageRendering: layout.isPixelated ? "pixelated" : "auto",
    });
    this.#overlay?.follow();
    this.laidOut();
  }
}

/**
 * Packets that are hidden or replaced leave the picture as it is.
 * @param {import("../decoders/decode_frame.js").PicturePart} part
 */
function isDrawn({ image, source }) {
  return image !== null || source !== null;
}

/**
 * A length in device pixels: what the browser measured, unless that differs by more than rounding
 * from what follows from CSS pixels (an old measure, or a screen that developer tools emulate).
 * @param {number} measured
 * @param {number} computed
 */
function near(measured, computed) {
  return Math.abs(measured - computed) <= 1 ? measured : Math.round(computed);
}
