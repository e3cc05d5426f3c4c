import { FLOOR } from "../transports/open.js";
import { ENOUGH_ANSWERS, PathJudge } from "./path_judge.js";

/** @typedef {import("./thread_messages.js").TransportAddress} TransportAddress */

/** Without a sign of life for so long the way is bad, whoever is busy. */
const SILENCE_MS = 1000;

/** Decides when a session is to go on over a better transport than it joined by. */
export class Upgrade {
  /** null: the way to the server does not matter. @type {PathJudge | null} */
  #judge;
  #better;
  #hasShown = false;
  #hasBegun = false;
  /** What was told last. @type {boolean | null} */
  #told = null;

  /**
   * @param {import("./thread_messages.js").Connect} order
   * @param {object} wiring
   * @param {import("./session_lines.js").SessionLines} wiring.lines
   * @param {(better: TransportAddress[]) => void} wiring.begin
   * @param {(times: number) => void} wiring.probe  ask the server several times in a row
   * @param {(isGood: boolean) => void} wiring.judged
   */
  constructor({ better, transport, judgesPath }, { lines, begin, probe, judged }) {
    const mayStay = judgesPath && better.length > 0 && transport.name === FLOOR;
    this.#judge = mayStay ? new PathJudge() : null;
    this.#better = better;
    this.lines = lines;
    this.begin = begin;
    this.probe = probe;
    this.judged = judged;
  }

  /** A picture is on screen: there is time for other things. */
  shown() {
    if (this.#hasShown) return;
    this.#hasShown = true;
    if (this.#judge !== null) this.probe(ENOUGH_ANSWERS);
    this.consider();
  }

  /** @param {number} roundTrip_ms */
  measured(roundTrip_ms) {
    if (!this.#hasShown || this.lines.current?.name !== FLOOR) return;
    this.#judge?.note(roundTrip_ms, performance.now());
    this.consider();
  }

  /** @param {import("./line.js").Line} line  the current one */
  watch(line) {
    if (line.name === FLOOR && line.silent_ms > SILENCE_MS) this.#judge?.silent();
  }

  /** @param {TransportAddress[]} better  what may be tried by now */
  wish(better) {
    this.#better = better;
    this.again();
  }

  /** Another try, if the session is to move at all. */
  again() {
    if (this.#hasBegun) this.begin(this.#better);
  }

  /** Begin once there is a picture, the server has said how to move, and the way calls for it. */
  consider() {
    if (!this.#hasShown || !this.lines.canMove) return;
    const isGood = this.#judge === null ? false : this.#judge.isGood;
    if (isGood !== null && isGood !== this.#told && this.#judge !== null) this.judged(isGood);
    this.#told = isGood;
    if (isGood !== false || this.#hasBegun) return;
    this.#hasBegun = true;
    this.begin(this.#better);
  }
}
