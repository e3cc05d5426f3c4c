import { DecodeError } from "../errors.js";
import { OPERATION, copySource, scaledImage, videoPacket } from "../protocol/rectangles.js";
import { FramePixels } from "./frame_pixels.js";
import { OpenStreams } from "./open_streams.js";
import { isStreamDecoder } from "./registry.js";

/**
 * One rectangle, ready to draw.
 * @typedef {object} PicturePart
 * @property {number} x
 * @property {number} y
 * @property {number} width
 * @property {number} height
 * @property {string} codec  "copy" for a copy
 * @property {number} bytes  of its payload
 * @property {import("./registry.js").Decoded | null} image  pixels as RGBA, or something to draw;
 *   null: a copy, or a packet that is not shown
 * @property {{width: number, height: number}} shown  how much of the image, from its top left, fills
 *   the rectangle; smaller than that it is stretched
 * @property {{x: number, y: number} | null} source  where a copy comes from
 * @property {number | null} stream  number of the video stream it belongs to
 * @property {{x: number, y: number, width: number, height: number}[]} [visible]  what of the
 *   rectangle is drawn; absent: all
 */

/** @typedef {import("../protocol/messages.js").FrameRectangle} FrameRectangle */
/** @typedef {PicturePart | Promise<PicturePart>} PendingPart */

/** What an encoder may add at the right and at the bottom, in pixels. */
const MOST_PADDING = 15;

/** Turns the rectangles of frames into pictures; keeps the video streams of one connection. */
export class FrameDecoder {
  /**
   * @param {string[]} codecs  names by codec number
   * @param {Map<string, import("./registry.js").Decoder>} decoders
   */
  constructor(codecs, decoders) {
    this.codecs = codecs;
    this.decoders = decoders;
    this.streams = new OpenStreams();
    this.pixels = new FramePixels();
  }

  /**
   * Decode all rectangles of a frame side by side. Call it in the order of the frames.
   *
   * Without an asynchronous decoder among them the parts come back at once, not as a promise: a
   * promise would cost a small frame a turn of the event loop.
   * @param {FrameRectangle[]} rectangles
   * @returns {PicturePart[] | Promise<PicturePart[]>}
   * @throws {DecodeError} one of them cannot be decoded; what the others gave has been freed.
   *   Nothing else is thrown.
   */
  decode(rectangles) {
    /** @type {PendingPart[]} */
    const parts = [];
    /** @type {DecodeError[]} */
    const errors = [];
    for (const rectangle of rectangles) {
      // Also after an error: a packet that a stream misses spoils those after it.
      const codec = this.codecs[rectangle.codec];
      try {
        const decoded = this.#decodePart(rectangle, codec);
        parts.push(
          decoded instanceof Promise ? decoded.catch((error) => rethrow(codec, error)) : decoded,
        );
      } catch (error) {
        errors.push(blaming(codec, error));
      }
    }
    if (errors.length > 0) {
      for (const part of parts) Promise.resolve(part).then(release, () => {});
      throw errors[0];
    }
    if (parts.some((part) => part instanceof Promise)) return allOrNone(parts);
    return /** @type {PicturePart[]} */ (parts);
  }

  /** Free the streams; what is under way still comes out. */
  close() {
    this.streams.close();
  }

