import { DecodeError } from "../errors.js";

/**
 * One decoded rectangle, ready to draw.
 * @typedef {object} PicturePart
 * @property {number} x
 * @property {number} y
 * @property {number} width
 * @property {number} height
 * @property {string} codec
 * @property {number} bytes  of its payload
 * @property {import("./registry.js").Decoded} image  pixels as RGBA, or something to draw
 */

/**
 * Decode all rectangles of a frame side by side.
 *
 * Without an asynchronous decoder among them the parts come back at once, not as a promise: a
 * promise would cost a small frame a turn of the event loop.
 * @param {import("../protocol/messages.js").FrameRectangle[]} rectangles
 * @param {string[]} codecs  names by codec number
 * @param {Map<string, import("./registry.js").Decoder>} decoders
 * @returns {PicturePart[] | Promise<PicturePart[]>}
 * @throws {DecodeError} one of them cannot be decoded; what the others gave has been freed.
 *   Nothing else is thrown.
 */
export function decodeFrame(rectangles, codecs, decoders) {
  /** @type {(PicturePart | Promise<PicturePart>)[]} */
  const parts = [];
  try {
    for (const rectangle of rectangles) {
      parts.push(decodePart(rectangle, codecs[rectangle.codec], decoders));
    }
  } catch (error) {
    for (const part of parts) Promise.resolve(part).then(release, () => {});
    throw error;
  }
  if (parts.some((part) => part instanceof Promise)) return allOrNone(parts);
  return /** @type {PicturePart[]} */ (parts);
}

/**
 * @param {import("../protocol/messages.js").FrameRectangle} rectangle
 * @param {string} codec
 * @param {Map<string, import("./registry.js").Decoder>} decoders
 */
function decodePart(rectangle, codec, decoders) {
  const decoder = decoders.get(codec);
  if (decoder === undefined) throw new DecodeError(codec, "has no decoder here");
  const { x, y, width, height, payload } = rectangle;
  /** @param {import("./registry.js").Decoded} image */
  const toPart = (image) => checked({ x, y, width, height, codec, bytes: payload.length, image });
  try {
    const decoded = decoder.decode(payload, rectangle);
    if (!(decoded instanceof Promise)) return toPart(decoded);
    return decoded.then(toPart).catch((error) => {
      throw blaming(codec, error);
    });
  } catch (error) {
    throw blaming(codec, error);
  }
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
 * A decoder may come from elsewhere: what it gave must fit before it is drawn.
 * @param {PicturePart} part
 */
function checked(part) {
  const { width, height, codec, image } = part;
  if (image instanceof Uint8ClampedArray) {
    if (image.length === width * height * 4) return part;
    throw new DecodeError(codec, `gave ${image.length} bytes for ${width}x${height}`);
  }
  const [shownWidth, shownHeight] =
    "displayWidth" in image
      ? [image.displayWidth, image.displayHeight]
      : [image.width, image.height];
  if (shownWidth === width && shownHeight === height) return part;
  image.close();
  throw new DecodeError(codec, `gave ${shownWidth}x${shownHeight} for ${width}x${height}`);
}

/** @param {(PicturePart | Promise<PicturePart>)[]} parts */
async function allOrNone(parts) {
  const settled = await Promise.allSettled(parts);
  const failed = settled.find(({ status }) => status === "rejected");
  const done = settled.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  if (failed === undefined) return done;
  done.forEach(release);
  throw /** @type {PromiseRejectedResult} */ (failed).reason;
}

/** @param {PicturePart} part */
function release({ image }) {
  if (!(image instanceof Uint8ClampedArray)) image.close();
}

/**
 * What of these parts can be handed to another thread instead of being copied.
 * @param {PicturePart[]} parts
 * @returns {Transferable[]}
 */
export function transferablesOf(parts) {
  return parts.map(({ image }) => (image instanceof Uint8ClampedArray ? image.buffer : image));
}
