import { DrawTimer } from "./draw_timer.js";

/**
 * @typedef {import("../decoders/decode_frame.js").PicturePart} PicturePart
 * @typedef {{width: number, height: number}} Size
 * @typedef {{x: number, y: number, width: number, height: number}} Place
 */

/** Draws the parts of frames on a canvas. */
export class Painter {
  #context;
  #scratch;
  /** What drawing a `VideoFrame` takes here, in ms per megapixel, if that is long; else 0. */
  slowDrawing_ms = 0;
  #timer = new DrawTimer((drawing_ms) => (this.slowDrawing_ms = drawing_ms));

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.#context = contextOf(canvas);
    this.#scratch = contextOf(document.createElement("canvas"));
    Object.assign(this.#scratch.canvas, { width: 1, height: 1 });
  }

  /**
   * Draw one part, or what of it is visible, and free its image.
   * @param {PicturePart} part
   */
  paint(part) {
    const { visible } = part;
    if (visible === undefined) {
      this.#paint(part, [part]);
      return;
    }
    this.#context.save();
    this.#context.beginPath();
    for (const { x, y, width, height } of visible) this.#context.rect(x, y, width, height);
    this.#context.clip();
    this.#paint(part, visible);
    this.#context.restore();
  }

  /**
   * @param {PicturePart} part
   * @param {Place[]} visible  pixels are put there alone, for they ignore the clip
   */
  #paint({ x, y, width, height, image, shown, source }, visible) {
    if (source !== null) this.#copy(source, { x, y }, { width, height });
    if (image === null) return;
    if (image instanceof Uint8ClampedArray) {
      const pixels = new ImageData(image, image.length / 4 / shown.height, shown.height);
      if (shown.width === width && shown.height === height) {
        for (const each of visible) {
          const [left, top] = [each.x - x, each.y - y];
          this.#context.putImageData(pixels, x, y, left, top, each.width, each.height);
        }
      } else {
        this.#makeRoom(shown);
        this.#scratch.putImageData(pixels, 0, 0);
        this.#stretch(this.#scratch.canvas, shown, { x, y }, { width, height });
      }
    } else {
      const started_ms = performance.now();
      this.#stretch(image, shown, { x, y }, { width, height });
      image.close();
      if ("displayWidth" in image) this.#timer.drew(width * height, performance.now() - started_ms);
    }
  }

  /**
   * Copy a part of the picture to another place of it.
   *
   * Over a second canvas: one that draws itself is duplicated as a whole by browsers first, which
   * took five times as long (10 ms at 1920 x 1080 without a GPU).
   * @param {{x: number, y: number}} source
   * @param {{x: number, y: number}} target
   * @param {Size} size
   */
  #copy(source, target, size) {
    const { width, height } = size;
    this.#makeRoom(size);
    this.#scratch.drawImage(this.canvas, source.x, source.y, width, height, 0, 0, width, height);
    this.#stretch(this.#scratch.canvas, size, target, size);
  }

  /**
   * @param {CanvasImageSource} image
   * @param {Size} shown  its top left part that is drawn
   * @param {{x: number, y: number}} target
   * @param {Size} size
   */
  #stretch(image, shown, { x, y }, { width, height }) {
    this.#context.drawImage(image, 0, 0, shown.width, shown.height, x, y, width, height);
  }

  /** @param {Size} size */
  #makeRoom({ width, height }) {
    const { canvas } = this.#scratch;
    if (canvas.width < width) canvas.width = width;
    if (canvas.height < height) canvas.height = height;
  }
}

/** @param {HTMLCanvasElement} canvas */
function contextOf(canvas) {
  const context = canvas.getContext("2d", { alpha: false });
  if (context === null) throw new Error("a new canvas has no 2D context");
  return context;
}
