import { keep, loadKept } from "./browser_storage.js";

const KEY = "kasmcore-failed-codecs";
const MOST_FAILURES = 3;
const WITHIN_MS = 60 * 1000;
const FOR_MS = 24 * 60 * 60 * 1000;

/** Remembers for a day which codecs of a server failed in this browser again and again. */
export class CodecMemory {
  /** Until when, by the codec. @type {Map<string, number>} */
  #leftOut = new Map();
  /** @type {Map<string, number[]>} */
  #failures = new Map();

  /**
   * @param {string} origin  of the server
   * @param {import("./browser_storage.js").Storage | null} storage  null: it is switched off, nothing outlives the page
   * @param {number} now_ms
   */
  constructor(origin, storage, now_ms) {
    this.origin = origin;
    this.storage = storage;
    const found = this.#load()[origin] ?? {};
    for (const [codec, until_ms] of Object.entries(found)) {
      if (until_ms > now_ms && until_ms <= now_ms + FOR_MS) this.#leftOut.set(codec, until_ms);
    }
  }

  /** @param {string} codec */
  isLeftOut(codec) {
    return this.#leftOut.has(codec);
  }

  /**
   * @param {string} codec
   * @param {number} now_ms
   * @returns {boolean}  true when this was once too often, and the codec is left out from now on
   */
  failed(codec, now_ms) {
    const recent = (this.#failures.get(codec) ?? []).filter((at_ms) => at_ms > now_ms - WITHIN_MS);
    this.#failures.set(codec, [...recent, now_ms]);
    if (recent.length + 1 < MOST_FAILURES || this.isLeftOut(codec)) return false;
    this.#leftOut.set(codec, now_ms + FOR_MS);
    const all = { ...this.#load(), [this.origin]: Object.fromEntries(this.#leftOut) };
    keep(this.storage, KEY, all);
    return true;
  }

  /** @returns {Record<string, Record<string, number>>} */
  #load() {
    return loadKept(this.storage, KEY);
  }
}
