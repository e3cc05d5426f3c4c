import { haveFullChroma, isStreamDecoder, loadDecoders } from "../decoders/registry.js";
import { FrameDecoder, transferablesOf } from "../decoders/decode_frame.js";
import { ProtocolError, StreamInterruptedError } from "../errors.js";
import { MessageDecoder, encodeMessage, laneOf } from "../protocol/codec.js";
import { FULL_CHROMA } from "../protocol/messages.js";
import { openTransport } from "../transports/open.js";
import { FramePipeline } from "./frame_pipeline.js";
import { wallClock_ms } from "./thread_messages.js";

/**
 * @typedef {import("./thread_messages.js").Connect} Connect
 * @typedef {import("./thread_messages.js").Told} Told
 * @typedef {import("./thread_messages.js").ClosedCause} ClosedCause
 * @typedef {import("../protocol/messages.js").ClientMessage} ClientMessage
 * @typedef {import("../protocol/messages.js").ServerMessage} ServerMessage
 */

const PING_EVERY_MS = 2000;
/** After so many pings without a sign of life the connection counts as lost. */
const SILENT_PINGS = 8;
const HANDSHAKE_LIMIT_MS = 15000;

/** One connection to the server, from its Hello to its end. */
export class ServerLink {
  #decoder = new MessageDecoder("server");
  /** @type {FramePipeline | null} */
  #frames = null;
  /** @type {FrameDecoder | null} */
  #frameDecoder = null;
  /** @type {Map<string, import("../decoders/registry.js").Decoder>} */
  #decoders = new Map();
  /** @type {import("../transports/open.js").TransportConnection | null} */
  #transport = null;
  /** When each ping that is under way was sent. @type {Map<number, number>} */
  #pings = new Map();
  #pingToken = 0;
  #silentPings = 0;
  #isOpened = false;
  #isClosed = false;
  #timer = 0;

  /**
   * @param {Connect} order
   * @param {(told: Told, transfer?: Transferable[]) => void} tell
   */
  constructor(order, tell) {
    this.connection = order.connection;
    this.tell = tell;
    this.#timer = Number(
      setTimeout(() => this.#end("unreachable", "it does not answer"), HANDSHAKE_LIMIT_MS),
    );
    this.#open(order);
  }

  /** @param {Connect} order */
  #open({ transport, decoders, hello }) {
    const loading = prepare(decoders);
    this.#transport = openTransport(transport.name, transport.url, {
      opened: () => {
        this.#isOpened = true;
        loading.then(({ decoders: loaded, missing, features }) => {
          for (const each of missing) this.tell({ kind: "decoder_missing", ...each });
          this.#decoders = loaded;
          this.send({
            ...hello,
            codecs: [...loaded.keys()],
            features: [...hello.features, ...features],
          });
        });
      },
      received: (bytes) => this.#receive(bytes),
      closed: (reason) => this.#end(this.#isOpened ? "lost" : "unreachable", reason),
    });
  }

  /** @param {ClientMessage} message */
  send(message) {
    if (!this.#isClosed) this.#transport?.send(laneOf(message), encodeMessage(message));
  }

  /** @param {import("./thread_messages.js").Presented} presented */
  presented({ serial, at_ms, buffers, slowDrawing_ms }) {
    this.#frameDecoder?.pixels.takeBack(buffers);
    if (slowDrawing_ms > 0) this.#frameDecoder?.pixels.want(slowDrawing_ms);
    this.#frames?.presented(serial, at_ms);
  }

  /** End the connection without telling; safe to repeat. */
  close() {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#transport?.close();
    this.#frames?.close();
  }

  /**
   * @param {ClosedCause} cause
   * @param {string} reason
   */
  #end(cause, reason) {
    if (this.#isClosed) return;
    this.close();
    this.tell({ kind: "closed", cause, reason });
  }

  /** @param {Uint8Array<ArrayBuffer>} bytes */
  #receive(bytes) {
    if (this.#isClosed) return;
    const received_ms = wallClock_ms();
    this.#silentPings = 0;
    try {
      for (const message of this.#decoder.receive(bytes)) {
        this.#take(/** @type {ServerMessage} */ (message), received_ms);
        if (this.#isClosed) return;
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#end("protocol", error.message);
    }
  }

  /**
   * @param {ServerMessage} message
   * @param {number} received_ms
   */
  #take(message, received_ms) {
    if (message.type === "Farewell") {
      this.#end(message.may_reconnect ? "farewell" : "refused", message.reason);
    } else if (message.type === "Welcome") {
      this.#welcome(message);
    } else if (this.#frames === null) {
      throw new ProtocolError(`${message.type} came before Welcome`);
    } else if (message.type === "Frame") {
      this.#frames.receive(message, received_ms);
    } else if (message.type === "Pong") {
      this.#pong(message.token);
    } else {
      this.tell({ kind: "message", message });
    }
  }

  /** @param {import("../protocol/messages.js").Welcome} welcome */
  #welcome(welcome) {
    if (this.#frames !== null) throw new ProtocolError("Welcome came twice");
    this.#decoder.codecs = welcome.codecs;
    this.#frameDecoder = new FrameDecoder(welcome.codecs, this.#decoders);
    this.#frames = new FramePipeline({
      decoder: this.#frameDecoder,
      now_ms: wallClock_ms,
      show: (frames) => this.#show(frames),
      failed: (error) => {
        const { codec, reason } = error;
        const decoder = this.#decoders.get(codec);
        const isVideo = decoder !== undefined && isStreamDecoder(decoder);
        const isInterruption = error instanceof StreamInterruptedError;
        this.tell({ kind: "frame_failed", codec, reason, isVideo, isInterruption });
      },
      reply: (answer) => this.send(answer),
    });
    this.tell({ kind: "message", message: welcome });
    clearTimeout(this.#timer);
    this.#ping();
  }

  /** @param {import("./frame_pipeline.js").DecodedFrame[]} frames */
  #show(frames) {
    const pictures = frames.map(({ frame, ...decoded }) => {
      const { serial, width, height, changed_s, captured_us, damaged_us } = frame;
      const { planned_us, encoded_us } = frame;
      const server = { changed_s, captured_us, damaged_us, planned_us, encoded_us };
      return { serial, width, height, server, ...decoded };
    });
    const transfer = pictures.flatMap(({ parts }) => transferablesOf(parts));
    this.tell({ kind: "pictures", pictures }, transfer);
  }

  #ping() {
    if (this.#silentPings >= SILENT_PINGS) {
      this.#end("lost", "it has gone silent");
      return;
    }
    this.#silentPings += 1;
    this.#pingToken = (this.#pingToken + 1) >>> 0;
    this.#pings.set(this.#pingToken, performance.now());
    this.send({ type: "Ping", token: this.#pingToken });
    this.#timer = Number(setTimeout(() => this.#ping(), PING_EVERY_MS));
  }

  /** @param {number} token */
  #pong(token) {
    const sent_ms = this.#pings.get(token);
    if (sent_ms === undefined) return;
    this.#pings.delete(token);
    this.tell({ kind: "round_trip", round_trip_ms: performance.now() - sent_ms });
  }
}

/** @param {import("../decoders/registry.js").DecoderOffer[]} offered */
async function prepare(offered) {
  const found = await loadDecoders(offered);
  const isFull = await haveFullChroma(found.decoders.values());
  return { ...found, features: isFull ? [FULL_CHROMA] : [] };
}
