const MOST_MESSAGES = 512;
const MOST_BYTES = 64 * 1024;

/**
 * The newest counted messages of a session, over all its connections, so that those which an old
 * connection has swallowed can be sent again on a new one.
 */
export class ControlRing {
  /** @type {Uint8Array<ArrayBuffer>[]} */
  #kept = [];
  #bytes = 0;
  #sent = 0;

  /**
   * A message is being sent, or would be if there were a connection.
   * @param {Uint8Array<ArrayBuffer>} message
   */
  note(message) {
    this.#kept.push(message);
    this.#bytes += message.length;
    this.#sent += 1;
    while (this.#kept.length > MOST_MESSAGES || this.#bytes > MOST_BYTES) {
      this.#bytes -= /** @type {Uint8Array} */ (this.#kept.shift()).length;
    }
  }

  /**
   * The messages that the server lacks.
   * @param {number} received  how many it has taken since Hello
   * @returns {Uint8Array<ArrayBuffer>[] | null}  null: not all of them are kept any more
   */
  after(received) {
    const missing = (this.#sent - received) >>> 0; // both count modulo 2^32
    if (missing > this.#kept.length) return null;
    return missing === 0 ? [] : this.#kept.slice(-missing);
  }
}
