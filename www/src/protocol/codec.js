import { ProtocolError } from "../errors.js";
import { FROM_CLIENT, FROM_SERVER, MAXIMUM_FRAME_BYTES } from "./messages.js";
import { OPERATION } from "./rectangles.js";
import { PayloadReader, PayloadWriter } from "./wire.js";

/**
 * @typedef {import("./messages.js").MessageLayout} MessageLayout
 * @typedef {import("./messages.js").ClientMessage} ClientMessage
 * @typedef {import("./messages.js").ServerMessage} ServerMessage
 */

const HEADER_BYTES = 5;
const FIRST_OPTIONAL_KIND = 0x80;

/** @param {MessageLayout[]} layouts */
const byKind = (layouts) => new Map(layouts.map((layout) => [layout.kind, layout]));

/** @type {Map<string, MessageLayout>} */
const LAYOUT_OF_TYPE = new Map(
  [...FROM_CLIENT, ...FROM_SERVER].map((layout) => [layout.type, layout]),
);
const LAYOUT_OF_KIND = { client: byKind(FROM_CLIENT), server: byKind(FROM_SERVER) };

/**
 * The lane that a message belongs to.
 * @param {ClientMessage | ServerMessage} message
 */
export function laneOf(message) {
  return layoutOf(message).lane;
}

/** @param {{type: string}} message */
function layoutOf({ type }) {
  const layout = LAYOUT_OF_TYPE.get(type);
  if (layout === undefined) throw new RangeError(`there is no message ${type}`);
  return layout;
}

/**
 * Write one message with its header.
 * @param {ClientMessage | ServerMessage} message
 * @returns {Uint8Array<ArrayBuffer>}
 * @throws {RangeError} a field does not fit its type, or the message is too long
 */
export function encodeMessage(message) {
  const layout = layoutOf(message);
  const writer = new PayloadWriter();
  writer.advance(HEADER_BYTES);
  for (const [name, type] of layout.fields) {
    type.write(writer, /** @type {Record<string, any>} */ (message)[name]);
  }
  const length = writer.length - HEADER_BYTES;
  if (length > layout.maximumBytes) {
    throw new RangeError(`${layout.type} of ${length} bytes, the most is ${layout.maximumBytes}`);
  }
  writer.view.setUint8(0, layout.kind);
  writer.view.setUint32(1, length);
  return writer.bytes.subarray(0, writer.length);
}

/**
 * @param {MessageLayout} layout
 * @param {Uint8Array<ArrayBuffer>} payload
 */
function decodePayload(layout, payload) {
  const reader = new PayloadReader(payload);
  /** @type {Record<string, unknown>} */
  const message = { type: layout.type };
  try {
    for (const [name, type] of layout.fields) message[name] = type.read(reader);
    if (reader.remaining > 0) throw new ProtocolError(`${reader.remaining} bytes are left over`);
    layout.check?.(message);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new ProtocolError(`${layout.type} is malformed: ${error.message}`);
  }
  return /** @type {ClientMessage | ServerMessage} */ (/** @type {unknown} */ (message));
}

/**
 * Turns a byte stream of one side, cut anywhere, into messages. No socket, clock or task.
 *
 * Holds at most one message that has not wholly arrived: its length is checked against its kind
 * before any of it is kept. After an error it must not be used again.
 */
export class MessageDecoder {
  /** @type {Uint8Array<ArrayBuffer>} */
  #kept = new Uint8Array(0);
  #toSkip = 0;

  /** @param {"client" | "server"} sender  the side whose messages these are */
  constructor(sender) {
    this.layouts = LAYOUT_OF_KIND[sender];
    /** What Welcome agreed on; without it every rectangle is refused. @type {string[]} */
    this.codecs = [];
  }

  /**
   * Give all messages that are whole now, one by one; keep the rest for the next call.
   *
   * Blobs in the messages are views of `data`, which must not change any more.
   * @param {Uint8Array<ArrayBuffer>} data
   * @returns {Generator<ClientMessage | ServerMessage, void>}
   * @throws {ProtocolError} an unknown kind, a message that is too long or malformed
   */
  *receive(data) {
    let bytes = this.#kept.length === 0 ? data : joined(this.#kept, data);
    for (;;) {
      if (this.#toSkip > 0) {
        const skipped = Math.min(this.#toSkip, bytes.length);
        this.#toSkip -= skipped;
        bytes = bytes.subarray(skipped);
      }
      this.#kept = bytes;
      if (bytes.length < HEADER_BYTES) return;
      const { layout, length } = this.#readHeader(bytes);
      const end = HEADER_BYTES + length;
      if (layout === undefined) {
        this.#toSkip = end;
      } else if (bytes.length < end) {
        return;
      } else {
        const message = decodePayload(layout, bytes.subarray(HEADER_BYTES, end));
        if (message.type === "Frame") this.#checkCodecs(message.rectangles);
        bytes = bytes.subarray(end);
        yield message;
      }
    }
  }

  /** @param {Uint8Array<ArrayBuffer>} bytes */
  #readHeader(bytes) {
    const kind = bytes[0];
    const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1);
    const layout = this.layouts.get(kind);
    const name = layout?.type ?? `message kind 0x${kind.toString(16).padStart(2, "0")}`;
    if (layout === undefined && kind < FIRST_OPTIONAL_KIND) {
      throw new ProtocolError(`${name} is unknown`);
    }
    const most = layout?.maximumBytes ?? MAXIMUM_FRAME_BYTES;
    if (length > most) throw new ProtocolError(`${name} of ${length} bytes, the most is ${most}`);
    return { layout, length };
  }

  /** @param {import("./messages.js").FrameRectangle[]} rectangles */
  #checkCodecs(rectangles) {
    for (const { operation, codec } of rectangles) {
      if (operation === OPERATION.COPY) continue;
      if (codec >= this.codecs.length) throw new ProtocolError(`codec ${codec} was not agreed on`);
    }
  }
}

/**
 * @param {Uint8Array<ArrayBuffer>} first
 * @param {Uint8Array<ArrayBuffer>} second
 */
function joined(first, second) {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
