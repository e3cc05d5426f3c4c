import assert from "node:assert/strict";
import { test } from "node:test";

import { KeyTranslator } from "../src/input/key_translator.js";
import { platformOf } from "../src/input/platform.js";

/** @typedef {import("../src/input/key_translator.js").KeyInput} KeyInput */

/**
 * @param {string} key
 * @param {string} code
 * @param {Partial<KeyInput>} more
 * @returns {KeyInput}
 */
function event(key, code, more = {}) {
  const flags = { shiftKey: false, ctrlKey: false, altKey: false, metaKey: false };
  const rest = { location: 0, keyCode: 0, repeat: false, isComposing: false, locks: 0 };
  return { key, code, ...flags, ...rest, ...more };
}

/** @param {import("../src/input/key_translator.js").Translation["messages"]} messages */
const brief = (messages) =>
  messages.map((message) =>
    message.type === "TextTyped"
      ? message.text
      : `${message.pressed ? "+" : "-"}${message.keysym.toString(16)}`,
  );

const shift = { key: "Shift", code: "ShiftLeft", location: 1 };
const control = { key: "Control", code: "ControlLeft", location: 1 };
const alt = { key: "Alt", code: "AltLeft", location: 1 };
const meta = { key: "Meta", code: "MetaLeft", location: 1 };

test("a key is released by what it pressed, whatever it means by then", () => {
  const keys = new KeyTranslator("other", true);
  assert.deepEqual(brief(keys.keyDown(event("A", "KeyA", { shiftKey: true })).messages), ["+41"]);
  assert.deepEqual(brief(keys.keyUp(event("a", "KeyA")).messages), ["-41"]);
});

test("a held key repeats what it pressed", () => {
  const keys = new KeyTranslator("other", true);
  keys.keyDown(event("a", "KeyA"));
  assert.deepEqual(brief(keys.keyDown(event("A", "KeyA", { repeat: true })).messages), ["+61"]);
});

test("a key whose release was lost is released before it is pressed again", () => {
  const keys = new KeyTranslator("other", true);
  keys.keyDown(event("a", "KeyA"));
  assert.deepEqual(brief(keys.keyDown(event("A", "KeyA")).messages), ["-61", "+41"]);
});

test("the release of a key that was never pressed says nothing", () => {
  assert.deepEqual(new KeyTranslator("other", true).keyUp(event("a", "KeyA")).messages, []);
});

test("locks go with every key", () => {
  const { messages } = new KeyTranslator("other", true).keyDown(event("A", "KeyA", { locks: 3 }));
  assert.deepEqual(messages, [
    { type: "KeyEvent", pressed: true, keysym: 0x41, code: "KeyA", locks: 3 },
  ]);
});

test("a modifier that was let go elsewhere is released at the next event", () => {
  const keys = new KeyTranslator("other", true);
  keys.keyDown(event("", "", { ...shift, shiftKey: true }));
  keys.keyDown(event("", "", { ...alt, shiftKey: true, altKey: true }));
  assert.deepEqual(brief(keys.keyDown(event("a", "KeyA", { altKey: true })).messages), [
    "-ffe1",
    "+61",
  ]);
  assert.deepEqual(brief(keys.sync(event("", ""))), ["-ffe9"]);
});

test("all held keys can be released at once, and only once", () => {
  const keys = new KeyTranslator("other", true);
  keys.keyDown(event("", "", { ...control, ctrlKey: true }));
  keys.keyDown(event("c", "KeyC", { ctrlKey: true }));
  assert.deepEqual(brief(keys.releaseAll()), ["-ffe3", "-63"]);
  assert.deepEqual(keys.releaseAll(), []);
});

test("what an input method or dead key composes is left to the browser", () => {
  const keys = new KeyTranslator("other", true);
  for (const more of [{ isComposing: true }, { keyCode: 229 }]) {
    assert.deepEqual(keys.keyDown(event("a", "KeyA", more)), { messages: [], isHandled: false });
  }
  assert.equal(keys.keyDown(event("Dead", "Equal")).isHandled, false);
  assert.equal(keys.keyDown(event("Process", "KeyA")).isHandled, false);
  assert.deepEqual(brief(keys.keyDown(event("é", "KeyE")).messages), ["+e9"]);
});

test("a dead key before a character that it does not fit types both", () => {
  assert.deepEqual(
    brief(new KeyTranslator("windows", true).keyDown(event("´x", "KeyX")).messages),
    ["´x"],
  );
});

test("volume and power keys stay with the viewer's machine", () => {
  const keys = new KeyTranslator("other", true);
  const name = "AudioVolumeUp";
  assert.deepEqual(keys.keyDown(event(name, name)), { messages: [], isHandled: false });
});

