import { FLOOR, isKnown, isSupported } from "../transports/open.js";

/**
 * @typedef {import("../workers/thread_messages.js").TransportAddress} TransportAddress
 * @typedef {{name: string, path: string}} OfferedTransport
 * @typedef {import("./transport_memory.js").TransportMemory} TransportMemory
 */

/**
 * Why a transport is not used; an empty reason: it may be soon. Of the one that is used, why it is
 * not another one of the list.
 * @typedef {{name: string, isUsed: boolean, reason: string}} TransportState
 */

/**
 * @typedef {object} Plan
 * @property {TransportAddress} join
 * @property {TransportAddress[]} others  that the browser has
 * @property {boolean} needsTicket  the transport does not carry the browser's login
 * @property {TransportAddress[]} better  to go on over, the best first
 */

/** Decides over what to join and what to try then, and knows why something is not used. */
export class TransportPlan {
  /** @type {TransportAddress[]} */
  #offered = [];
  /** Why not, in this session. @type {Map<string, string>} */
  #reasons = new Map();
  #unreachable = 0;
  #used = "";
  #mayUpgrade = true;
  #isGood = false;

  /**
   * @param {TransportMemory} memory
   * @param {boolean} hasPeers  the browser has peer connections
   */
  constructor(memory, hasPeers) {
    this.memory = memory;
    this.hasPeers = hasPeers;
  }

  /** Name of the transport in use; empty before the first connection. */
  get used() {
    return this.#used;
  }

  /**
   * @param {OfferedTransport[]} offered  in the operator's order
   * @param {URL} base  of their paths
   * @param {number} now_ms
   * @param {boolean} mayUpgrade  false: it stays with what it joined by
   * @returns {Plan | null}  null: this browser has none of them
   */
  make(offered, base, now_ms, mayUpgrade = true) {
    this.#mayUpgrade = mayUpgrade;
    this.#isGood = false;
    this.#offered = offered
      .filter(({ name }) => isKnown(name))
      .map(({ name, path }) => ({ name, url: new URL(path, base).href }));
    const usable = this.#offered.filter(({ name }) => isSupported(name, this));
    const floor = usable.filter(({ name }) => name === FLOOR);
    const ways = [...floor, ...usable.filter(({ name }) => name !== FLOOR)];
    if (ways.length === 0) return null;
    const join = ways[this.#unreachable % ways.length];
    const others = ways.filter((way) => way !== join);
    const better = this.better(join.name, now_ms);
    return { join, others, needsTicket: join.name !== FLOOR, better };
  }

  /**
   * What is worth a try instead of a transport.
   * @param {string} current
   * @param {number} now_ms
   */
  better(current, now_ms) {
    if (!this.#mayUpgrade) return [];
    const place = this.#offered.findIndex(({ name }) => name === current);
    return this.#offered.slice(0, Math.max(place, 0)).filter(({ name }) => {
      const known = this.memory.failure(name, network(), now_ms);
      if (!isSupported(name, this)) this.#reasons.set(name, "this browser does not have it");
      else if (known === null) this.#reasons.delete(name);
      else if (!this.#reasons.has(name)) this.#reasons.set(name, `${known.reason} (some time ago)`);
      return known === null && isSupported(name, this);
    });
  }

  /** @param {boolean} isGood  the way to the server: the session stays with the WebSocket */
  judged(isGood) {
    this.#isGood = isGood;
  }

  /** What it joined over did not open: the next attempt takes another one. */
  unreachable() {
    this.#unreachable += 1;
  }

  /** @param {string} name  of what carries the session now */
  carried(name) {
    this.#used = name;
    this.#unreachable = 0;
    this.#reasons.delete(name);
    if (name !== FLOOR) this.memory.worked(name, network());
  }

  /**
   * @param {string} name
   * @param {string} reason
   * @param {number} now_ms
   */
  failed(name, reason, now_ms) {
    this.#reasons.set(name, reason);
    this.memory.failed(name, network(), reason, now_ms);
  }

  /** Of all transports of the server that this client knows. @returns {TransportState[]} */
  describe() {
    return this.#offered.map(({ name }) => {
      const isUsed = name === this.#used;
      return { name, isUsed, reason: isUsed ? this.#whyStay() : (this.#reasons.get(name) ?? "") };
    });
  }

  #whyStay() {
    if (this.#used !== FLOOR || this.#offered[0]?.name === FLOOR) return "";
    if (!this.#mayUpgrade) return "the server is set so";
    return this.#isGood ? "the server is near" : "";
  }
}

/** A coarse name of the network that the browser is in; most browsers say nothing. */
function network() {
  const { connection } = /** @type {{connection?: {type?: string}}} */ (globalThis.navigator ?? {});
  return connection?.type ?? "";
}
