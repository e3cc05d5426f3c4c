import { KeyTranslator } from "./key_translator.js";
import { keysymOfKey } from "./keysyms.js";
import { currentPlatform } from "./platform.js";
import { messagesOfInput, textMessages } from "./typed_text.js";

/**
 * @typedef {import("../protocol/messages.js").ClientMessage} ClientMessage
 * @typedef {import("./key_translator.js").Translation} Translation
 */

/** AltGr follows its Ctrl at once; a real Ctrl is not held back noticeably. */
const WITHHELD_MS = 30;
/** A paste event follows its key press at once, or not at all. */
const PASTE_EVENT_MS = 30;
/** So that deleting something gives an event on phones. */
const FILLING = "  ";

/** A hidden text field that has the keyboard: key events, input methods, dead keys, paste. */
export class Keyboard {
  #translator;
  #withheldTimer = 0;
  /** The key press of a paste, until the clipboard's text has gone ahead. @type {ClientMessage[]} */
  #beforePaste = [];
  #pasteTimer = 0;
  #abort = new AbortController();

  /**
   * @param {HTMLElement} parent  positioned; holds the text field
   * @param {object} options
   * @param {boolean} options.translatesCommand  macOS: Command acts as Ctrl
   * @param {(message: ClientMessage) => void} options.send
   * @param {() => void} options.chordPressed  Ctrl+Alt+Shift were pressed and let go
   * @param {() => boolean} options.wantsPasteEvents  true: the browser must tell what is pasted
   * @param {(text: string) => void} options.pasted
   */
  constructor(parent, { translatesCommand, send, chordPressed, wantsPasteEvents, pasted }) {
    this.#translator = new KeyTranslator(currentPlatform(), translatesCommand);
    this.send = send;
    this.chordPressed = chordPressed;
    this.wantsPasteEvents = wantsPasteEvents;
    this.pasted = pasted;
    /** False: nothing is sent, and the browser keeps its own keys. */
    this.isEnabled = true;
    this.field = makeField();
    parent.append(this.field);
    this.#listen();
  }

  /** Take the keyboard. */
  focus() {
    this.field.focus({ preventScroll: true });
  }

  /** @param {boolean} translatesCommand */
  configure(translatesCommand) {
    this.#translator.translatesCommand = translatesCommand;
  }

  /**
   * Where input methods show their candidates.
   * @param {number} left  CSS pixels in the parent
   * @param {number} top
   */
  moveField(left, top) {
    Object.assign(this.field.style, { left: `${left}px`, top: `${top}px` });
  }

  /**
   * Release modifiers that are not down any more.
   * @param {import("./key_translator.js").ModifierFlags} flags  of any event
   */
  sync(flags) {
    this.#sendAll([...this.#translator.flush(), ...this.#translator.sync(flags)]);
  }

  /**
   * Press or release a key that is not on the keyboard.
   * @param {string} key  as `KeyboardEvent.key`
   * @param {string} code  as `KeyboardEvent.code`
   * @param {boolean} pressed
   */
  sendKey(key, code, pressed) {
    const { locks } = this.#translator;
    this.send({ type: "KeyEvent", pressed, keysym: keysymOfKey(key, 0), code, locks });
  }

  /** Release all keys that are held. */
  releaseAll() {
    this.#flushPaste();
    this.#sendAll(this.#translator.releaseAll());
  }

