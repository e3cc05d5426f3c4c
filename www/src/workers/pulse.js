import { encodeMessage } from "../protocol/codec.js";
import { FLOOR } from "../transports/open.js";

/** @typedef {import("./line.js").Line} Line */

/** One that may fall silent while another way is open is asked more often. */
const PING_EVERY_MS = 500;
const FLOOR_PING_EVERY_MS = 1000;
const BEAT_MS = 250;
/** Between questions that are to tell soon how far the server is. */
const PROBE_MS = 25;
/** Where lost frames must be found soon. */
const QUICK_BEAT_MS = 50;
/** Pings that are remembered. */
const MOST_PINGS = 64;

/** Asks the server again and again over a session's current connection, and times the answers. */
export class Pulse {
  /** When each ping that is under way was sent. @type {Map<number, number>} */
  #pings = new Map();
  #token = 0;
  #asked_ms = -Infinity;
  #timer = 0;
  #probing = 0;
  /** Newest; 0: not measured yet. */
  roundTrip_ms = 0;

  /**
   * @param {import("./session_lines.js").SessionLines} lines
   * @param {object} outlets
   * @param {(line: Line) => void} outlets.beat  several times a second while the connection is open
   * @param {(round_trip_ms: number, loss: number | null) => void} outlets.measured
   */
  constructor(lines, { beat, measured }) {
    this.lines = lines;
    this.beat = beat;
    this.measured = measured;
  }

  /** A connection begins. */
  start() {
    this.stop();
    this.#pings.clear();
    this.#asked_ms = -Infinity;
    this.#beat();
  }

  stop() {
    clearTimeout(this.#timer);
    clearTimeout(this.#probing);
  }

  /**
   * Ask several times in a row, to know the way soon.
   * @param {number} times
   */
  probe(times) {
    const { current } = this.lines;
    if (current?.isOpen) this.#ask(current);
    if (times > 1) this.#probing = Number(setTimeout(() => this.probe(times - 1), PROBE_MS));
  }

  /** @param {number} token */
  async pong(token) {
    const sent_ms = this.#pings.get(token);
    if (sent_ms === undefined) return;
    this.#pings.delete(token);
    this.roundTrip_ms = performance.now() - sent_ms;
    const loss = (await this.lines.current?.transport.readLoss()) ?? null;
    this.measured(this.roundTrip_ms, loss);
  }

  #beat() {
    const line = this.lines.current;
    this.#timer = Number(
      setTimeout(() => this.#beat(), line?.transport.losesFrames ? QUICK_BEAT_MS : BEAT_MS),
    );
    if (!line?.isOpen) return;
    const every_ms = line.name === FLOOR ? FLOOR_PING_EVERY_MS : PING_EVERY_MS;
    if (performance.now() - this.#asked_ms >= every_ms) this.#ask(line);
    this.beat(line);
  }

  /** @param {Line} line */
  #ask(line) {
    this.#asked_ms = performance.now();
    this.#token = (this.#token + 1) >>> 0;
    this.#pings.set(this.#token, this.#asked_ms);
    const [oldest] = this.#pings.keys();
    if (this.#pings.size > MOST_PINGS) this.#pings.delete(oldest);
    line.asked();
    this.lines.send(encodeMessage({ type: "Ping", token: this.#token }));
  }
}
