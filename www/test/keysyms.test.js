import assert from "node:assert/strict";
import { test } from "node:test";

import { isText, keysymOfCharacter, keysymOfKey } from "../src/input/keysyms.js";

const [STANDARD, LEFT, RIGHT, KEYPAD] = [0, 1, 2, 3];

for (const [key, location, keysym] of /** @type {[string, number, number][]} */ ([
  ["a", STANDARD, 0x61],
  ["A", STANDARD, 0x41],
  [" ", STANDARD, 0x20],
  ["ä", STANDARD, 0xe4],
  ["ÿ", STANDARD, 0xff],
  ["€", STANDARD, 0x010020ac],
  ["ω", STANDARD, 0x010003c9],
  ["漢", STANDARD, 0x01006f22],
  ["🙂", STANDARD, 0x0101f642],
  ["Enter", STANDARD, 0xff0d],
  ["Enter", KEYPAD, 0xff8d],
  ["Delete", STANDARD, 0xffff],
  ["Delete", KEYPAD, 0xff9f],
  ["Home", STANDARD, 0xff50],
  ["Home", KEYPAD, 0xff95],
  ["7", STANDARD, 0x37],
  ["7", KEYPAD, 0xffb7],
  [".", KEYPAD, 0xffae],
  [",", KEYPAD, 0xffac],
  ["+", KEYPAD, 0xffab],
  ["F1", STANDARD, 0xffbe],
  ["F12", STANDARD, 0xffc9],
  ["F24", STANDARD, 0xffd5],
  ["Shift", LEFT, 0xffe1],
  ["Shift", RIGHT, 0xffe2],
  ["Control", LEFT, 0xffe3],
  ["Control", RIGHT, 0xffe4],
  ["Alt", LEFT, 0xffe9],
  ["AltGraph", RIGHT, 0xfe03],
  ["Meta", LEFT, 0xffeb],
  ["MediaPlayPause", STANDARD, 0x1008ff14],
  ["BrowserBack", STANDARD, 0x1008ff26],
  ["Convert", STANDARD, 0xff23],
  ["HangulMode", STANDARD, 0xff31],
  ["Dead", STANDARD, 0],
  ["Process", STANDARD, 0],
  ["Unidentified", STANDARD, 0],
  ["F99", STANDARD, 0],
])) {
  test(`the key ${key} at location ${location} is keysym 0x${keysym.toString(16)}`, () => {
    assert.equal(keysymOfKey(key, location), keysym);
  });
}

test("line ends and tabs in a text are the keys that make them", () => {
  assert.deepEqual(["\n", "\r", "\t"].map(keysymOfCharacter), [0xff0d, 0xff0d, 0xff09]);
});

test("control characters never become Latin-1 keysyms", () => {
  assert.equal(keysymOfCharacter("\u0085"), 0x01000085);
});

test("several characters of one key are text, names of keys are not", () => {
  assert.deepEqual(["´x", "กำ", "Enter", "F1", "a", "🙂"].map(isText), [
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
});
