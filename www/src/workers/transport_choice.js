import { FLOOR } from "../transports/open.js";

/**
 * @typedef {import("./line.js").Line} Line
 * @typedef {import("./session_lines.js").SessionLines} SessionLines
 * @typedef {import("./thread_messages.js").TransportAddress} TransportAddress
 */

/** A transport that has not opened by then does not. */
const OPENING_LIMIT_MS = 4000;
/** The next one of the list is tried as well when the one before takes so long, besides 2 round trips. */
const HEAD_START_MS = 300;
const ATTACHING_LIMIT_MS = 5000;
/** Without a sign of life for so long, or 4 round trips, another way is tried. */
const SILENCE_MS = 1000;
const FLOOR_SILENCE_MS = 1500;
/** So long when the browser has told that its network is another one, and for so long after that. */
const CHANGED_SILENCE_MS = 300;
const CHANGED_FOR_MS = 3000;
/** One try to open the way back. */
const RETURN_LIMIT_MS = 1000;
/** A connection that broke off is opened again for so long, then the page is told. */
const BROKEN_LIMIT_MS = 1500;
/** Both where there is no WebSocket to return to: the others need more round trips and timers. */
const SLOW_LIMIT_MS = 6000;
const BROKEN_RETRY_MS = 100;
/** A transport that went silent is tried once more after so long, and not again if that was soon. */
const SECOND_TRY_MS = 3000;
const SOON_MS = 60 * 1000;

/**
 * @typedef {object} ChoiceEvents
 * @property {(name: string, reason: string) => void} failed  a transport turned out not to work
 * @property {(reason: string, isKnown: boolean) => void} lost  the session has no connection; known:
 *   the server may still go on with it
 */

/** Moves a session to the best transport that works, and away from one that ceases to. */
export class TransportChoice {
  /** @type {TransportAddress[]} */
  #better = [];
  #isUpgrading = false;
  #isAttaching = false;
  #isReturning = false;
  /** An upgrade waits for the end of a return. */
  #isPostponed = false;
  #isClosed = false;
  #timer = 0;
  #changed_ms = -Infinity;
  /** When each transport last went silent. @type {Map<string, number>} */
  #silences = new Map();

  /**
   * @param {SessionLines} lines
   * @param {TransportAddress[]} ways  all that the browser has, the way back first
   * @param {() => number} roundTrip_ms
   * @param {ChoiceEvents} events
   */
  constructor(lines, ways, roundTrip_ms, events) {
    this.lines = lines;
    this.ways = ways;
    this.floor = ways[0];
    this.roundTrip_ms = roundTrip_ms;
    this.events = events;
  }