  /**
   * @param {FrameRectangle} rectangle
   * @param {string} codec
   * @returns {PendingPart}
   */
  #decodePart(rectangle, codec) {
    const { operation, x, y, width, height, payload } = rectangle;
    const shown = { width, height };
    const bytes = payload.length;
    const part = { x, y, width, height, codec, bytes, image: null, shown, source: null, stream: null };
    if (operation === OPERATION.COPY) return { ...part, codec: "copy", source: copySource(payload) };
    const decoder = this.decoders.get(codec);
    if (decoder === undefined) throw new DecodeError(codec, "has no decoder here");
    if (isStreamDecoder(decoder) !== (operation === OPERATION.VIDEO)) {
      throw new DecodeError(codec, `does not decode operation ${operation}`);
    }
    if (isStreamDecoder(decoder)) return this.#decodeVideo(rectangle, decoder, part);
    return this.#decodeImage(rectangle, decoder, part);
  }

  /**
   * @param {FrameRectangle} rectangle
   * @param {import("./registry.js").StreamDecoder} decoder
   * @param {PicturePart} part
   */
  async #decodeVideo({ payload, width, height }, decoder, part) {
    const video = videoPacket(payload);
    const frame = await this.streams.decode(decoder, video, { width, height });
    const found = { ...part, stream: video.stream };
    if (frame === null) return found;
    if (video.isHidden) {
      frame.close();
      return found;
    }
    const { displayWidth, displayHeight } = frame;
    const isLarge = displayWidth >= width && displayHeight >= height;
    if (isLarge && displayWidth <= width + MOST_PADDING && displayHeight <= height + MOST_PADDING) {
      return { ...found, image: await this.pixels.prepare(frame, part.shown) };
    }
    frame.close();
    const reason = `gave ${displayWidth}x${displayHeight} for ${width}x${height}`;
    throw new DecodeError(decoder.codec, reason);
  }

  /**
   * @param {FrameRectangle} rectangle
   * @param {import("./registry.js").ImageDecoder} decoder
   * @param {PicturePart} part
   * @returns {PendingPart}
   */
  #decodeImage({ operation, payload, width, height, quality }, decoder, part) {
    const scaled = operation === OPERATION.SCALED ? scaledImage(payload) : null;
    const shown = { width: scaled?.width ?? width, height: scaled?.height ?? height };
    const decoded = decoder.decode(scaled?.image ?? payload, { ...shown, quality });
    if (!(decoded instanceof Promise)) return checked({ ...part, shown, image: decoded });
    return decoded.then(async (image) => {
      const found = checked({ ...part, shown, image });
      if (!isVideoFrame(image)) return found;
      return { ...found, image: await this.pixels.prepare(image, shown) };
    });
  }
}

/**
 * @param {import("./registry.js").Decoded} image
 * @returns {image is VideoFrame}
 */
function isVideoFrame(image) {
  return "displayWidth" in image;
}

/**
 * Whatever a decoder throws is the fault of its codec: the server then leaves that codec out.
 * @param {string} codec
 * @param {unknown} error
 */
function blaming(codec, error) {
  return error instanceof DecodeError ? error : new DecodeError(codec, String(error));
}

/**
 * @param {string} codec
 * @param {unknown} error
 * @returns {never}
 */
function rethrow(codec, error) {
  throw blaming(codec, error);
}

/**
 * A decoder may come from elsewhere: what it gave must fit before it is drawn.
 * @param {PicturePart & {image: import("./registry.js").Decoded}} part
 * @returns {PicturePart}
 */
function checked(part) {
  const { codec, image, shown } = part;
  const { width, height } = shown;
  if (image instanceof Uint8ClampedArray) {
    if (image.length === width * height * 4) return part;
    throw new DecodeError(codec, `gave ${image.length} bytes for ${width}x${height}`);
  }
  const [shownWidth, shownHeight] = isVideoFrame(image)
    ? [image.displayWidth, image.displayHeight]
    : [image.width, image.height];
  if (shownWidth === width && shownHeight === height) return part;
  image.close();
  throw new DecodeError(codec, `gave ${shownWidth}x${shownHeight} for ${width}x${height}`);
}

/** @param {PendingPart[]} parts */
async function allOrNone(parts) {
  const settled = await Promise.allSettled(parts);
  const failed = settled.find(({ status }) => status === "rejected");
  const done = settled.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  if (failed === undefined) return done;
  done.forEach(release);
  throw /** @type {PromiseRejectedResult} */ (failed).reason;
}

/**
 * Free what a part that will not be drawn holds.
 * @param {PicturePart} part
 */
export function release({ image }) {
  if (image !== null && !(image instanceof Uint8ClampedArray)) image.close();
}

/**
 * What of these parts can be handed to another thread instead of being copied.
 * @param {PicturePart[]} parts
 * @returns {Transferable[]}
 */
export function transferablesOf(parts) {
  return parts.flatMap(({ image }) => {
    if (image === null) return [];
    return [image instanceof Uint8ClampedArray ? image.buffer : image];
  });
}
