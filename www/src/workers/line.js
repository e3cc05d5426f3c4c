import { ProtocolError } from "../errors.js";
import { MessageDecoder } from "../protocol/codec.js";
import { openTransport } from "../transports/open.js";
import { wallClock_ms } from "./thread_messages.js";

/**
 * @typedef {import("../protocol/messages.js").ServerMessage} ServerMessage
 * @typedef {import("./thread_messages.js").TransportAddress} TransportAddress
 */

/**
 * @typedef {object} LineEvents
 * @property {() => void} opened
 * @property {(message: ServerMessage, received_ms: number, bytes: number) => void} message  bytes:
 *   of the unit that it came in
 * @property {(reason: string, isMalformed: boolean) => void} closed  once, whoever closed;
 *   malformed: the peer broke the protocol
 */

/** What may come on other lanes before the control lane has brought Welcome or Attached. */
const MOST_EARLY = 256;

/** One connection of a session over some transport: messages out, messages in. */
export class Line {
  #decoders = { all: decoder(), control: decoder(), bulk: decoder() };
  /** @type {string[]} */
  #codecs = [];
  /**
   * Overtook Welcome or Attached, which says what they mean; null: it has come.
   * @type {[Uint8Array<ArrayBuffer>, "frames" | "bulk"][] | null}
   */
  #early = [];
  #isOpen = false;
  #isClosed = false;
  /** When the oldest question was asked since which nothing came; 0: something has come. */
  #asked_ms = 0;

  /**
   * @param {TransportAddress} transport
   * @param {import("../transports/open.js").Page} page
   * @param {LineEvents} events
   */
  constructor({ name, url }, page, events) {
    this.name = name;
    this.events = events;
    this.transport = openTransport(
      name,
      url,
      {
        opened: () => {
          this.#isOpen = true;
          this.events.opened();
        },
        received: (unit, lane) => this.#receive(unit, lane),
        closed: (reason) => this.#end(reason, false),
      },
      page,
    );
  }

  get isOpen() {
    return this.#isOpen && !this.#isClosed;
  }

  get isClosed() {
    return this.#isClosed;
  }

  /** What Welcome agreed on; what came too early is taken once the setter of this is done. */
  set codecs(/** @type {string[]} */ codecs) {
    this.#codecs = codecs;
    this.#decoders.all.codecs = codecs;
    queueMicrotask(() => {
      const early = this.#early ?? [];
      this.#early = null;
      for (const [unit, lane] of early) this.#receive(unit, lane);
    });
  }

  /** The server has been asked something that it answers at once. */
  asked() {
    if (this.#asked_ms === 0) this.#asked_ms = performance.now();
  }

  /** For how long the server owes a sign of life. */
  get silent_ms() {
    return this.#asked_ms === 0 ? 0 : performance.now() - this.#asked_ms;
  }

  /**
   * @param {import("../transports/open.js").Lane} lane
   * @param {Uint8Array<ArrayBuffer>} message
   */
  send(lane, message) {
    this.transport.send(lane, message);
  }

  /**
   * Close without telling; safe to repeat.
   * @param {boolean} mayResume  the session is to go on over another one
   */
  close(mayResume = false) {
    this.#isClosed = true;
    this.transport.close(mayResume);
  }

  /**
   * @param {Uint8Array<ArrayBuffer>} unit
   * @param {import("../transports/open.js").Lane | "all"} lane
   */
  #receive(unit, lane) {
    if (this.#isClosed) return;
    const received_ms = wallClock_ms();
    this.#asked_ms = 0;
    if (this.#early !== null && (lane === "frames" || lane === "bulk")) {
      if (this.#early.push([unit, lane]) > MOST_EARLY) this.#end("it did not begin in order", true);
      return;
    }
    try {
      const reading = lane === "frames" ? decoder(this.#codecs) : this.#decoders[lane];
      for (const message of reading.receive(unit)) {
        this.events.message(/** @type {ServerMessage} */ (message), received_ms, unit.length);
        if (this.#isClosed) return;
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#end(error.message, true);
    }
  }

  /**
   * @param {string} reason
   * @param {boolean} isMalformed
   */
  #end(reason, isMalformed) {
    if (this.#isClosed) return;
    this.close();
    this.events.closed(reason, isMalformed);
  }
}

/** @param {string[]} codecs */
function decoder(codecs = []) {
  const made = new MessageDecoder("server");
  made.codecs = codecs;
  return made;
}
