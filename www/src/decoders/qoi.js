import { DecodeError } from "../errors.js";

export const codec = "qoi";

const MAGIC = 0x716f6966; // "qoif"
const HEADER_BYTES = 14;
const END_BYTES = 8; // seven times 0, then 1
const OPAQUE = 0xff000000;

/**
 * Decode one rectangle; throw DecodeError when payload and size disagree. No DOM, no network.
 * @param {Uint8Array<ArrayBuffer>} payload  a QOI image whose channels are blue, green, red, 255
 * @param {{width: number, height: number}} size  in framebuffer pixels
 * @returns {Uint8ClampedArray<ArrayBuffer>}  RGBA, ready for ImageData
 */
export function decode(payload, { width, height }) {
  checkFrame(payload, width, height);
  const pixels = new Uint32Array(width * height);
  const end = payload.length - END_BYTES;
  if (decodePixels(payload, end, pixels) !== end) {
    throw new DecodeError(codec, "does not hold as many pixels as announced");
  }
  return new Uint8ClampedArray(pixels.buffer);
}

/**
 * Check the header and the end mark.
 * @param {Uint8Array<ArrayBuffer>} payload
 * @param {number} width
 * @param {number} height
 */
function checkFrame(payload, width, height) {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  if (payload.length < HEADER_BYTES + END_BYTES || view.getUint32(0) !== MAGIC) {
    throw new DecodeError(codec, "does not begin like a QOI image");
  }
  const [shownWidth, shownHeight] = [view.getUint32(4), view.getUint32(8)];
  if (shownWidth !== width || shownHeight !== height) {
    throw new DecodeError(codec, `measures ${shownWidth}x${shownHeight}, not ${width}x${height}`);
  }
  const end = payload.length - END_BYTES;
  if (view.getUint32(end) !== 0 || view.getUint32(end + 4) !== 1) {
    throw new DecodeError(codec, "is cut off");
  }
}

/**
 * Fill `pixels` with words that read R, G, B, 255 in memory; first, second and third are the
 * channels as QOI stores them: blue, green, red. A read beyond the payload gives 0, and the
 * position that is returned tells.
 * @param {Uint8Array<ArrayBuffer>} data
 * @param {number} end  first byte after the pixels
 * @param {Uint32Array<ArrayBuffer>} pixels
 * @returns {number}  where reading stopped; `end` if all is well
 */
function decodePixels(data, end, pixels) {
  const seen = new Uint32Array(64);
  const count = pixels.length;
  let position = HEADER_BYTES;
  let [first, second, third] = [0, 0, 0];
  let filled = 0;
  while (filled < count && position < end) {
    const tag = data[position++];
    if (tag === 0xff) throw new DecodeError(codec, "is not opaque");
    if (tag === 0xfe) {
      first = data[position];
      second = data[position + 1];
      third = data[position + 2];
      position += 3;
    } else if (tag < 0x40) {
      const pixel = seen[tag] | OPAQUE;
      pixels[filled++] = pixel;
      first = (pixel >>> 16) & 0xff;
      second = (pixel >>> 8) & 0xff;
      third = pixel & 0xff;
      continue;
    } else if (tag < 0x80) {
      first = (first + ((tag >> 4) & 3) - 2) & 0xff;
      second = (second + ((tag >> 2) & 3) - 2) & 0xff;
      third = (third + (tag & 3) - 2) & 0xff;
    } else if (tag < 0xc0) {
      const difference = data[position++];
      const shift = (tag & 0x3f) - 32;
      first = (first + shift - 8 + (difference >> 4)) & 0xff;
      second = (second + shift) & 0xff;
      third = (third + shift - 8 + (difference & 0xf)) & 0xff;
    } else {
      const runEnd = filled + (tag & 0x3f) + 1;
      if (runEnd > count) return -1;
      pixels.fill(OPAQUE | (first << 16) | (second << 8) | third, filled, runEnd);
      filled = runEnd;
      continue;
    }
    const pixel = OPAQUE | (first << 16) | (second << 8) | third;
    seen[(first * 3 + second * 5 + third * 7 + 255 * 11) & 63] = pixel;
    pixels[filled++] = pixel;
  }
  return filled === count ? position : -1;
}
