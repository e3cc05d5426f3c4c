import { RecentLeast } from "../stats/recent_least.js";

/** Up to here the server is near: no transport is quicker than a WebSocket. */
const NEAR_MS = 8;
/** Beyond, it takes few answers to be sure that the server is far. */
const SURELY_FAR_MS = 20;
const FEW_ANSWERS = 3;
/** A busy server answers late now and then, but not so often in a row. */
export const ENOUGH_ANSWERS = 12;
/** What comes later than the quickest by this much was held up on its way. */
const JUMP_MS = 50;
/** So many of them within this time are more than a busy server. */
const MOST_JUMPS = 2;
const JUMPS_WITHIN_MS = 30 * 1000;

/** Judges by round trips over a WebSocket whether it is worth leaving. */
export class PathJudge {
  #least = new RecentLeast();
  #answers = 0;
  /** @type {number[]} */
  #jumps = [];
  #isBad = false;

  /** null: not known yet; once bad, it stays so. @returns {boolean | null} */
  get isGood() {
    if (this.#isBad) return false;
    return this.#answers > 0 && this.#least.value <= NEAR_MS ? true : null;
  }

  /**
   * @param {number} roundTrip_ms
   * @param {number} now_ms
   */
  note(roundTrip_ms, now_ms) {
    this.#least.note(roundTrip_ms, now_ms);
    this.#answers += 1;
    const least_ms = this.#least.value;
    const needed = least_ms > SURELY_FAR_MS ? FEW_ANSWERS : ENOUGH_ANSWERS;
    if (least_ms > NEAR_MS && this.#answers >= needed) this.#isBad = true;
    this.#jumps = this.#jumps.filter((at_ms) => at_ms > now_ms - JUMPS_WITHIN_MS);
    if (roundTrip_ms > least_ms + JUMP_MS) this.#jumps.push(now_ms);
    if (this.#jumps.length > MOST_JUMPS) this.#isBad = true;
  }

  /** Nothing came for longer than any server is busy. */
  silent() {
    this.#isBad = true;
  }
}
