/** What was handed over so long ago, and waits no more, has arrived or is lost with the session. */
const ARRIVED_AFTER_MS = 3000;

/** Keeps the newest clipboard transfer until it is through: cut off, it begins again elsewhere. */
export class BulkMemory {
  /** @type {Uint8Array<ArrayBuffer>[]} */
  #messages = [];
  #newest_ms = 0;

  /**
   * @param {import("../protocol/messages.js").ClientMessage} message
   * @param {Uint8Array<ArrayBuffer>} bytes
   * @param {number} now_ms
   */
  note({ type }, bytes, now_ms) {
    if (type === "ClipboardStart") this.#messages = [];
    this.#messages.push(bytes);
    this.#newest_ms = now_ms;
  }

  /**
   * @param {boolean} isWaiting  some of it has not been handed to the network
   * @param {number} now_ms
   */
  forgetArrived(isWaiting, now_ms) {
    if (isWaiting) this.#newest_ms = now_ms;
    else if (now_ms - this.#newest_ms > ARRIVED_AFTER_MS) this.#messages = [];
  }

  /** What may have been cut off. */
  get messages() {
    return this.#messages;
  }
}
