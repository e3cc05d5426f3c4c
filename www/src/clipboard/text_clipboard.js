import { TransferReceiver, transferMessages } from "./transfer.js";

const TEXT_MIME = "text/plain";
/** Most text that is taken from the desktop; a browser's clipboard gets slow far below. */
const MAXIMUM_INCOMING_BYTES = 16 * 1024 * 1024;

/**
 * Decides which text goes where, so that nothing is sent twice or back. No DOM, no clock.
 */
export class TextClipboard {
  #transfer = 0;
  /** The text that both sides have. @type {string | null} */
  #shared = null;
  #receiver = new TransferReceiver(MAXIMUM_INCOMING_BYTES);

  /**
   * The local clipboard holds this text.
   * @param {string} text
   * @param {number} maximumBytes  that the server takes
   * @returns {{messages: import("../protocol/messages.js").ClipboardMessage[], isTooLong: boolean}}
   *   no messages when the other side has it already
   */
  offer(text, maximumBytes) {
    const clean = text.replaceAll("\r\n", "\n");
    if (clean === "" || clean === this.#shared) return { messages: [], isTooLong: false };
    const data = new TextEncoder().encode(clean);
    this.#shared = clean;
    if (data.length > maximumBytes) return { messages: [], isTooLong: true };
    this.#transfer = (this.#transfer + 1) >>> 0;
    const items = [{ mime: TEXT_MIME, data }];
    return { messages: [...transferMessages(this.#transfer, items)], isTooLong: false };
  }

  /**
   * @param {import("../protocol/messages.js").ClipboardMessage} message  from the server
   * @returns {string | null}  the desktop's text once it is complete and new
   * @throws {import("../errors.js").ProtocolError}
   */
  receive(message) {
    const item = this.#receiver.receive(message)?.find(({ mime }) => mime === TEXT_MIME);
    if (item === undefined) return null;
    const text = new TextDecoder().decode(item.data);
    if (text === this.#shared) return null;
    this.#shared = text;
    return text;
  }

  /** A new connection: the other side may have another clipboard by now. */
  reset() {
    this.#shared = null;
    this.#receiver = new TransferReceiver(MAXIMUM_INCOMING_BYTES);
  }
}
