import { DecodeError } from "../errors.js";

/**
 * Chromium's ImageDecoder shows a small picture in less than half of createImageBitmap's time;
 * in Firefox it is the other way round. `userAgentData` exists in Chromium only.
 */
const PREFERS_IMAGE_DECODER = "ImageDecoder" in globalThis && "userAgentData" in navigator;

/**
 * Decode a picture that the browser knows; no colour conversion, so that exact stays exact.
 * @param {string} codec  name of the codec, for the error
 * @param {string} type  its MIME type
 * @param {Uint8Array<ArrayBuffer>} payload  the whole file
 * @param {{width: number, height: number}} size  what it must measure, in pixels
 * @returns {Promise<ImageBitmap | VideoFrame>}  to draw and then close
 */
export async function decodeNatively(codec, type, payload, { width, height }) {
  const image = await (PREFERS_IMAGE_DECODER
    ? decodeByImageDecoder(type, payload)
    : decodeByBitmap(type, payload)
  ).catch((error) => {
    throw new DecodeError(codec, `the browser cannot decode it: ${error.message}`);
  });
  const [shownWidth, shownHeight] = measure(image);
  if (shownWidth === width && shownHeight === height) return image;
  image.close();
  throw new DecodeError(codec, `measures ${shownWidth}x${shownHeight}, not ${width}x${height}`);
}

/**
 * @param {string} type
 * @param {Uint8Array<ArrayBuffer>} payload
 * @returns {Promise<VideoFrame>}
 */
async function decodeByImageDecoder(type, payload) {
  const decoder = new ImageDecoder({ type, data: payload, colorSpaceConversion: "none" });
  try {
    return (await decoder.decode()).image;
  } finally {
    decoder.close();
  }
}

/**
 * @param {string} type
 * @param {Uint8Array<ArrayBuffer>} payload
 * @returns {Promise<ImageBitmap>}
 */
function decodeByBitmap(type, payload) {
  return createImageBitmap(new Blob([payload], { type }), { colorSpaceConversion: "none" });
}

/**
 * @param {ImageBitmap | VideoFrame} image
 * @returns {[number, number]}
 */
function measure(image) {
  return image instanceof ImageBitmap
    ? [image.width, image.height]
    : [image.displayWidth, image.displayHeight];
}
