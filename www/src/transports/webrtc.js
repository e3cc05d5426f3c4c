import { ChunkedFrames, PieceJoiner, piecesOf } from "./chunks.js";
import { looseDatagram } from "./units.js";

export const name = "webrtc";

/** @param {{hasPeers: boolean}} page */
export const isSupported = ({ hasPeers }) => hasPeers;

/** Bulk data waits while this much is still on its way, so that input never queues behind it. */
const BULK_BACKLOG_BYTES = 32 * 1024;
const BULK_RETRY_MS = 4;
/** Text on the control channel, before it closes for good: the server need not wait for us. */
const GOODBYE = "goodbye";

/**
 * Open data channels, each lane its own; the peer connection itself lives in the page's thread.
 * @type {import("./open.js").OpenTransport}
 */
export function open(url, events, page) {
  return new Connection(url, events, page);
}

class Connection {
  isUnordered = true;
  losesFrames = true;
  /** @type {Record<string, import("./open.js").PeerChannel>} */
  #channels = {};
  #waiting = new Set(["control", "frames", "bulk", "loose"]);
  #frames = new ChunkedFrames();
  /** @type {Uint8Array<ArrayBuffer>[]} */
  #bulk = [];
  #bulkTimer = 0;
  #controlUnits = 0;
  #sequence = 0;
  #isClosed = false;

  /**
   * @param {string} url
   * @param {import("./open.js").TransportEvents} events
   * @param {import("./open.js").Page} page
   */
  constructor(url, events, page) {
    this.events = events;
    this.closePeer = page.openPeer(url, {
      made: (channels) => this.#take(channels),
      failed: (reason) => this.#end(reason),
    });
  }

  get hasBulk() {
    return this.#bulk.length > 0;
  }

  /** @param {Record<string, import("./open.js").PeerChannel>} channels */
  #take(channels) {
    this.#channels = channels;
    const joiners = { control: new PieceJoiner(), bulk: new PieceJoiner() };
    for (const [label, channel] of Object.entries(channels)) {
      channel.onopen = () => this.#opened(label);
      channel.onclose = () => this.#end("");
      channel.onmessage = ({ data }) => {
        if (this.#isClosed || !(data instanceof ArrayBuffer)) return;
        const bytes = new Uint8Array(data);
        if (label === "frames") {
          const unit = this.#frames.receive(bytes, performance.now());
          if (unit !== null) this.events.received(unit, "frames");
        } else if (label === "control" || label === "bulk") {
          const unit = joiners[label].receive(bytes);
          if (unit !== null) this.events.received(unit, label);
        }
      };
    }
  }

  /** @param {string} label */
  #opened(label) {
    this.#waiting.delete(label);
    if (this.#waiting.size === 0 && !this.#isClosed) this.events.opened();
  }

  /**
   * @param {import("./open.js").Lane} lane
   * @param {Uint8Array<ArrayBuffer>} message
   */
  send(lane, message) {
    if (this.#isClosed || this.#waiting.size > 0) return;
    if (lane === "bulk") {
      this.#bulk.push(...piecesOf(message));
      if (this.#bulkTimer === 0) this.#sendBulk();
      return;
    }
    this.#controlUnits += 1;
    for (const piece of piecesOf(message)) this.#put("control", piece);
  }

  /** @param {Uint8Array<ArrayBuffer>} unit */
  sendLoose(unit) {
    if (this.#isClosed || this.#waiting.size > 0) return;
    this.#sequence += 1;
    this.#put("loose", looseDatagram(this.#sequence, this.#controlUnits, unit));
  }

  #sendBulk() {
    this.#bulkTimer = 0;
    while (this.#bulk.length > 0 && this.#channels.bulk.bufferedAmount < BULK_BACKLOG_BYTES) {
      this.#put("bulk", /** @type {Uint8Array<ArrayBuffer>} */ (this.#bulk.shift()));
    }
    if (this.#bulk.length > 0 && !this.#isClosed) {
      this.#bulkTimer = Number(setTimeout(() => this.#sendBulk(), BULK_RETRY_MS));
    }
  }

  /**
   * @param {string} label
   * @param {Uint8Array<ArrayBuffer> | string} message
   */
  #put(label, message) {
    try {
      this.#channels[label].send(message);
    } catch {
      this.#end("a channel has closed");
    }
  }

  async readLoss() {
    return null; // data channels do not tell
  }

  /** @param {boolean} mayResume */
  close(mayResume) {
    if (!mayResume && !this.#isClosed && this.#waiting.size === 0) this.#put("control", GOODBYE);
    this.#end("");
  }

  /** @param {string} reason */
  #end(reason) {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#bulkTimer);
    this.closePeer();
    this.events.closed(reason);
  }
}
