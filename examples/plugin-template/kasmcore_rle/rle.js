/** Decoder `rle`, the mirror of encoder.py. Browsers load this file as it is: it imports nothing. */
export const codec = "rle";

const RUN_BYTES = 5;

/** Unpack one rectangle; throw when payload and size disagree. No DOM, no network.
 * @param {Uint8Array} payload  runs: length (2 bytes, big-endian), red, green, blue
 * @param {{width: number, height: number}} size  in framebuffer pixels
 * @returns {Uint8ClampedArray<ArrayBuffer>}  RGBA, ready for ImageData */
export function decode(payload, { width, height }) {
  const pixels = new Uint32Array(width * height);
  const runs = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  if (payload.length % RUN_BYTES !== 0) throw new Error("rle: the last run is cut off");
  let filled = 0;
  for (let at = 0; at < payload.length; at += RUN_BYTES) {
    const end = filled + runs.getUint16(at);
    if (end === filled || end > pixels.length) throw new Error("rle: a run has a wrong length");
    const rgb = payload[at + 2] | (payload[at + 3] << 8) | (payload[at + 4] << 16);
    pixels.fill((rgb | 0xff000000) >>> 0, filled, end);
    filled = end;
  }
  if (filled !== pixels.length) throw new Error("rle: pixels are missing");
  return new Uint8ClampedArray(pixels.buffer);
}
