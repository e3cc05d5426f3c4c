/**
 * @typedef {import("../transports/open.js").PeerEvents} PeerEvents
 */

/** What the page's thread does for the transports of this worker. */
export class WorkerPage {
  hasPeers = false;
  /** @type {Map<number, PeerEvents>} */
  #peers = new Map();
  #ids = 0;

  /** @param {(told: import("./thread_messages.js").Told) => void} tell */
  constructor(tell) {
    this.tell = tell;
  }

  /**
   * Let the page make a peer connection.
   * @param {string} url
   * @param {PeerEvents} events
   * @returns {() => void}  ends it
   */
  openPeer(url, events) {
    this.#ids += 1;
    const id = this.#ids;
    this.#peers.set(id, events);
    this.tell({ kind: "open_peer", id, url });
    return () => {
      if (this.#peers.delete(id)) this.tell({ kind: "close_peer", id });
    };
  }

  /**
   * @param {number} id
   * @param {Record<string, RTCDataChannel>} channels
   */
  made(id, channels) {
    for (const channel of Object.values(channels)) channel.binaryType = "arraybuffer";
    this.#peers
      .get(id)
      ?.made(/** @type {Record<string, import("../transports/open.js").PeerChannel>} */ (channels));
  }

  /**
   * @param {number} id
   * @param {string} reason
   */
  failed(id, reason) {
    const events = this.#peers.get(id);
    this.#peers.delete(id);
    events?.failed(reason);
  }
}
