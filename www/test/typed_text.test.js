import assert from "node:assert/strict";
import { test } from "node:test";

import { messagesOfInput, textMessages } from "../src/input/typed_text.js";
import { encodeMessage } from "../src/protocol/codec.js";

test("a long text is cut into messages that fit, between characters", () => {
  const text = "a🙂漢".repeat(2000);
  const messages = textMessages(text);
  assert.equal(messages.map((message) => message.text).join(""), text);
  assert.ok(messages.length > 1);
  for (const message of messages) encodeMessage(message);
});

test("no text makes no message", () => {
  assert.deepEqual(textMessages(""), []);
});

/**
 * @param {string} inputType
 * @param {string | null} data
 */
const input = (inputType, data, isComposing = false) =>
  messagesOfInput({ inputType, data, isComposing });

test("text of an on-screen keyboard is typed", () => {
  assert.deepEqual(input("insertText", "né"), [{ type: "TextTyped", text: "né" }]);
  assert.deepEqual(input("insertReplacementText", "word"), [{ type: "TextTyped", text: "word" }]);
});

test("text that a composition brings is not typed twice", () => {
  assert.deepEqual(input("insertText", "に", true), []);
  assert.deepEqual(input("insertCompositionText", "日本"), []);
  assert.deepEqual(input("insertFromComposition", "日本"), []);
});

test("deleting and line ends of an on-screen keyboard are keys", () => {
  /** @param {string} type */
  const keysyms = (type) =>
    input(type, null).map((message) => message.type === "KeyEvent" && message.keysym);
  assert.deepEqual(keysyms("deleteContentBackward"), [0xff08, 0xff08]);
  assert.deepEqual(keysyms("insertLineBreak"), [0xff0d, 0xff0d]);
  assert.deepEqual(keysyms("historyUndo"), []);
});
