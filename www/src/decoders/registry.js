/**
 * A decoder module: `codec` is its wire name; `decode` throws DecodeError.
 * @typedef {object} Decoder
 * @property {string} codec
 * @property {(payload: Uint8Array<ArrayBuffer>, rectangle: {width: number, height: number,
 *   quality: number}) => Decoded | Promise<Decoded>} decode
 */

/** @typedef {Uint8ClampedArray<ArrayBuffer> | ImageBitmap | VideoFrame} Decoded */

/**
 * Load decoder modules side by side; one that fails does not keep the others back.
 * @param {{codec: string, url: string}[]} offered  URLs are absolute
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
 * @param {{codec: string, url: string}} offer
 * @returns {Promise<{codec: string, decoder?: Decoder, reason?: string}>}
 */
async function loadDecoder({ codec, url }) {
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
