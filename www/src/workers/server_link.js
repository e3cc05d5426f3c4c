import { haveFullChroma, isStreamDecoder, loadDecoders } from "../decoders/registry.js";
import { FrameDecoder, transferablesOf } from "../decoders/decode_frame.js";
import { ProtocolError, StreamInterruptedError } from "../errors.js";
import { encodeMessage, laneOf } from "../protocol/codec.js";
import { FULL_CHROMA } from "../protocol/messages.js";
import { BulkMemory } from "./bulk_memory.js";
import { FramePipeline } from "./frame_pipeline.js";
import { FrameSequence } from "./frame_sequence.js";
import { LooseMessages } from "./loose_messages.js";
import { Pulse } from "./pulse.js";
import { SessionLines } from "./session_lines.js";
import { wallClock_ms } from "./thread_messages.js";
import { TransportChoice } from "./transport_choice.js";
import { Upgrade } from "./upgrade.js";

/**
 * @typedef {import("./thread_messages.js").Connect} Connect
 * @typedef {import("./thread_messages.js").Told} Told
 * @typedef {import("./thread_messages.js").ClosedCause} ClosedCause
 * @typedef {import("./thread_messages.js").TransportAddress} TransportAddress
 * @typedef {import("../protocol/messages.js").ClientMessage} ClientMessage
 * @typedef {import("../protocol/messages.js").ServerMessage} ServerMessage
 */

const HANDSHAKE_LIMIT_MS = 15000;
const ATTACHING_LIMIT_MS = 5000;
/** Nothing at all came for so long: the page must know. */
const SILENCE_LIMIT_MS = 16000;
/** What a person did, and what must come of it. Sent again over the next connection if need be. */
const COUNTED = new Set([
  ...["KeyEvent", "TextTyped", "KeysReleased", "PointerButton", "WheelTurned"],
  ...["RefreshRequested", "ResizeRequested"],
]);
/** What is missing of a frame that others overtook is sent again; after so long it is lost. */
const OVERTAKING_ROUND_TRIPS = 3;
const LEAST_OVERTAKING_MS = 100;

/** One session with the server, from its Hello to its end, over one connection after another. */
export class ServerLink {
  #lines;
  #choice;
  #loose;
  #sequence;
  #pulse;
  /** @type {FramePipeline | null} */
  #frames = null;
  /** @type {FrameDecoder | null} */
  #frameDecoder = null;
  /** @type {Map<string, import("../decoders/registry.js").Decoder>} */
  #decoders = new Map();
  /** @type {import("../protocol/messages.js").FrameOrder | null} */
  #order = null;
  /** The newest. @type {Uint8Array<ArrayBuffer> | null} */
  #pictureSettings = null;
  #bulk = new BulkMemory();
  #upgrade;
  #grace_ms = 0;
  #resumableUntil_ms = 0;
  #isOpened = false;
  #isSuspended = false;
  #isClosed = false;
  #handshake = 0;

