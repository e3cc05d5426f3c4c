import { isText, keysymOfKey } from "./keysyms.js";

/**
 * @typedef {import("../protocol/messages.js").KeyEvent} KeyMessage
 * @typedef {import("../protocol/messages.js").TextTyped} TextTyped
 * @typedef {import("./platform.js").Platform} Platform
 */

/** @typedef {{shiftKey: boolean, ctrlKey: boolean, altKey: boolean, metaKey: boolean}} ModifierFlags */

/**
 * What is read of a KeyboardEvent.
 * @typedef {ModifierFlags & {key: string, code: string, location: number, keyCode: number,
 *   repeat: boolean, isComposing: boolean, locks: number}} KeyInput
 */

/**
 * @typedef {object} Translation
 * @property {(KeyMessage | TextTyped)[]} messages
 * @property {boolean} isHandled  false: the browser or its input method must have the event
 * @property {boolean} [isWithheld]  true: call `flush` soon, should no other key follow
 * @property {boolean} [isChord]  true: Ctrl+Alt+Shift were pressed and let go, nothing else
 */

/** @typedef {{keysym: number, code: string, modifier: string}} HeldKey */

/** Keys of the viewer's own machine. */
const LOCAL_KEY = /^(AudioVolume|Brightness|Power|Sleep|Standby|Hibernate|WakeUp|Eject|Fn|Symbol)/;
/** Keys of which Windows tells the press only. */
const NEVER_RELEASED =
  /^(Zenkaku|Hankaku|ZenkakuHankaku|Eisu|Alphanumeric|KanaMode|Hiragana|Katakana|HiraganaKatakana|Romaji)$/;
const CHORD = "Alt Control Shift";
const LEVEL_3_SHIFT = 0xfe03;
const CONTROL_LEFT = 0xffe3;
const CONTROL_RIGHT = 0xffe4;
const LOCATION_RIGHT = 2;

/** @type {Map<string, keyof ModifierFlags>} */
const FLAG_OF = new Map([
  ["Shift", "shiftKey"],
  ["Control", "ctrlKey"],
  ["Alt", "altKey"],
  ["Meta", "metaKey"],
]);

/** Turns key events of a browser into ours and keeps what is held. No DOM, no clock. */
export class KeyTranslator {
  /** By physical key. @type {Map<string, HeldKey>} */
  #held = new Map();
  /** Windows announces AltGr as Ctrl and AltGr: a Ctrl waits for what follows. @type {KeyInput | null} */
  #withheld = null;
  #isChordPossible = false;
  #locks = 0;

  /**
   * @param {Platform} platform
   * @param {boolean} translatesCommand  macOS: Command acts as Ctrl
   */
  constructor(platform, translatesCommand) {
    this.platform = platform;
    this.translatesCommand = translatesCommand;
  }

  /** Lock keys that were on at the last event. */
  get locks() {
    return this.#locks;
  }

