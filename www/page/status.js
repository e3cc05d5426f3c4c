import { find } from "./elements.js";

/** A connection that comes up within this time shows no message. */
const QUIET_MS = 400;

/** The card in the middle: why there is no live picture. */
export class Status {
  #section = find("status", HTMLElement);
  #title = find("status-title", HTMLElement);
  #detail = find("status-detail", HTMLElement);
  #countdown = find("status-countdown", HTMLElement);
  #retry = find("status-retry", HTMLButtonElement);
  #timer = 0;
  #hasConnected = false;

  /** @param {() => void} retry  connect now */
  constructor(retry) {
    this.#retry.addEventListener("click", retry);
  }

  /** @param {import("../src/connection/supervisor.js").ConnectionState} state */
  show({ name, reason, retryAt_ms }) {
    window.clearTimeout(this.#timer);
    if (name === "connected") {
      this.#hasConnected = true;
      this.#section.hidden = true;
    } else if (name === "connecting") {
      this.#timer = window.setTimeout(() => this.#fill("Connecting …", "", ""), QUIET_MS);
    } else if (name === "waiting") {
      const title = this.#hasConnected ? "Connection lost" : "No connection yet";
      this.#fill(title, reason, "Try now");
      this.#countDown(retryAt_ms);
    } else if (name === "ended") {
      const title = this.#hasConnected ? "The connection has ended" : "No connection";
      this.#fill(title, reason, "Connect again");
    } else if (name === "idle") this.#fill("Disconnected", "", "Connect");
  }

  /**
   * @param {string} title
   * @param {string} detail
   * @param {string} action  text of the button; empty: none
   */
  #fill(title, detail, action) {
    this.#section.hidden = false;
    this.#title.textContent = title;
    this.#detail.textContent = detail;
    this.#countdown.textContent = "";
    this.#retry.hidden = action === "";
    this.#retry.textContent = action;
  }

  /** @param {number} retryAt_ms */
  #countDown(retryAt_ms) {
    const left_s = Math.max(0, Math.ceil((retryAt_ms - Date.now()) / 1000));
    this.#countdown.textContent = `Trying again in ${left_s} s.`;
    this.#timer = window.setTimeout(() => this.#countDown(retryAt_ms), 1000);
  }
}
