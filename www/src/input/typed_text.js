import { keysymOfKey } from "./keysyms.js";

/** UTF-8 bytes of text in one message; its limit is 4 KiB with the length. */
const LARGEST_TEXT_BYTES = 4000;

/**
 * Cut a text into messages, never inside a character.
 * @param {string} text
 * @returns {import("../protocol/messages.js").TextTyped[]}
 */
export function textMessages(text) {
  const messages = [];
  let rest = text.replaceAll("\0", "").replaceAll("\r\n", "\n");
  const room = new Uint8Array(LARGEST_TEXT_BYTES);
  const encoder = new TextEncoder();
  while (rest.length > 0) {
    const { read } = encoder.encodeInto(rest, room);
    messages.push(/** @type {const} */ ({ type: "TextTyped", text: rest.slice(0, read) }));
    rest = rest.slice(read);
  }
  return messages;
}

/** Input types whose text arrives by `compositionend` as well. */
const OF_COMPOSITION = /Composition/;

/**
 * What an `input` event of the hidden text field means: input methods, dead keys and on-screen
 * keyboards that send no key events.
 * @param {{inputType: string, data: string | null, isComposing: boolean}} event
 * @returns {(import("../protocol/messages.js").TextTyped |
 *   import("../protocol/messages.js").KeyEvent)[]}
 */
export function messagesOfInput({ inputType, data, isComposing }) {
  if (isComposing || OF_COMPOSITION.test(inputType)) return [];
  if (inputType === "deleteContentBackward") return tap("Backspace");
  if (inputType === "deleteContentForward") return tap("Delete");
  if (inputType === "insertLineBreak" || inputType === "insertParagraph") return tap("Enter");
  return inputType.startsWith("insert") && data ? textMessages(data) : [];
}

/**
 * @param {string} key
 * @returns {import("../protocol/messages.js").KeyEvent[]}
 */
function tap(key) {
  const keysym = keysymOfKey(key, 0);
  return [true, false].map((pressed) => ({
    type: "KeyEvent",
    pressed,
    keysym,
    code: key,
    locks: 0,
  }));
}
