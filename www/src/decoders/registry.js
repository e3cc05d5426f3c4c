import * as deflate from "./deflate.js";
import * as jpeg from "./jpeg.js";
import * as qoi from "./qoi.js";
import * as webp from "./webp.js";

/**
 * A decoder module: `codec` is its wire name; `decode` throws DecodeError.
 * @typedef {object} Decoder
 * @property {string} codec
 * @property {(payload: Uint8Array<ArrayBuffer>, rectangle: {width: number, height: number,
 *   quality: number}) => Decoded | Promise<Decoded>} decode
 */

/**
 * @typedef {object} DecoderOffer
 * @property {string} codec
 * @property {string | null} url  absolute; null: the client's own decoder
 */

/** @typedef {Uint8ClampedArray<ArrayBuffer> | ImageBitmap | VideoFrame} Decoded */

/** Decoders that come with the client. @type {Map<string, Decoder>} */
const BUILT_IN = new Map([deflate, jpeg, qoi, webp].map((decoder) => [decoder.codec, decoder]));

/**
 * Load decoder modules side by side; one that fails does not keep the others back.
 * @param {DecoderOffer[]} offered
 * @returns {Promise<{decoders: Map<string, Decoder>, missing: {codec: string, reason: string}[]}>}
 */
export async function loadDecoders(offered) {
  const loaded = await Promise.all(offered.map(loadDecoder));
  return {
    decoders: new Map(loaded.flatMap(({ decoder }) => (decoder ? [[decoder.codec, decoder]] : []))),
    missing: loaded.flatMap(({ codec, reason }) => (reason ? [{ codec, reason }] : [])),
  };
}

/**
 * @param {DecoderOffer} offer
 * @returns {Promise<{codec: string, decoder?: Decoder, reason?: string}>}
 */
async function loadDecoder({ codec, url }) {
  if (url === null) {
    const decoder = BUILT_IN.get(codec);
    return decoder ? { codec, decoder } : { codec, reason: "the client has no decoder for it" };
  }
  try {
    const module = await import(url);
    if (module.codec === codec && typeof module.decode === "function") {
      return { codec, decoder: module };
    }
    return { codec, reason: `${url} is no decoder for it` };
  } catch (error) {
    return { codec, reason: error instanceof Error ? error.message : String(error) };
  }
}
