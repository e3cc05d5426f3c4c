import { DecodeError } from "../errors.js";
import { decodeNatively } from "./native_image.js";

export const codec = "webp";

const RIFF = 0x52494646;
const WEBP = 0x57454250;

/**
 * Decode one rectangle; throw DecodeError when payload and size disagree. No DOM, no network.
 * @param {Uint8Array<ArrayBuffer>} payload  a WebP file, with or without loss
 * @param {{width: number, height: number}} size  in framebuffer pixels
 * @returns {Promise<ImageBitmap | VideoFrame>}  to draw and then close
 */
export async function decode(payload, size) {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  if (payload.length < 12 || view.getUint32(0) !== RIFF || view.getUint32(8) !== WEBP) {
    throw new DecodeError(codec, "does not begin like a WebP");
  }
  if (view.getUint32(4, true) + 8 !== payload.length) {
    throw new DecodeError(codec, "is not as long as it says");
  }
  return decodeNatively(codec, "image/webp", payload, size);
}
