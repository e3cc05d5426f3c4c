/** Before a loose message counts as the last one of a row, which is said again for certain. */
const QUIET_MS = 80;
const REPEATED_ACKNOWLEDGEMENTS = 8;

/**
 * What may get lost or overtaken on its way: pointer motion, since only the newest place counts,
 * and acknowledgements, since each is said several times. The last ones of a row go the sure way.
 */
export class LooseMessages {
  /** @type {Uint8Array<ArrayBuffer> | null} */
  #motion = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #motionTimer;
  /** @type {Uint8Array<ArrayBuffer>[]} */
  #recent = [];
  /** Of the recent ones, how many were never said for certain. */
  #unsure = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #shownTimer;

  /** @param {(message: Uint8Array<ArrayBuffer>) => void} sendSurely */
  constructor(sendSurely) {
    this.sendSurely = sendSurely;
  }

  /**
   * @param {Uint8Array<ArrayBuffer>} message
   * @param {((unit: Uint8Array<ArrayBuffer>) => void) | null} send  null: it can only go the sure way
   */
  motion(message, send) {
    this.#motion = message;
    clearTimeout(this.#motionTimer);
    if (send === null) {
      this.sendSurely(message);
      return;
    }
    send(message);
    this.#motionTimer = setTimeout(() => this.sendSurely(message), QUIET_MS);
  }

  /** Another message says where the pointer is. */
  forgetMotion() {
    clearTimeout(this.#motionTimer);
    this.#motion = null;
  }

  /**
   * @param {Uint8Array<ArrayBuffer>} message
   * @param {(unit: Uint8Array<ArrayBuffer>) => void} send
   */
  shown(message, send) {
    this.#recent.push(message);
    if (this.#recent.length > REPEATED_ACKNOWLEDGEMENTS) this.#recent.shift();
    this.#unsure = Math.min(this.#unsure + 1, this.#recent.length);
    send(joinedUnit(this.#recent));
    clearTimeout(this.#shownTimer);
    this.#shownTimer = setTimeout(() => this.#flushShown(), QUIET_MS);
  }

  /**
   * Another connection begins: the newest place may not have come through, and what was shown is of
   * no interest any more.
   */
  moved() {
    this.#recent = [];
    this.#unsure = 0;
    this.close();
    if (this.#motion !== null) this.sendSurely(this.#motion);
  }

  close() {
    clearTimeout(this.#motionTimer);
    clearTimeout(this.#shownTimer);
  }

  #flushShown() {
    const unsure = this.#unsure === 0 ? [] : this.#recent.slice(-this.#unsure);
    this.#unsure = 0;
    for (const message of unsure) this.sendSurely(message);
  }
}

/** @param {Uint8Array<ArrayBuffer>[]} messages */
function joinedUnit(messages) {
  const unit = new Uint8Array(messages.reduce((length, message) => length + message.length, 0));
  let place = 0;
  for (const message of messages) {
    unit.set(message, place);
    place += message.length;
  }
  return unit;
}