test("Windows' Ctrl+AltGr is AltGr alone", () => {
  const keys = new KeyTranslator("windows", true);
  const down = keys.keyDown(event("", "", { ...control, ctrlKey: true }));
  assert.deepEqual([down.messages, down.isWithheld], [[], true]);
  const altGr = { location: 2, ctrlKey: true, altKey: true };
  assert.deepEqual(brief(keys.keyDown(event("AltGraph", "AltRight", altGr)).messages), ["+fe03"]);
  const at = event("@", "KeyQ", { ctrlKey: true, altKey: true });
  assert.deepEqual(brief(keys.keyDown(at).messages), ["+40"]);
  assert.deepEqual(brief(keys.keyUp(at).messages), ["-40"]);
  assert.deepEqual(keys.keyUp(event("", "", { ...control, altKey: true })).messages, []);
  assert.deepEqual(brief(keys.keyUp(event("AltGraph", "AltRight")).messages), ["-fe03"]);
});

test("a real Ctrl on Windows is pressed with the next key, or when it is flushed", () => {
  const keys = new KeyTranslator("windows", true);
  keys.keyDown(event("", "", { ...control, ctrlKey: true }));
  assert.deepEqual(brief(keys.keyDown(event("c", "KeyC", { ctrlKey: true })).messages), [
    "+ffe3",
    "+63",
  ]);
  const others = new KeyTranslator("windows", true);
  others.keyDown(event("", "", { ...control, ctrlKey: true }));
  assert.deepEqual(brief(others.flush()), ["+ffe3"]);
  assert.deepEqual(brief(others.keyUp(event("", "", control)).messages), ["-ffe3"]);
});

test("a quick tap of Ctrl on Windows is a press and a release", () => {
  const keys = new KeyTranslator("windows", true);
  keys.keyDown(event("", "", { ...control, ctrlKey: true }));
  assert.deepEqual(brief(keys.keyUp(event("", "", control)).messages), ["+ffe3", "-ffe3"]);
});

test("Windows tells the release of one Shift of two: both are released", () => {
  const keys = new KeyTranslator("windows", true);
  keys.keyDown(event("", "", { ...shift, shiftKey: true }));
  keys.keyDown(event("Shift", "ShiftRight", { location: 2, shiftKey: true }));
  const up = event("Shift", "ShiftRight", { location: 2 });
  assert.deepEqual(brief(keys.keyUp(up).messages).sort(), ["-ffe1", "-ffe2"]);
});

test("Command acts as Ctrl on a Mac, and keys with it do not stick", () => {
  const keys = new KeyTranslator("mac", true);
  assert.deepEqual(brief(keys.keyDown(event("", "", { ...meta, metaKey: true })).messages), [
    "+ffe3",
  ]);
  assert.deepEqual(brief(keys.keyDown(event("c", "KeyC", { metaKey: true })).messages), [
    "+63",
    "-63",
  ]);
  assert.deepEqual(brief(keys.keyUp(event("", "", meta)).messages), ["-ffe3"]);
});

test("Command is Super on a Mac when it is not translated", () => {
  const keys = new KeyTranslator("mac", false);
  assert.deepEqual(brief(keys.keyDown(event("", "", { ...meta, metaKey: true })).messages), [
    "+ffeb",
  ]);
});

test("Option on a Mac chooses characters, as AltGr does", () => {
  const keys = new KeyTranslator("mac", true);
  assert.deepEqual(brief(keys.keyDown(event("", "", { ...alt, altKey: true })).messages), [
    "+fe03",
  ]);
  assert.deepEqual(brief(keys.keyDown(event("å", "KeyA", { altKey: true })).messages), ["+e5"]);
});

test("Caps Lock on a Mac is pressed and released each time it changes", () => {
  const keys = new KeyTranslator("mac", true);
  const caps = event("CapsLock", "CapsLock");
  assert.deepEqual(brief(keys.keyDown(caps).messages), ["+ffe5", "-ffe5"]);
  assert.deepEqual(brief(keys.keyUp(caps).messages), ["+ffe5", "-ffe5"]);
});

test("Ctrl+Alt+Shift and nothing else is the chord, and leaves no key down", () => {
  const keys = new KeyTranslator("other", true);
  const flags = { ctrlKey: true, altKey: true, shiftKey: true };
  keys.keyDown(event("", "", { ...control, ctrlKey: true }));
  keys.keyDown(event("", "", { ...alt, ctrlKey: true, altKey: true }));
  keys.keyDown(event("", "", { ...shift, ...flags }));
  const up = keys.keyUp(event("", "", { ...shift, ctrlKey: true, altKey: true }));
  assert.equal(up.isChord, true);
  assert.deepEqual(brief(up.messages).sort(), ["-ffe1", "-ffe3", "-ffe9"]);
});

test("Ctrl+Alt+Shift with another key is no chord", () => {
  const keys = new KeyTranslator("other", true);
  const flags = { ctrlKey: true, altKey: true, shiftKey: true };
  for (const modifier of [control, alt, shift])
    keys.keyDown(event("", "", { ...modifier, ...flags }));
  keys.keyDown(event("T", "KeyT", flags));
  assert.equal(
    keys.keyUp(event("", "", { ...shift, ctrlKey: true, altKey: true })).isChord,
    undefined,
  );
});

test("platforms are told by their names", () => {
  const names = ["macOS", "MacIntel", "iPhone", "Windows", "Win32", "Linux x86_64", "Android"];
  assert.deepEqual(names.map(platformOf), [
    "mac",
    "mac",
    "mac",
    "windows",
    "windows",
    "other",
    "other",
  ]);
});