  /**
   * Try to go on over one of these.
   * @param {TransportAddress[]} better  the best first
   */
  async upgrade(better) {
    this.#better = better;
    const { lines } = this;
    this.#isPostponed = this.#isReturning;
    if (this.#isUpgrading || this.#isReturning || !lines.canMove || this.#isClosed) return;
    if (lines.current?.name !== this.floor.name || better.length === 0) return;
    this.#isUpgrading = true;
    try {
      const line = await this.#firstOpen(better, this.#limit(OPENING_LIMIT_MS));
      if (line === null) return;
      if (this.#isReturning || !lines.canMove || this.#isClosed) {
        lines.abandon(line);
        return;
      }
      this.#isAttaching = true;
      const { outcome, reason } = await lines.attach(line, ATTACHING_LIMIT_MS);
      if (outcome !== "attached") this.events.failed(line.name, reason || "it was refused");
    } finally {
      this.#isUpgrading = false;
      this.#isAttaching = false;
    }
    if (lines.current?.isClosed) this.broken("");
  }

  /** Look whether the current connection still answers. */
  watch() {
    const line = this.lines.current;
    if (line === null || !line.isOpen || this.#isReturning || this.#isAttaching) return;
    const hasChanged = performance.now() < this.#changed_ms + CHANGED_FOR_MS;
    const usual_ms = line.name === FLOOR ? FLOOR_SILENCE_MS : SILENCE_MS;
    const least_ms = hasChanged ? CHANGED_SILENCE_MS : usual_ms;
    if (line.silent_ms > Math.max(least_ms, 4 * this.roundTrip_ms())) this.#returnFrom(line);
  }

  /** The browser's network is another one: what runs over the old one may be dead. */
  networkChanged() {
    this.#changed_ms = performance.now();
  }

  /**
   * The current connection has ended.
   * @param {string} reason
   */
  async broken(reason) {
    if (this.#isAttaching || this.#isReturning || this.#isClosed) return; // they look for themselves
    if (!this.lines.canMove) {
      this.events.lost(reason, false);
      return;
    }
    this.#isReturning = true;
    const name = this.lines.current?.name;
    const until_ms = performance.now() + this.#returnLimit(BROKEN_LIMIT_MS);
    let outcome = "closed";
    for (let pause_ms = 0; outcome === "closed" && performance.now() < until_ms; ) {
      await pause(pause_ms);
      outcome = await this.#reopen(until_ms - performance.now());
      pause_ms = BROKEN_RETRY_MS + pause_ms * 2;
    }
    this.#returned();
    if (this.#isClosed) return;
    if (outcome === "attached") this.#tryAgainLater(name);
    else this.events.lost(reason, outcome === "closed");
  }

  /**
   * Go on over a new connection.
   * @param {number} limit_ms
   */
  async #reopen(limit_ms) {
    const found = await this.#firstOpen(this.ways, limit_ms);
    if (found === null || this.#isClosed) return "closed";
    return (await this.lines.attach(found, this.#limit(ATTACHING_LIMIT_MS))).outcome;
  }

  close() {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  /**
   * Open another one while a connection says nothing; if it speaks again, it stays.
   * @param {Line} silent
   */
  async #returnFrom(silent) {
    this.#isReturning = true;
    let outcome = "closed";
    while (!this.#isClosed && outcome === "closed" && silent.silent_ms > 0 && !silent.isClosed) {
      const found = await this.#firstOpen(this.ways, this.#returnLimit(RETURN_LIMIT_MS));
      if (found === null || this.#isClosed) await pause(BROKEN_RETRY_MS);
      else if (silent.silent_ms === 0) this.lines.abandon(found);
      else outcome = (await this.lines.attach(found, this.#limit(ATTACHING_LIMIT_MS))).outcome;
    }
    this.#returned();
    if (this.#isClosed) return;
    if (outcome === "attached") this.#wentSilent(silent.name);
    else if (outcome === "refused") this.events.lost("it has gone silent", false);
    else if (silent.isClosed) this.broken("it has gone silent");
  }

  #returned() {
    this.#isReturning = false;
    if (this.#isPostponed && this.lines.current?.isOpen) this.upgrade(this.#better);
  }

  /**
   * @param {string} name
   * @param {string} reason
   */
  #notOpen(name, reason) {
    const { current } = this.lines;
    const isFault = current?.isOpen && current.silent_ms < SILENCE_MS; // else nothing gets through
    if (isFault && reason !== "") this.events.failed(name, reason);
  }

  /** @param {string} name */
  #wentSilent(name) {
    if (name === this.floor.name) return;
    const last_ms = this.#silences.get(name) ?? -Infinity;
    this.#silences.set(name, performance.now());
    if (performance.now() - last_ms < SOON_MS) this.events.failed(name, "it has gone silent");
    else this.#tryAgainLater(name);
  }

  /** @param {string | undefined} name  what was in use before */
  #tryAgainLater(name) {
    if (name === this.floor.name) return;
    clearTimeout(this.#timer);
    this.#timer = Number(setTimeout(() => this.upgrade(this.#better), SECOND_TRY_MS));
  }

  /** @param {number} least_ms  for a WebSocket */
  #returnLimit(least_ms) {
    return this.#limit(this.floor.name === FLOOR ? least_ms : SLOW_LIMIT_MS);
  }

  /** @param {number} least_ms */
  #limit(least_ms) {
    return Math.max(least_ms, 6 * this.roundTrip_ms());
  }

  /**
   * Open them one after another, not waiting for a slow one before the next; the first that opens
   * is it.
   * @param {TransportAddress[]} transports
   * @param {number} limit_ms  for each
   * @returns {Promise<Line | null>}
   */
  async #firstOpen(transports, limit_ms) {
    /** @type {Line | null} */
    let winner = null;
    /** @type {Promise<void>[]} */
    const attempts = [];
    for (const transport of transports) {
      if (winner !== null || this.#isClosed) break;
      const attempt = this.lines.prepare(transport, limit_ms).then((found) => {
        if (typeof found === "string") this.#notOpen(transport.name, found);
        else if (winner === null) winner = found;
        else this.lines.abandon(found);
      });
      attempts.push(attempt);
      await Promise.race([attempt, pause(HEAD_START_MS + 2 * this.roundTrip_ms())]);
    }
    await untilAny(attempts, () => winner !== null);
    return winner;
  }
}

/** @param {number} time_ms */
function pause(time_ms) {
  return new Promise((resolve) => setTimeout(resolve, time_ms));
}

/**
 * Wait until all are done, or one of them has made it true.
 * @param {Promise<void>[]} attempts
 * @param {() => boolean} isEnough
 * @returns {Promise<void>}
 */
function untilAny(attempts, isEnough) {
  return new Promise((resolve) => {
    for (const attempt of attempts) attempt.then(() => isEnough() && resolve());
    Promise.all(attempts).then(() => resolve());
  });
}
