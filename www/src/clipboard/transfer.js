import { ProtocolError } from "../errors.js";
import { MAXIMUM_CHUNK_BYTES } from "../protocol/messages.js";

/** @typedef {{mime: string, data: Uint8Array<ArrayBuffer>}} ClipboardItemData */

/**
 * The messages that carry items to the other side.
 * @param {number} transfer  number that tells transfers of this side apart
 * @param {ClipboardItemData[]} items
 * @returns {Generator<import("../protocol/messages.js").ClipboardMessage>}
 */
export function* transferMessages(transfer, items) {
  const announced = items.map(({ mime, data }) => ({ mime, size: data.length }));
  yield { type: "ClipboardStart", transfer, items: announced };
  for (const [item, { data }] of items.entries()) {
    for (let start = 0; start < data.length; start += MAXIMUM_CHUNK_BYTES) {
      const chunk = data.subarray(start, start + MAXIMUM_CHUNK_BYTES);
      yield { type: "ClipboardChunk", transfer, item, data: chunk };
    }
  }
}

/** Puts the other side's transfers together. */
export class TransferReceiver {
  /** @type {{transfer: number, items: ClipboardItemData[], filled: number[]} | null} */
  #current = null;

  /** @param {number} maximumBytes  a larger transfer is skipped */
  constructor(maximumBytes) {
    this.maximumBytes = maximumBytes;
  }

  /**
   * @param {import("../protocol/messages.js").ClipboardMessage} message
   * @returns {ClipboardItemData[] | null}  all items once the last byte is there
   * @throws {ProtocolError} more bytes than announced
   */
  receive(message) {
    return message.type === "ClipboardStart" ? this.#start(message) : this.#fill(message);
  }

  /** @param {import("../protocol/messages.js").ClipboardStart} start */
  #start({ transfer, items }) {
    const total = items.reduce((sum, { size }) => sum + size, 0);
    if (total > this.maximumBytes) {
      this.#current = null;
      return null;
    }
    this.#current = {
      transfer,
      items: items.map(({ mime, size }) => ({ mime, data: new Uint8Array(size) })),
      filled: items.map(() => 0),
    };
    return this.#finished();
  }

  /** @param {import("../protocol/messages.js").ClipboardChunk} chunk */
  #fill({ transfer, item, data }) {
    const current = this.#current;
    if (current === null || transfer !== current.transfer) return null;
    const target = current.items[item]?.data;
    if (target === undefined || current.filled[item] + data.length > target.length) {
      throw new ProtocolError("a clipboard transfer holds more than it announced");
    }
    target.set(data, current.filled[item]);
    current.filled[item] += data.length;
    return this.#finished();
  }

  #finished() {
    if (this.#current === null) return null;
    const { items, filled } = this.#current;
    if (items.some(({ data }, item) => filled[item] < data.length)) return null;
    this.#current = null;
    return items;
  }
}
