import { DecodeError } from "../errors.js";

export const codec = "deflate";

const STORED = 0;
const DEFLATED = 1;
/** Fed at once to the inflater, in bytes: it never makes more than a thousand times as many. */
const SLICE_BYTES = 65536;

/**
 * Unpack one rectangle; throw DecodeError when payload and size disagree. No DOM, no network.
 * Stored pixels come back at once, not as a promise.
 * @param {Uint8Array<ArrayBuffer>} payload  one byte for the format, then BGRX pixels, rows from top
 *   to bottom: as they are (0) or as a raw deflate stream (1)
 * @param {{width: number, height: number}} size  in framebuffer pixels
 * @returns {Uint8ClampedArray<ArrayBuffer> | Promise<Uint8ClampedArray<ArrayBuffer>>}  RGBA, ready
 *   for ImageData
 */
export function decode(payload, { width, height }) {
  const length = width * height * 4;
  if (payload[0] === DEFLATED) return inflate(payload.subarray(1), length).then(toRgba);
  if (payload[0] !== STORED) throw new DecodeError(codec, `format ${payload[0]} is unknown`);
  if (payload.length !== 1 + length) throw new DecodeError(codec, "has another size than announced");
  return toRgba(payload.slice(1));
}

/**
 * Inflate to exactly `length` bytes; a stream that goes on beyond them is stopped.
 * @param {Uint8Array<ArrayBuffer>} deflated
 * @param {number} length
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
async function inflate(deflated, length) {
  const inflater = new DecompressionStream("deflate-raw");
  feed(inflater.writable.getWriter(), deflated);
  const reader = inflater.readable.getReader();
  const inflated = new Uint8Array(length);
  let filled = 0;
  for (;;) {
    const { done, value } = await reader.read().catch((error) => {
      throw new DecodeError(codec, `cannot be inflated: ${error.message}`);
    });
    if (done) break;
    if (filled + value.length > length) {
      reader.cancel().catch(() => {});
      throw new DecodeError(codec, "holds more pixels than announced");
    }
    inflated.set(value, filled);
    filled += value.length;
  }
  if (filled !== length) throw new DecodeError(codec, "holds fewer pixels than announced");
  return inflated;
}

/**
 * Queue everything; the inflater takes a slice whenever its reader has read what the last one gave.
 * Its errors reach the reader, so they need no second report here.
 * @param {WritableStreamDefaultWriter<BufferSource>} writer
 * @param {Uint8Array<ArrayBuffer>} deflated
 */
function feed(writer, deflated) {
  for (let start = 0; start < deflated.length; start += SLICE_BYTES) {
    writer.write(deflated.subarray(start, start + SLICE_BYTES)).catch(() => {});
  }
  writer.close().catch(() => {});
}

/**
 * Swap blue and red and make every pixel opaque, in place.
 * @param {Uint8Array<ArrayBuffer>} bgrx  its own buffer, from the first byte on
 * @returns {Uint8ClampedArray<ArrayBuffer>}
 */
function toRgba(bgrx) {
  const pixels = new Uint32Array(bgrx.buffer);
  for (let i = 0; i < pixels.length; i += 1) {
    const xrgb = pixels[i];
    pixels[i] = 0xff000000 | ((xrgb & 0xff) << 16) | (xrgb & 0xff00) | ((xrgb >>> 16) & 0xff);
  }
  return new Uint8ClampedArray(bgrx.buffer);
}