  /**
   * @param {Connect} order
   * @param {import("../transports/open.js").Page} page
   * @param {(told: Told, transfer?: Transferable[]) => void} tell
   */
  constructor(order, page, tell) {
    this.tell = tell;
    this.#lines = new SessionLines(page, {
      message: (...received) => this.#receive(...received),
      moved: ({ next_serial: serial }) => this.#moved(serial),
      closed: (reason, isMalformed) => this.#lineClosed(reason, isMalformed),
    });
    this.#loose = new LooseMessages((message) => this.#lines.send(message));
    this.#sequence = new FrameSequence({
      pass: (frame, received_ms, covers) => this.#frames?.receive(frame, received_ms, covers),
      lose: (serial) => this.#frameLost(serial),
      overflow: () => this.send({ type: "RefreshRequested" }),
    });
    this.#pulse = new Pulse(this.#lines, {
      beat: (line) => this.#beat(line),
      measured: (round_trip_ms, loss) => {
        this.tell({ kind: "round_trip", round_trip_ms, loss });
        this.#upgrade.measured(round_trip_ms);
      },
    });
    const ways = [order.transport, ...order.others];
    this.#choice = new TransportChoice(this.#lines, ways, () => this.#pulse.roundTrip_ms, {
      failed: (transport, reason) => this.tell({ kind: "transport_failed", transport, reason }),
      lost: (reason, mayResume) => this.#end("lost", reason, mayResume),
    });
    this.#upgrade = new Upgrade(order, {
      lines: this.#lines,
      begin: (better) => this.#choice.upgrade(better),
      probe: (times) => this.#pulse.probe(times),
      judged: (isGood) => this.tell({ kind: "path_judged", isGood }),
    });
    this.#handshake = Number(
      setTimeout(() => this.#end("unreachable", "it does not answer"), HANDSHAKE_LIMIT_MS),
    );
    this.#open(order);
  }

  /** @param {Connect} order */
  #open({ transport, ticket, decoders, hello }) {
    const loading = prepare(decoders);
    this.#lines.join(transport, () => {
      this.#isOpened = true;
      if (ticket) this.#lines.send(encodeMessage({ type: "Attach", token: ticket }));
      loading.then(({ decoders: loaded, missing, features }) => {
        for (const each of missing) this.tell({ kind: "decoder_missing", ...each });
        this.#decoders = loaded;
        const codecs = [...loaded.keys()];
        const all = [...hello.features, ...features];
        this.#lines.send(encodeMessage({ ...hello, codecs, features: all }));
      });
    });
  }

  /** True while the server may still know the session though it has no connection. */
  get isSuspended() {
    return this.#isSuspended && performance.now() < this.#resumableUntil_ms;
  }

  /** @param {ClientMessage} message */
  send(message) {
    if (this.#isClosed) return;
    const bytes = encodeMessage(message);
    if (laneOf(message) === "bulk") {
      this.#bulk.note(message, bytes, performance.now());
      this.#lines.current?.send("bulk", bytes);
    } else if (message.type === "PointerMoved") this.#sendMotion(bytes);
    else {
      if (message.type === "PointerButton" || message.type === "WheelTurned") {
        this.#loose.forgetMotion(); // it says where the pointer is
      }
      if (message.type === "PictureSettings") this.#pictureSettings = bytes;
      if (COUNTED.has(message.type)) this.#lines.sendCounted(bytes);
      else this.#lines.send(bytes);
    }
  }

  /** @param {import("./thread_messages.js").Presented} presented */
  presented({ serial, at_ms, buffers, slowDrawing_ms }) {
    this.#frameDecoder?.pixels.takeBack(buffers);
    if (slowDrawing_ms > 0) this.#frameDecoder?.pixels.want(slowDrawing_ms);
    this.#frames?.presented(serial, at_ms);
    this.#upgrade.shown();
  }

  /**
   * Try to go on over one of these.
   * @param {TransportAddress[]} better  the best first
   */
  upgrade(better) {
    if (!this.#isClosed) this.#upgrade.wish(better);
  }

  /** The browser's network is another one. */
  networkChanged() {
    if (this.#isClosed || this.#isSuspended || this.#frames === null) return;
    this.#choice.networkChanged();
    this.#pulse.probe(1);
  }

  /** Give the connection up, in the hope of another one. */
  suspend() {
    if (this.#isClosed || this.#isSuspended) return;
    this.#isSuspended = true;
    this.#resumableUntil_ms = performance.now() + this.#grace_ms;
    this.#pulse.stop();
    this.#lines.close(true);
  }

  /**
   * Go on after a suspension.
   * @param {TransportAddress} transport
   * @param {() => void} refused  the server has given the session up
   */
  async resume(transport, refused) {
    this.#isSuspended = false;
    const line = await this.#lines.prepare(transport, HANDSHAKE_LIMIT_MS);
    if (this.#isClosed) return;
    if (typeof line === "string") {
      this.#isSuspended = true;
      this.tell({ kind: "closed", cause: "unreachable", reason: line });
      return;
    }
    const { outcome } = await this.#lines.attach(line, ATTACHING_LIMIT_MS);
    if (this.#isClosed) return;
    if (outcome === "attached") {
      this.#tellCarrier(true);
      this.#upgrade.again();
    } else refused();
  }

  /** End the session without telling; safe to repeat. */
  close() {
    this.#isClosed = true;
    clearTimeout(this.#handshake);
    this.#pulse.stop();
    this.#choice.close();
    this.#loose.close();
    this.#lines.close(false);
    this.#frames?.close();
  }

  /**
   * @param {ClosedCause} cause
   * @param {string} reason
   * @param {boolean} mayResume
   */
  #end(cause, reason, mayResume = false) {
    if (this.#isClosed || this.#isSuspended) return;
    if (mayResume && this.#lines.canMove) this.suspend();
    else this.close();
    this.tell({ kind: "closed", cause, reason });
  }

  /**
   * @param {string} reason
   * @param {boolean} isMalformed
   */
  #lineClosed(reason, isMalformed) {
    if (isMalformed) this.#end("protocol", reason);
    else if (!this.#isOpened) this.#end("unreachable", reason);
    else if (this.#frames === null) this.#end("lost", reason);
    else this.#choice.broken(reason);
  }

  /**
   * @param {ServerMessage} message
   * @param {number} received_ms
   * @param {number} bytes
   */
  #receive(message, received_ms, bytes) {
    if (message.type === "Farewell") {
      this.#end(message.may_reconnect ? "farewell" : "refused", message.reason);
    } else if (message.type === "Welcome") {
      this.#welcome(message);
    } else if (this.#frames === null) {
      throw new ProtocolError(`${message.type} came before Welcome`);
    } else if (message.type === "FrameOrder") {
      this.#order = message;
    } else if (message.type === "Frame") {
      this.#takeFrame(message, received_ms, bytes);
    } else if (message.type === "FramesDropped") {
      this.#sequence.dropped(message.serials);
    } else if (message.type === "Pong") {
      this.#pulse.pong(message.token);
    } else if (message.type === "ResumeOffer") {
      this.#grace_ms = message.grace_s * 1000;
      this.#lines.offered(message.token);
      this.#upgrade.consider();
    } else if (message.type === "Attached") {
      throw new ProtocolError("Attached came unasked");
    } else {
      this.tell({ kind: "message", message });
    }
  }

  /**
   * @param {import("../protocol/messages.js").Frame} frame
   * @param {number} received_ms
   * @param {number} bytes
   */
  #takeFrame(frame, received_ms, bytes) {
    const order = this.#order;
    this.#order = null;
    if (!this.#lines.current?.transport.isUnordered) this.#frames?.receive(frame, received_ms);
    else if (order?.serial === frame.serial) {
      this.#sequence.receive({ frame, order, received_ms, bytes });
    } else throw new ProtocolError(`frame ${frame.serial} came without its order`);
  }

  /** @param {import("../protocol/messages.js").Welcome} welcome */
  #welcome(welcome) {
    if (this.#frames !== null) throw new ProtocolError("Welcome came twice");
    this.#lines.agree(welcome.codecs);
    this.#frameDecoder = new FrameDecoder(welcome.codecs, this.#decoders);
    this.#frames = this.#makePipeline(this.#frameDecoder);
    this.#sequence.begin(1);
    this.tell({ kind: "message", message: welcome });
    this.#tellCarrier(false);
    clearTimeout(this.#handshake);
    this.#pulse.start();
  }

  /** @param {FrameDecoder} decoder */
  #makePipeline(decoder) {
    return new FramePipeline({
      decoder,
      now_ms: wallClock_ms,
      show: (frames) => this.#show(frames),
      failed: (error) => {
        const { codec, reason } = error;
        const found = this.#decoders.get(codec);
        const isVideo = found !== undefined && isStreamDecoder(found);
        const isInterruption = error instanceof StreamInterruptedError;
        this.tell({ kind: "frame_failed", codec, reason, isVideo, isInterruption });
      },
      reply: (answer) => this.#answer(answer),
    });
  }

  /**
   * Another connection carries the session: what was not acknowledged comes again.
   * @param {number} serial  of its first frame
   */
  #moved(serial) {
    this.#frames?.close();
    if (this.#frameDecoder !== null) this.#frames = this.#makePipeline(this.#frameDecoder);
    this.#order = null;
    this.#sequence.begin(serial);
    if (this.#pictureSettings !== null) this.#lines.send(this.#pictureSettings);
    this.#loose.moved();
    for (const message of this.#bulk.messages) this.#lines.current?.send("bulk", message);
    this.#pulse.start();
    this.#tellCarrier(false);
  }

  /** @param {boolean} isResumed */
  #tellCarrier(isResumed) {
    const transport = this.#lines.current?.name ?? "";
    this.tell({ kind: "carried", transport, isResumed });
  }

  /** @param {Uint8Array<ArrayBuffer>} message */
  #sendMotion(message) {
    const transport = this.#lines.current?.transport;
    const isLoose = transport !== undefined && transport.sendLoose !== null;
    this.#loose.motion(message, isLoose ? (unit) => transport.sendLoose?.(unit) : null);
  }

  /** @param {import("./frame_pipeline.js").Answer} answer */
  #answer(answer) {
    const transport = this.#lines.current?.transport;
    if (answer.type === "FrameShown" && transport?.sendLoose) {
      this.#loose.shown(encodeMessage(answer), (unit) => transport.sendLoose?.(unit));
    } else this.send(answer);
  }

  /** @param {number} serial */
  #frameLost(serial) {
    this.send({ type: "FrameFailed", serial, codec: "", reason: "lost" });
    this.tell({ kind: "frame_lost" });
  }

  /** @param {import("./line.js").Line} line  the current one, open */
  #beat(line) {
    if (line.silent_ms > SILENCE_LIMIT_MS) {
      this.#end("lost", "it has gone silent", true);
      return;
    }
    this.#bulk.forgetArrived(line.transport.hasBulk, performance.now());
    if (line.transport.losesFrames) {
      const allowed_ms = OVERTAKING_ROUND_TRIPS * this.#pulse.roundTrip_ms;
      const limit_ms = Math.max(allowed_ms, LEAST_OVERTAKING_MS);
      this.#sequence.expire(wallClock_ms(), limit_ms);
    }
    this.#upgrade.watch(line);
    this.#choice.watch();
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
}

/** @param {import("../decoders/registry.js").DecoderOffer[]} offered */
async function prepare(offered) {
  const found = await loadDecoders(offered);
  const isFull = await haveFullChroma(found.decoders.values());
  return { ...found, features: isFull ? [FULL_CHROMA] : [] };
}
