/* Decodes what the test sends and answers with RGBA bytes, or with the error's name and text. */

const settings = new URL(location.href).searchParams;
if (settings.has("without_image_decoder")) delete globalThis.ImageDecoder;

function toBase64(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i += 32768) {
    text += String.fromCharCode(...bytes.subarray(i, i + 32768));
  }
  return btoa(text);
}

function toRgba(decoded, width, height) {
  if (decoded instanceof Uint8ClampedArray) return decoded;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
  context.drawImage(decoded, 0, 0);
  decoded.close();
  return context.getImageData(0, 0, width, height).data;
}

async function answer({ codec, payload, width, height, quality }) {
  const decoder = await import(`/src/decoders/${codec}.js`);
  if (decoder.codec !== codec) throw new Error(`the module calls itself ${decoder.codec}`);
  const bytes = Uint8Array.from(atob(payload), (letter) => letter.charCodeAt(0));
  const decoded = await decoder.decode(bytes, { width, height, quality });
  const rgba = toRgba(decoded, width, height);
  return { rgba: toBase64(rgba), kind: decoded.constructor.name };
}

onmessage = async ({ data: jobs }) => {
  const { DecodeError } = await import("/src/errors.js");
  const answers = [];
  for (const job of jobs) {
    answers.push(
      await answer(job).catch((error) => ({
        refused: error instanceof DecodeError,
        error: String(error),
      })),
    );
  }
  postMessage(answers);
};
