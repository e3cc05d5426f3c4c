import { DecodeError, StreamInterruptedError } from "../errors.js";

export const codec = "h264";

/** High profile, level 4.2: what the server's encoders stay within, but for 4:4:4. */
const PROBE = "avc1.64002a";
/** The profile High 4:4:4 Predictive. */
const FULL_CHROMA_PROBE = "avc1.f4002a";
/** A decoder that gives no picture for so long keeps it back, or hangs. */
const PATIENCE_MS = 2000;
const PARAMETER_SET = 7;
const FIRST_SLICE = 1;
const LAST_SLICE = 5;

/** True when this browser decodes H.264 by WebCodecs, which pages without HTTPS do not have. */
export function isSupported() {
  return decodes(PROBE);
}

/** True when it decodes 4:4:4, too. */
export function hasFullChroma() {
  return decodes(FULL_CHROMA_PROBE);
}

/** @param {string} name  of profile and level, as WebCodecs calls them */
async function decodes(name) {
  if (!("VideoDecoder" in globalThis)) return false;
  const config = { codec: name, optimizeForLatency: true };
  return VideoDecoder.isConfigSupported(config).then(
    ({ supported }) => supported === true,
    () => false,
  );
}

/**
 * Start a stream whose pictures have this size; its first packet must be a key frame.
 * @param {{width: number, height: number}} size  in framebuffer pixels
 * @returns {import("./registry.js").DecodingStream}
 */
export function openStream(size) {
  return new H264Stream(size);
}

/**
 * @typedef {object} Waiting
 * @property {(frame: VideoFrame) => void} resolve
 * @property {(error: DecodeError) => void} reject
 * @property {number} since_ms
 */

/** One stream of Annex B packets, one picture each, in their order. */
class H264Stream {
  /** @type {VideoDecoder | null} */
  #decoder = null;
  /** Packets under way by their number, which is their timestamp. @type {Map<number, Waiting>} */
  #waiting = new Map();
  #packets = 0;
  #parameters = "";
  #timer = 0;
  #isClosing = false;

  /** @param {{width: number, height: number}} size */
  constructor(size) {
    this.size = size;
  }

  /**
   * Decode the next packet; several may be under way.
   * @param {Uint8Array<ArrayBuffer>} payload
   * @param {boolean} isKey
   * @returns {Promise<VideoFrame>}
   * @throws {DecodeError} at once or later; then the stream waits for a key frame
   */
  decode(payload, isKey) {
    const timestamp = this.#packets++;
    const type = isKey ? "key" : "delta";
    try {
      if (isKey) this.#restart(payload);
      if (this.#decoder === null) throw new StreamInterruptedError(codec, "waits for a key frame");
      this.#decoder.decode(new EncodedVideoChunk({ type, timestamp, data: payload }));
    } catch (error) {
      const told = asDecodeError(error);
      this.#fail(told);
      throw told;
    }
    return new Promise((resolve, reject) => {
      this.#waiting.set(timestamp, { resolve, reject, since_ms: performance.now() });
      if (this.#timer === 0) this.#watch(PATIENCE_MS);
    });
  }

  /** Free the decoder once what is under way has come out. */
  close() {
    this.#isClosing = true;
    if (this.#waiting.size === 0) this.#dropDecoder();
  }

  /**
   * A key frame begins: other parameters than before need another configuration.
   * @param {Uint8Array<ArrayBuffer>} payload
   */
  #restart(payload) {
    const parameters = parameterSet(payload);
    const text = parameters.join();
    if (this.#decoder !== null && text === this.#parameters) return;
    this.#parameters = text;
    this.#decoder ??= this.#makeDecoder();
    this.#decoder.configure({
      codec: `avc1.${[...parameters.subarray(1, 4)].map(toHex).join("")}`,
      codedWidth: this.size.width,
      codedHeight: this.size.height,
      optimizeForLatency: true,
    });
  }

  #makeDecoder() {
    /** @type {VideoDecoder} */
    const decoder = new VideoDecoder({
      output: (frame) => this.#give(frame),
      error: (error) => {
        if (decoder === this.#decoder) this.#fail(asDecodeError(error));
      },
    });
    return decoder;
  }

  /** @param {VideoFrame} frame */
  #give(frame) {
    for (const [timestamp, waiting] of this.#waiting) {
      if (timestamp > frame.timestamp) break;
      this.#waiting.delete(timestamp);
      if (timestamp === frame.timestamp) waiting.resolve(frame);
      else waiting.reject(new DecodeError(codec, "a packet gave no picture"));
    }
    if (this.#isClosing && this.#waiting.size === 0) this.#dropDecoder();
  }

  /** @param {DecodeError} error */
  #fail(error) {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    this.#dropDecoder();
    waiting.forEach(({ reject }) => reject(error));
  }

  #dropDecoder() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    const decoder = this.#decoder;
    this.#decoder = null;
    if (decoder !== null && decoder.state !== "closed") decoder.close();
  }

  /** @param {number} delay_ms */
  #watch(delay_ms) {
    this.#timer = Number(
      setTimeout(() => {
        this.#timer = 0;
        const [oldest] = this.#waiting.values();
        if (oldest === undefined) return;
        const age_ms = performance.now() - oldest.since_ms;
        if (age_ms < PATIENCE_MS) this.#watch(PATIENCE_MS - age_ms);
        else this.#fail(new DecodeError(codec, "the browser gives no picture in time"));
      }, delay_ms),
    );
  }
}

/**
 * A browser may take the decoder from a tab that nobody looks at; that is no fault of it.
 * @param {unknown} error
 */
function asDecodeError(error) {
  if (error instanceof DecodeError) return error;
  if (error instanceof DOMException && error.name === "QuotaExceededError") {
    return new StreamInterruptedError(codec, "the browser took the decoder away");
  }
  const reason = error instanceof Error ? error.message : String(error);
  return new DecodeError(codec, `the browser cannot decode it: ${reason}`);
}

/**
 * The sequence parameter set of a key frame: its second to fourth byte name the profile.
 * @param {Uint8Array<ArrayBuffer>} packet  Annex B
 */
function parameterSet(packet) {
  for (let start = nextUnit(packet, 0); start < packet.length; start = nextUnit(packet, start)) {
    const type = packet[start] & 0x1f;
    if (type === PARAMETER_SET) return packet.slice(start, nextUnit(packet, start) - 3);
    if (type >= FIRST_SLICE && type <= LAST_SLICE) break;
  }
  throw new DecodeError(codec, "a key frame comes without its parameters");
}

/**
 * Where the next unit begins, behind its start code; beyond the end when there is none.
 * @param {Uint8Array<ArrayBuffer>} packet
 * @param {number} from
 */
function nextUnit(packet, from) {
  for (let i = from; i + 3 < packet.length; i += 1) {
    if (packet[i] === 0 && packet[i + 1] === 0 && packet[i + 2] === 1) return i + 3;
  }
  return packet.length + 3;
}

/** @param {number} byte */
const toHex = (byte) => byte.toString(16).padStart(2, "0");
