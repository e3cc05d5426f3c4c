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
 * Fill `pixels` with words that read R, G, B, 255 in memory. QOI's channels are blue, green, red
 * here. A read beyond the payload gives 0, and the position that is returned tells.
 * @param {Uint8Array<ArrayBuffer>} data
 * @param {number} end  first byte after the pixels
 * @param {Uint32Array<ArrayBuffer>} pixels
 * @returns {number}  where reading stopped; `end` if all is well
 */
function decodePixels(data, end, pixels) {
  const seen = new Uint32Array(64);
  let [position, filled, pixel] = [HEADER_BYTES, 0, OPAQUE];
  while (filled < pixels.length && position < end) {
    const tag = data[position++];
    if (tag < 0x40) {
      pixel = seen[tag] | OPAQUE;
      pixels[filled++] = pixel;
      continue;
    }
    if (tag >= 0xc0 && tag < 0xfe) {
      const runEnd = filled + (tag & 0x3f) + 1;
      if (runEnd > pixels.length) return -1;
      pixels.fill(pixel, filled, runEnd);
      filled = runEnd;
      continue;
    }
    if (tag < 0x80) {
      pixel = added(pixel, ((tag >> 4) & 3) - 2, ((tag >> 2) & 3) - 2, (tag & 3) - 2);
    } else if (tag < 0xc0) {
      const [green, others] = [(tag & 0x3f) - 32, data[position++]];
      pixel = added(pixel, green - 8 + (others >> 4), green, green - 8 + (others & 0xf));
    } else if (tag === 0xfe) {
      pixel = OPAQUE | (data[position] << 16) | (data[position + 1] << 8) | data[position + 2];
      position += 3;
    } else {
      throw new DecodeError(codec, "is not opaque");
    }
    seen[slotOf(pixel)] = pixel;
    pixels[filled++] = pixel;
  }
  return filled === pixels.length ? position : -1;
}

/**
 * Add to each channel, modulo 256.
 * @param {number} pixel
 * @param {number} blue
 * @param {number} green
 * @param {number} red
 */
function added(pixel, blue, green, red) {
  const b = (pixel + (blue << 16)) & 0xff0000;
  const g = ((pixel & 0xff00) + (green << 8)) & 0xff00;
  return OPAQUE | b | g | ((pixel + red) & 0xff);
}

/**
 * QOI's place for a pixel among the 64 that it remembers.
 * @param {number} pixel
 */
function slotOf(pixel) {
  const [blue, green, red] = [(pixel >>> 16) & 0xff, (pixel >>> 8) & 0xff, pixel & 0xff];
  return (blue * 3 + green * 5 + red * 7 + 255 * 11) & 63;
}
