/** Topic of the server's notice that video is sent as images. */
const NO_VIDEO_TOPIC = "video_as_images";

/** Tells the person what this browser cannot show, each thing once a connection. */
export class CodecTroubles {
  /** @type {Set<string>} */
  #told = new Set();
  #whyNoVideo = "";

  /**
   * @param {import("./codec_memory.js").CodecMemory} memory
   * @param {(topic: string, text: string) => void} warn
   */
  constructor(memory, warn) {
    this.memory = memory;
    this.warn = warn;
  }

  /** A connection begins. */
  connected() {
    this.#told.clear();
  }

  /**
   * True for a codec that must not be offered to the server.
   * @param {string} codec
   */
  isLeftOut(codec) {
    const isLeftOut = this.memory.isLeftOut(codec);
    if (isLeftOut) this.#whyNoVideo = "this browser failed to show video again and again";
    return isLeftOut;
  }

  /** @param {import("../workers/thread_messages.js").DecoderMissing} missing */
  missing({ kind, codec, reason, isVideo }) {
    if (isVideo) this.#whyNoVideo = reason;
    else this.#tellOnce(kind, codec, reason);
  }

  /**
   * @param {import("../workers/thread_messages.js").FrameFailure} failure
   * @param {number} now_ms
   */
  frameFailed({ kind, codec, reason, isVideo, isInterruption }, now_ms) {
    if (!isVideo) this.#tellOnce(kind, codec, reason);
    else if (!isInterruption && this.memory.failed(codec, now_ms)) {
      const text = `This browser failed to show ${codec} video again and again. Once you reload the page, moving pictures come as single images here, for a day.`;
      this.warn("codec_left_out", text);
    }
  }

  /**
   * A notice's text. The server says when somebody would have got video; why there is none is known
   * here.
   * @param {string} topic
   * @param {string} text  the server's words
   */
  explain(topic, text) {
    if (topic !== NO_VIDEO_TOPIC || this.#whyNoVideo === "") return text;
    return `Moving pictures come as single images: ${this.#whyNoVideo}.`;
  }

  /**
   * @param {string} topic
   * @param {string} codec
   * @param {string} reason
   */
  #tellOnce(topic, codec, reason) {
    if (this.#told.has(codec)) return;
    this.#told.add(codec);
    this.warn(topic, `Pictures of the kind ${codec} cannot be shown here: ${reason}.`);
  }
}
