import { ProtocolError } from "../errors.js";
import { LocalClipboard } from "./local_clipboard.js";
import { TextClipboard } from "./text_clipboard.js";

/** @typedef {import("../protocol/messages.js").ClipboardMessage} ClipboardMessage */

/** Keeps the browser's clipboard and the desktop's the same, as far as both allow. */
export class SharedClipboard {
  #text = new TextClipboard();
  #local;
  #maximumBytes = 0;

  /**
   * @param {object} outlets
   * @param {(message: ClipboardMessage) => void} outlets.send
   * @param {(text: string, isRefused: boolean) => void} outlets.received  text was copied on the
   *   desktop; once more with true when the browser does not take it
   * @param {(topic: string, text: string) => void} outlets.warn
   */
  constructor({ send, received, warn }) {
    this.send = send;
    this.received = received;
    this.warn = warn;
    this.#local = new LocalClipboard({
      changed: (text) => this.offer(text),
      refused: (text) => received(text, true),
    });
  }

  /** False: the browser's clipboard is left alone. */
  get isAutomatic() {
    return this.#local.isAutomatic;
  }

  set isAutomatic(isAutomatic) {
    this.#local.isAutomatic = isAutomatic;
  }

  /** True when only a paste event tells what the browser's clipboard holds. */
  get needsPasteEvents() {
    return this.#local.needsPasteEvents;
  }

  /**
   * A new connection: the other side may have another clipboard by now.
   * @param {number} maximumBytes  that the server takes; 0: none
   */
  connected(maximumBytes) {
    this.#maximumBytes = maximumBytes;
    this.#text.reset();
  }

  /**
   * Give the desktop this text, unless it has it already.
   * @param {string} text
   */
  offer(text) {
    if (this.#maximumBytes === 0) return;
    const { messages, isTooLong } = this.#text.offer(text, this.#maximumBytes);
    messages.forEach((message) => this.send(message));
    if (isTooLong) {
      const most = `${Math.floor(this.#maximumBytes / 1024)} KiB`;
      this.warn("clipboard_too_long", `The text is longer than ${most}; it was not sent.`);
    }
  }

  /** @param {ClipboardMessage} message  from the server */
  take(message) {
    try {
      const text = this.#text.receive(message);
      if (text === null) return;
      this.received(text, false);
      this.#local.write(text);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.warn("clipboard_broken", `The desktop's clipboard did not arrive: ${error.message}.`);
    }
  }

  /** The person pressed a key or button: browsers allow more now. */
  activated() {
    return this.#local.activated();
  }

  dispose() {
    this.#local.dispose();
  }
}