  dispose() {
    this.#abort.abort();
    clearTimeout(this.#withheldTimer);
    clearTimeout(this.#pasteTimer);
    this.field.remove();
  }

  #listen() {
    const { field } = this;
    const { signal } = this.#abort;
    field.addEventListener("keydown", (event) => this.#keyDown(event), { signal });
    field.addEventListener("keyup", (event) => this.#keyUp(event), { signal });
    field.addEventListener("blur", () => this.releaseAll(), { signal });
    field.addEventListener(
      "compositionend",
      ({ data }) => {
        this.#sendAll(textMessages(data));
        field.value = FILLING;
      },
      { signal },
    );
    field.addEventListener(
      "input",
      (event) => {
        const input = /** @type {InputEvent} */ (event);
        this.#sendAll(messagesOfInput(input));
        if (!input.isComposing) field.value = FILLING;
      },
      { signal },
    );
    field.addEventListener("paste", (event) => this.#paste(event), { signal });
  }

  /** @param {KeyboardEvent} event */
  #keyDown(event) {
    if (!this.isEnabled) return;
    this.#flushPaste();
    const translation = this.#translator.keyDown(inputOf(event));
    if (isPaste(event) && this.wantsPasteEvents()) {
      this.#beforePaste = translation.messages;
      this.#pasteTimer = window.setTimeout(() => this.#flushPaste(), PASTE_EVENT_MS);
      return;
    }
    this.#apply(event, translation);
    clearTimeout(this.#withheldTimer);
    if (translation.isWithheld) {
      this.#withheldTimer = window.setTimeout(
        () => this.#sendAll(this.#translator.flush()),
        WITHHELD_MS,
      );
    }
  }

  /** @param {KeyboardEvent} event */
  #keyUp(event) {
    if (!this.isEnabled) return;
    this.#flushPaste();
    this.#apply(event, this.#translator.keyUp(inputOf(event)));
  }

  /**
   * @param {KeyboardEvent} event
   * @param {Translation} translation
   */
  #apply(event, { messages, isHandled, isChord = false }) {
    if (isHandled) event.preventDefault();
    this.#sendAll(messages);
    if (isChord) this.chordPressed();
  }

  /** @param {ClipboardEvent} event */
  #paste(event) {
    event.preventDefault();
    if (!this.isEnabled) return;
    const text = event.clipboardData?.getData("text/plain") ?? "";
    if (text) this.pasted(text);
    this.#flushPaste();
  }

  #flushPaste() {
    clearTimeout(this.#pasteTimer);
    const messages = this.#beforePaste;
    this.#beforePaste = [];
    this.#sendAll(messages);
  }

  /** @param {ClientMessage[]} messages */
  #sendAll(messages) {
    if (this.isEnabled) messages.forEach((message) => this.send(message));
  }
}

function makeField() {
  const field = document.createElement("textarea");
  field.value = FILLING;
  field.setAttribute("aria-label", "Keyboard of the remote desktop");
  field.setAttribute("autocapitalize", "off");
  field.setAttribute("autocomplete", "off");
  field.setAttribute("autocorrect", "off");
  field.spellcheck = false;
  Object.assign(field.style, {
    position: "absolute",
    left: "0",
    top: "0",
    width: "1px",
    height: "1em",
    padding: "0",
    border: "0",
    outline: "0",
    opacity: "0",
    resize: "none",
    overflow: "hidden",
    pointerEvents: "none",
    zIndex: "-1",
  });
  return field;
}

/**
 * @param {KeyboardEvent} event
 * @returns {import("./key_translator.js").KeyInput}
 */
function inputOf(event) {
  const { key, code, location, keyCode, repeat, isComposing } = event;
  const { shiftKey, ctrlKey, altKey, metaKey } = event;
  const locks =
    (event.getModifierState("CapsLock") ? 1 : 0) |
    (event.getModifierState("NumLock") ? 2 : 0) |
    (event.getModifierState("ScrollLock") ? 4 : 0);
  const modifiers = { shiftKey, ctrlKey, altKey, metaKey };
  return { key, code, location, keyCode, repeat, isComposing, locks, ...modifiers };
}

/** @param {KeyboardEvent} event */
function isPaste({ code, ctrlKey, metaKey, shiftKey, altKey }) {
  if (code === "Insert") return shiftKey && !ctrlKey && !altKey;
  return code === "KeyV" && (ctrlKey || metaKey) && !altKey;
}
