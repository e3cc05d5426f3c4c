import { keep, loadKept } from "./browser_storage.js";

const KEY = "kasmcore-failed-transports";
const FIRST_MS = 5 * 60 * 1000;
const LONGEST_MS = 24 * 60 * 60 * 1000;

/**
 * @typedef {import("./browser_storage.js").Storage} Storage
 * @typedef {{until_ms: number, times: number, reason: string}} Failure
 */

/**
 * Remembers which transports did not work with a server from a network, so that they are not tried
 * each time: for five minutes first, twice as long each time, at most for a day.
 */
export class TransportMemory {
  /**
   * @param {string} origin  of the server
   * @param {Storage | null} storage  null: it is switched off, nothing is remembered
   */
  constructor(origin, storage) {
    this.origin = origin;
    this.storage = storage;
  }

  /**
   * @param {string} name
   * @param {string} network
   * @param {number} now_ms
   * @returns {Failure | null}  null: it may be tried
   */
  failure(name, network, now_ms) {
    const found = this.#find(network, name);
    if (found === null || now_ms >= found.until_ms) return null;
    return found.until_ms <= now_ms + LONGEST_MS ? found : null; // else the clock was put back
  }

  /**
   * @param {string} name
   * @param {string} network
   * @param {string} reason
   * @param {number} now_ms
   */
  failed(name, network, reason, now_ms) {
    const times = Math.min((this.#find(network, name)?.times ?? 0) + 1, 20);
    const until_ms = now_ms + Math.min(FIRST_MS * 2 ** (times - 1), LONGEST_MS);
    this.#change(network, (failures) => (failures[name] = { until_ms, times, reason }));
  }

  /**
   * @param {string} name
   * @param {string} network
   */
  worked(name, network) {
    if (this.#find(network, name) === null) return;
    this.#change(network, (failures) => delete failures[name]);
  }

  /**
   * @param {string} network
   * @param {string} name
   * @returns {Failure | null}
   */
  #find(network, name) {
    const found = this.#load()[this.origin]?.[network]?.[name];
    return typeof found?.until_ms === "number" ? found : null;
  }

  /**
   * @param {string} network
   * @param {(failures: Record<string, Failure>) => void} change
   */
  #change(network, change) {
    const all = this.#load();
    change(((all[this.origin] ??= {})[network] ??= {}));
    keep(this.storage, KEY, all);
  }

  /** @returns {Record<string, Record<string, Record<string, Failure>>>} */
  #load() {
    return loadKept(this.storage, KEY);
  }
}
