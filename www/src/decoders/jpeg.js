import { DecodeError } from "../errors.js";
import { decodeNatively } from "./native_image.js";

export const codec = "jpeg";

/**
 * Decode one rectangle; throw DecodeError when payload and size disagree. No DOM, no network.
 * Browsers fill in what a cut JPEG lacks, so both of its ends are looked at first.
 * @param {Uint8Array<ArrayBuffer>} payload  a JPEG file
 * @param {{width: number, height: number}} size  in framebuffer pixels
 * @returns {Promise<ImageBitmap | VideoFrame>}  to draw and then close
 */
export async function decode(payload, size) {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  if (payload.length < 4 || view.getUint16(0) !== 0xffd8) {
    throw new DecodeError(codec, "does not begin like a JPEG");
  }
  if (view.getUint16(payload.length - 2) !== 0xffd9) throw new DecodeError(codec, "is cut off");
  return decodeNatively(codec, "image/jpeg", payload, size);
}