  /**
   * @param {KeyInput} event
   * @returns {Translation}
   */
  keyDown(event) {
    /** @type {(KeyMessage | TextTyped)[]} */
    const messages = this.sync(event, event.code);
    this.#locks = event.locks;
    if (belongsToInputMethod(event) || LOCAL_KEY.test(event.key)) {
      return { messages, isHandled: false };
    }
    if (this.#withheld !== null && event.key === "AltGraph") this.#withheld = null;
    messages.push(...this.flush());
    if (this.platform === "windows" && event.code === "ControlLeft" && !event.repeat) {
      this.#withheld = event;
      return { messages, isHandled: true, isWithheld: true };
    }
    messages.push(...this.#press(event));
    return { messages, isHandled: true };
  }

  /**
   * @param {KeyInput} event
   * @returns {Translation}
   */
  keyUp(event) {
    const messages = [...this.flush(), ...this.sync(event, event.code)];
    this.#locks = event.locks;
    if (this.#isChordPossible) {
      this.#isChordPossible = false;
      return { messages: [...messages, ...this.releaseAll()], isHandled: true, isChord: true };
    }
    if (this.platform === "mac" && event.key === "CapsLock") messages.push(...this.#tap(event));
    messages.push(...this.#release(event.code || event.key));
    if (this.platform === "windows" && event.key === "Shift") {
      // Windows swallows the release of the first of two Shift keys.
      messages.push(...this.#release("ShiftLeft"), ...this.#release("ShiftRight"));
    }
    return { messages, isHandled: !belongsToInputMethod(event) };
  }

  /**
   * Release modifiers that are not down any more: their release went to another window.
   * @param {ModifierFlags} flags
   * @param {string} ownCode  the key that the event is about
   * @returns {KeyMessage[]}
   */
  sync(flags, ownCode = "") {
    const stale = [...this.#held].filter(([id, { modifier }]) => {
      const flag = FLAG_OF.get(modifier);
      return flag !== undefined && !flags[flag] && id !== ownCode;
    });
    return stale.flatMap(([id]) => this.#release(id));
  }

  /**
   * Press a Ctrl that waited for AltGr.
   * @returns {(KeyMessage | TextTyped)[]}
   */
  flush() {
    const withheld = this.#withheld;
    this.#withheld = null;
    return withheld === null ? [] : this.#press(withheld);
  }

  /**
   * Release every key, each by its own message.
   * @returns {KeyMessage[]}
   */
  releaseAll() {
    this.#withheld = null;
    return [...this.#held.keys()].flatMap((id) => this.#release(id));
  }

  /**
   * @param {KeyInput} event
   * @returns {(KeyMessage | TextTyped)[]}
   */
  #press(event) {
    const id = event.code || event.key;
    const held = this.#held.get(id);
    if (held !== undefined && event.repeat) return [this.#message(true, held)];
    if (isText(event.key)) return [{ type: "TextTyped", text: event.key }];
    const key = this.#keyOf(event);
    if (key === null) return [];
    this.#isChordPossible = false;
    if (this.#isNeverReleased(event, key)) return this.#tap(event);
    const lost = held !== undefined ? this.#release(id) : [];
    this.#held.set(id, key);
    this.#isChordPossible =
      [...this.#held.values()]
        .map(({ modifier }) => modifier)
        .sort()
        .join(" ") === CHORD;
    return [...lost, this.#message(true, key)];
  }

  /**
   * @param {KeyInput} event
   * @returns {HeldKey | null}  null for a key that means nothing to a desktop
   */
  #keyOf({ key, code, location }) {
    const modifier = FLAG_OF.has(key) || key === "AltGraph" ? key : "";
    let keysym = keysymOfKey(key, location);
    if (this.platform === "mac" && key === "Alt") keysym = LEVEL_3_SHIFT;
    if (this.platform === "mac" && key === "Meta" && this.translatesCommand) {
      keysym = location === LOCATION_RIGHT ? CONTROL_RIGHT : CONTROL_LEFT;
    }
    if (keysym === 0 && !(key === "Unidentified" && code !== "")) return null;
    return { keysym, code, modifier };
  }

  /**
   * @param {KeyInput} event
   * @param {HeldKey} key
   */
  #isNeverReleased({ key, metaKey }, { modifier }) {
    if (this.platform === "windows") return NEVER_RELEASED.test(key);
    if (this.platform !== "mac") return false;
    return key === "CapsLock" || (metaKey && modifier === "");
  }

  /**
   * @param {KeyInput} event
   * @returns {KeyMessage[]}
   */
  #tap(event) {
    const key = this.#keyOf(event);
    return key === null ? [] : [this.#message(true, key), this.#message(false, key)];
  }

  /**
   * @param {string} id
   * @returns {KeyMessage[]}
   */
  #release(id) {
    const key = this.#held.get(id);
    if (key === undefined) return [];
    this.#held.delete(id);
    return [this.#message(false, key)];
  }

  /**
   * @param {boolean} pressed
   * @param {HeldKey} key
   * @returns {KeyMessage}
   */
  #message(pressed, { keysym, code }) {
    return { type: "KeyEvent", pressed, keysym, code, locks: this.#locks };
  }
}

/** @param {KeyInput} event */
function belongsToInputMethod({ isComposing, keyCode, key, code }) {
  const isUnknown = key === "Unidentified" && code === "";
  return isComposing || keyCode === 229 || key === "Process" || key === "Dead" || isUnknown;
}
