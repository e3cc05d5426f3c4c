import { encodeMessage } from "../protocol/codec.js";
import { ControlRing } from "./control_ring.js";
import { Line } from "./line.js";

/**
 * @typedef {import("../protocol/messages.js").ServerMessage} ServerMessage
 * @typedef {import("../protocol/messages.js").Attached} Attached
 * @typedef {import("./thread_messages.js").TransportAddress} TransportAddress
 */

/**
 * attached: the session goes on there; refused: the server does not know the session any more;
 * closed: no answer came.
 * @typedef {{outcome: "attached" | "refused" | "closed", reason: string}} AttachResult
 */

/**
 * @typedef {object} LinesEvents
 * @property {(message: ServerMessage, received_ms: number, bytes: number) => void} message  from
 *   the current connection
 * @property {(attached: Attached) => void} moved  the session goes on over the current connection
 * @property {(reason: string, isMalformed: boolean) => void} closed  the current one has ended
 */

/**
 * The connections of one session: one that it runs over, and others that may take it over.
 *
 * What a person did is counted over all of them; what one has swallowed is sent again over the
 * next, so that each key arrives exactly once.
 */
export class SessionLines {
  #ring = new ControlRing();
  /** @type {Line | null} */
  #current = null;
  /** @type {Set<Line>} */
  #others = new Set();
  #token = "";
  /** @type {string[]} */
  #codecs = [];

  /**
   * @param {import("../transports/open.js").Page} page
   * @param {LinesEvents} events
   */
  constructor(page, events) {
    this.page = page;
    this.events = events;
  }

  get current() {
    return this.#current;
  }

  /** True when the server has said how the session can go on elsewhere. */
  get canMove() {
    return this.#token !== "";
  }

  /** @param {string} token  of the newest ResumeOffer */
  offered(token) {
    this.#token = token;
  }

  /** @param {string[]} codecs  what Welcome agreed on */
  agree(codecs) {
    this.#codecs = codecs;
    if (this.#current !== null) this.#current.codecs = codecs;
  }

  /**
   * Open the first connection.
   * @param {TransportAddress} transport
   * @param {() => void} opened
   */
  join(transport, opened) {
    const line = new Line(transport, this.page, {
      opened,
      message: (...received) => this.events.message(...received),
      closed: (...why) => this.#closed(line, ...why),
    });
    this.#current = line;
  }

  /**
   * Send a control message that concerns this connection alone, or that the next one makes stale.
   * @param {Uint8Array<ArrayBuffer>} message
   */
  send(message) {
    this.#current?.send("control", message);
  }

  /**
   * Send a control message that must arrive, if not on this connection then on the next.
   * @param {Uint8Array<ArrayBuffer>} message
   */
  sendCounted(message) {
    this.#ring.note(message);
    this.#current?.send("control", message);
  }

  /**
   * Open another connection; the session does not know of it yet.
   * @param {TransportAddress} transport
   * @param {number} limit_ms
   * @returns {Promise<Line | string>}  a string: why it is not open; empty: it was abandoned
   */
  prepare(transport, limit_ms) {
    return new Promise((resolve) => {
      const settle = (/** @type {Line | string} */ result) => {
        clearTimeout(timer);
        resolve(result);
      };
      const line = new Line(transport, this.page, {
        opened: () => settle(line),
        message: () => this.abandon(line),
        closed: (reason) => {
          this.#others.delete(line);
          settle(reason || "it does not open");
        },
      });
      const timer = setTimeout(() => {
        resolve(line.isClosed ? "" : "it does not answer");
        this.abandon(line);
      }, limit_ms);
      this.#others.add(line);
    });
  }

  /**
   * Let the session go on over a connection that is open. Until the answer comes the current one
   * is used.
   * @param {Line} line
   * @param {number} limit_ms
   * @returns {Promise<AttachResult>}
   */
  attach(line, limit_ms) {
    return new Promise((resolve) => {
      const settle = (/** @type {AttachResult} */ result) => {
        clearTimeout(timer);
        if (result.outcome !== "attached") this.abandon(line);
        resolve(result);
      };
      const timer = setTimeout(
        () => settle({ outcome: "closed", reason: "it does not answer" }),
        limit_ms,
      );
      line.events.closed = (reason) => settle({ outcome: "closed", reason });
      line.events.message = (message) => {
        if (message.type === "Attached") settle(this.#move(line, message));
        else settle({ outcome: "refused", reason: "reason" in message ? message.reason : "" });
      };
      if (line.isClosed) settle({ outcome: "closed", reason: "it has closed" });
      else line.send("control", encodeMessage({ type: "Attach", token: this.#token }));
    });
  }

  /**
   * Close a connection that is not needed.
   * @param {Line} line
   */
  abandon(line) {
    this.#others.delete(line);
    line.close(true); // the server may have moved the session there
  }

  /**
   * Close all without telling; safe to repeat.
   * @param {boolean} mayResume  the session is to go on over another one
   */
  close(mayResume) {
    this.#current?.close(mayResume);
    for (const line of [...this.#others]) this.abandon(line);
  }

  /**
   * @param {Line} line
   * @param {Attached} attached
   * @returns {AttachResult}
   */
  #move(line, attached) {
    const missing = this.#ring.after(attached.received);
    if (missing === null) return { outcome: "refused", reason: "too much was on its way" };
    this.#current?.close();
    this.#others.delete(line);
    this.#current = line;
    line.codecs = this.#codecs;
    line.events.message = (...received) => this.events.message(...received);
    line.events.closed = (...why) => this.#closed(line, ...why);
    for (const message of missing) line.send("control", message);
    this.events.moved(attached);
    return { outcome: "attached", reason: "" };
  }

  /**
   * @param {Line} line
   * @param {string} reason
   * @param {boolean} isMalformed
   */
  #closed(line, reason, isMalformed) {
    if (line === this.#current) this.events.closed(reason, isMalformed);
  }
}
