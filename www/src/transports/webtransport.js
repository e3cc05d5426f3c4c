import { ProtocolError } from "../errors.js";
import { MOST_UNIT_BYTES, UnitReader, joined, looseDatagram, withLength } from "./units.js";

export const name = "webtransport";

export const isSupported = () => "WebTransport" in globalThis;

const FRAMES_LANE = 1;
const BULK_LANE = 2;
/** Below the 0 of control. */
const BULK_ORDER = -1;

/**
 * @typedef {object} Address
 * @property {string} url
 * @property {string[]} certificate_hashes  SHA-256 in base64; empty: the browser trusts it anyhow
 */

/**
 * Open a WebTransport session: control on a stream of its own, each frame on another one.
 * @type {import("./open.js").OpenTransport}
 */
export function open(url, events) {
  const connection = new Connection(events);
  connection.run(url);
  return connection;
}

class Connection {
  isUnordered = true;
  losesFrames = false;
  #abort = new AbortController();
  /** @type {WebTransport | null} */
  #session = null;
  /** @type {WritableStreamDefaultWriter<Uint8Array> | null} */
  #control = null;
  /** @type {WritableStreamDefaultWriter<Uint8Array> | null} */
  #datagrams = null;
  /** @type {Promise<WritableStreamDefaultWriter<Uint8Array>> | null} */
  #bulk = null;
  #waitingBulk = 0;
  #controlUnits = 0;
  #sequence = 0;
  #isClosed = false;

  /** @param {import("./open.js").TransportEvents} events */
  constructor(events) {
    this.events = events;
  }

  get hasBulk() {
    return this.#waitingBulk > 0;
  }

  /** @param {string} url  that tells the address */
  async run(url) {
    try {
      await this.#run(await findAddress(url, this.#abort.signal));
      this.#end("");
    } catch (error) {
      this.#end(inWords(error));
    }
  }

  /** @param {Address} address */
  async #run({ url, certificate_hashes: hashes }) {
    if (this.#isClosed) return;
    const session = new WebTransport(url, {
      congestionControl: "low-latency",
      serverCertificateHashes: hashes.map((hash) => ({ algorithm: "sha-256", value: bytesOf(hash) })),
    });
    this.#session = session;
    // Its end is told by `closed`; without a handler each of these would be reported as unhandled.
    for (const each of [session.ready, session.closed]) each.catch(() => {});
    await session.ready.catch(() => {
      throw new Error("the UDP port does not answer");
    });
    const { readable, writable } = await session.createBidirectionalStream();
    this.#control = writable.getWriter();
    this.#datagrams = session.datagrams.writable.getWriter();
    if (this.#isClosed) return;
    this.events.opened();
    this.#acceptStreams(session.incomingUnidirectionalStreams);
    await this.#readUnits(readable.getReader(), new UnitReader(), "control");
    await session.closed;
  }

  /** @param {ReadableStream<ReadableStream<Uint8Array<ArrayBuffer>>>} streams */
  async #acceptStreams(streams) {
    const reader = streams.getReader();
    try {
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        this.#readStream(value.getReader());
      }
    } catch {
      // The session has ended, which `run` tells.
    }
  }

  /** @param {ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>} reader */
  async #readStream(reader) {
    try {
      const { value, done } = await reader.read();
      if (done || value.length === 0) return;
      const rest = value.subarray(1);
      if (value[0] === FRAMES_LANE) {
        const unit = await readToEnd(reader, rest);
        if (!this.#isClosed) this.events.received(unit, "frames");
      } else if (value[0] === BULK_LANE) {
        const units = new UnitReader();
        for (const unit of units.receive(rest)) this.events.received(unit, "bulk");
        await this.#readUnits(reader, units, "bulk");
      }
    } catch (error) {
      // A stream that was reset carried a frame that a newer one replaced; the server names it.
      if (error instanceof ProtocolError) this.#end(error.message);
    }
  }

  /**
   * @param {ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>} reader
   * @param {UnitReader} units
   * @param {"control" | "bulk"} lane
   */
  async #readUnits(reader, units, lane) {
    for (;;) {
      const { value, done } = await reader.read();
      if (done || this.#isClosed) return;
      for (const unit of units.receive(value)) {
        if (!this.#isClosed) this.events.received(unit, lane);
      }
    }
  }

  /**
   * @param {import("./open.js").Lane} lane
   * @param {Uint8Array<ArrayBuffer>} message
   */
  send(lane, message) {
    if (this.#isClosed || this.#control === null) return;
    if (lane === "bulk") {
      this.#sendBulk(message);
      return;
    }
    this.#controlUnits += 1;
    this.#control.write(withLength(message)).catch(() => {}); // `run` tells that it has ended
  }

  /** @param {Uint8Array<ArrayBuffer>} unit */
  sendLoose(unit) {
    if (this.#isClosed || this.#datagrams === null) return;
    this.#sequence += 1;
    const datagram = looseDatagram(this.#sequence, this.#controlUnits, unit);
    this.#datagrams.write(datagram).catch(() => {});
  }

  /** @param {Uint8Array<ArrayBuffer>} message */
  #sendBulk(message) {
    this.#bulk ??= this.#openBulk();
    this.#waitingBulk += 1;
    this.#bulk = this.#bulk.then(async (writer) => {
      await writer.ready;
      this.#waitingBulk -= 1;
      writer.write(withLength(message)).catch(() => {});
      return writer;
    });
    this.#bulk.catch(() => {});
  }

  async #openBulk() {
    const session = /** @type {WebTransport} */ (this.#session);
    const stream = await session.createUnidirectionalStream({ sendOrder: BULK_ORDER });
    const writer = stream.getWriter();
    writer.write(new Uint8Array([BULK_LANE])).catch(() => {});
    return writer;
  }

  async readLoss() {
    const session = /** @type {any} */ (this.#session); // newer than its types
    const { packetsLost, packetsSent } = (await session?.getStats?.().catch(() => null)) ?? {};
    return packetsSent > 0 && packetsLost >= 0 ? packetsLost / packetsSent : null;
  }

  /** @param {boolean} mayResume */
  close(mayResume) {
    this.#end("", mayResume ? 1 : 0);
  }

  /**
   * @param {string} reason
   * @param {number} closeCode  0 says that the session is over
   */
  #end(reason, closeCode = 1) {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#abort.abort();
    try {
      this.#session?.close({ closeCode });
    } catch {
      // It was not open yet, or has ended.
    }
    this.events.closed(reason);
  }
}

/**
 * @param {string} url
 * @param {AbortSignal} signal
 * @returns {Promise<Address>}
 */
async function findAddress(url, signal) {
  const response = await fetch(url, { cache: "no-store", signal });
  const answer = await response.json().catch(() => null);
  if (response.ok && typeof answer?.url === "string" && Array.isArray(answer.certificate_hashes)) {
    return answer;
  }
  const told = answer?.error;
  throw new Error(typeof told === "string" ? told : `the server has none (HTTP ${response.status})`);
}

/** @param {string} base64 */
function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

/**
 * @param {ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>} reader
 * @param {Uint8Array<ArrayBuffer>} first
 */
async function readToEnd(reader, first) {
  const pieces = [first];
  let length = first.length;
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return joined(pieces);
    pieces.push(value);
    length += value.length;
    if (length > MOST_UNIT_BYTES) throw new ProtocolError(`a frame of over ${length} bytes`);
  }
}

/** @param {unknown} error */
function inWords(error) {
  return error instanceof Error ? error.message : String(error);
}
