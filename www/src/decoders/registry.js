import * as deflate from "./deflate.js";
import * as h264 from "./h264.js";
import * as jpeg from "./jpeg.js";
import * as qoi from "./qoi.js";
import * as webp from "./webp.js";

/**
 * A decoder module of an image codec: `codec` is its wire name; `decode` throws DecodeError.
 * @typedef {object} ImageDecoder
 * @property {string} codec
 * @property {(payload: Uint8Array<ArrayBuffer>, rectangle: {width: number, height: number,
 *   quality: number}) => Decoded | Promise<Decoded>} decode
 */

/**
 * A decoder module of a video codec.
 * @typedef {object} StreamDecoder
 * @property {string} codec
 * @property {() => Promise<boolean>} isSupported  false: this browser cannot decode it
 * @property {() => Promise<boolean>} [hasFullChroma]  true: 4:4:4 as well
 * @property {(size: {width: number, height: number}) => DecodingStream} openStream
 */

/**
 * One video stream. Packets are given in their order, also while others are under way; each gives
 * its own picture, or null when there is none to show. After an error it waits for a key frame.
 * @typedef {object} DecodingStream
 * @property {(packet: Uint8Array<ArrayBuffer>, isKey: boolean) => Promise<VideoFrame | null>} decode
 *   throws DecodeError, at once or later
 * @property {() => void} close  free everything once what is under way has come out
 */

/** @typedef {ImageDecoder | StreamDecoder} Decoder */

/**
 * @typedef {object} DecoderOffer
 * @property {string} codec
 * @property {string | null} url  absolute; null: the client's own decoder
 */

/** @typedef {{codec: string, reason: string, isVideo: boolean}} MissingDecoder */

/** @typedef {Uint8ClampedArray<ArrayBuffer> | ImageBitmap | VideoFrame} Decoded */

/** Decoders that come with the client. @type {Map<string, Decoder>} */
const BUILT_IN = new Map(
  [deflate, h264, jpeg, qoi, webp].map((decoder) => [decoder.codec, decoder]),
);

/**
 * Load decoder modules side by side; one that fails does not keep the others back.
 * @param {DecoderOffer[]} offered
 * @returns {Promise<{decoders: Map<string, Decoder>, missing: MissingDecoder[]}>}
 */
export async function loadDecoders(offered) {
  const loaded = await Promise.all(offered.map(loadDecoder));
  return {
    decoders: new Map(
      loaded.flatMap((found) => ("decoder" in found ? [[found.codec, found.decoder]] : [])),
    ),
    missing: loaded.flatMap((found) => ("decoder" in found ? [] : [found])),
  };
}

/**
 * @param {DecoderOffer} offer
 * @returns {Promise<{codec: string, decoder: Decoder} | MissingDecoder>}
 */
async function loadDecoder(offer) {
  const { codec } = offer;
  try {
    const decoder = await findDecoder(offer);
    if (typeof decoder === "string") return { codec, reason: decoder, isVideo: false };
    if (isStreamDecoder(decoder) && !(await decoder.isSupported())) {
      return { codec, reason: whyNoVideo(), isVideo: true };
    }
    return { codec, decoder };
  } catch (error) {
    return { codec, reason: error instanceof Error ? error.message : String(error), isVideo: false };
  }
}

/**
 * @param {DecoderOffer} offer
 * @returns {Promise<Decoder | string>}  a text: why there is none
 */
async function findDecoder({ codec, url }) {
  if (url === null) return BUILT_IN.get(codec) ?? "the client has no decoder for it";
  const module = await import(url);
  const isDecoder = typeof module.decode === "function" || typeof module.openStream === "function";
  return module.codec === codec && isDecoder ? module : `${url} is no decoder for it`;
}

/**
 * @param {Decoder} decoder
 * @returns {decoder is StreamDecoder}
 */
export function isStreamDecoder(decoder) {
  return "openStream" in decoder;
}

/**
 * Whether all video codecs among these are decoded in 4:4:4, too.
 * @param {Iterable<Decoder>} decoders
 */
export async function haveFullChroma(decoders) {
  const streams = [...decoders].filter(isStreamDecoder);
  const answers = await Promise.all(streams.map((decoder) => decoder.hasFullChroma?.() ?? false));
  return answers.length > 0 && answers.every(Boolean);
}

function whyNoVideo() {
  return globalThis.isSecureContext
    ? "this browser does not decode it"
    : "browsers decode video only on pages that are opened by HTTPS";
}
