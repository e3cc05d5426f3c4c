import assert from "node:assert/strict";
import { test } from "node:test";

import { TextClipboard } from "../src/clipboard/text_clipboard.js";
import { TransferReceiver, transferMessages } from "../src/clipboard/transfer.js";
import { ProtocolError } from "../src/errors.js";
import { encodeMessage } from "../src/protocol/codec.js";

const bytes = (/** @type {string} */ text) => new TextEncoder().encode(text);

/**
 * @param {TransferReceiver} receiver
 * @param {Iterable<import("../src/protocol/messages.js").ClipboardMessage>} messages
 */
const received = (receiver, messages) =>
  [...messages].map((message) => receiver.receive(message)).filter((items) => items !== null);

test("what is sent in chunks arrives whole", () => {
  const items = [
    { mime: "text/plain", data: bytes("ä".repeat(100000)) },
    { mime: "text/html", data: bytes("<b>ä</b>") },
  ];
  const messages = [...transferMessages(1, items)];
  assert.equal(messages.length, 1 + 4 + 1);
  for (const message of messages) encodeMessage(message);
  assert.deepEqual(received(new TransferReceiver(1e6), messages), [items]);
});

test("an empty transfer is complete at once", () => {
  assert.deepEqual(received(new TransferReceiver(10), transferMessages(1, [])), [[]]);
});

test("a transfer over the limit is skipped, the next one arrives", () => {
  const receiver = new TransferReceiver(3);
  const long = [{ mime: "text/plain", data: bytes("long") }];
  const short = [{ mime: "text/plain", data: bytes("abc") }];
  assert.deepEqual(received(receiver, transferMessages(1, long)), []);
  assert.deepEqual(received(receiver, transferMessages(2, short)), [short]);
});

test("a new transfer replaces an unfinished one", () => {
  const receiver = new TransferReceiver(100);
  const [start, chunk] = transferMessages(1, [{ mime: "text/plain", data: bytes("old") }]);
  receiver.receive(start);
  const items = [{ mime: "text/plain", data: bytes("new") }];
  assert.deepEqual(received(receiver, transferMessages(2, items)), [items]);
  assert.equal(receiver.receive(chunk), null);
});

test("more bytes than announced are refused", () => {
  const receiver = new TransferReceiver(100);
  receiver.receive({
    type: "ClipboardStart",
    transfer: 1,
    items: [{ mime: "text/plain", size: 1 }],
  });
  assert.throws(
    () => receiver.receive({ type: "ClipboardChunk", transfer: 1, item: 0, data: bytes("ab") }),
    ProtocolError,
  );
  assert.throws(
    () => receiver.receive({ type: "ClipboardChunk", transfer: 1, item: 7, data: bytes("a") }),
    ProtocolError,
  );
});

/**
 * @param {TextClipboard} clipboard
 * @param {string} text
 */
function fromDesktop(clipboard, text) {
  const messages = transferMessages(9, [{ mime: "text/plain", data: bytes(text) }]);
  return [...messages].map((message) => clipboard.receive(message)).at(-1);
}

test("the same text is sent once", () => {
  const clipboard = new TextClipboard();
  assert.equal(clipboard.offer("hello", 100).messages.length, 2);
  assert.equal(clipboard.offer("hello", 100).messages.length, 0);
  assert.equal(clipboard.offer("other", 100).messages.length, 2);
});

test("text from the desktop is not sent back, also with Windows' line ends", () => {
  const clipboard = new TextClipboard();
  assert.equal(fromDesktop(clipboard, "one\ntwo"), "one\ntwo");
  assert.equal(clipboard.offer("one\r\ntwo", 100).messages.length, 0);
  assert.equal(fromDesktop(clipboard, "one\ntwo"), null);
});

test("text that we sent is not news when it comes back", () => {
  const clipboard = new TextClipboard();
  clipboard.offer("hello", 100);
  assert.equal(fromDesktop(clipboard, "hello"), null);
});

test("text over the server's limit is not sent", () => {
  const offered = new TextClipboard().offer("häh", 3);
  assert.deepEqual([offered.messages.length, offered.isTooLong], [0, true]);
});

test("after a new connection the text is sent again", () => {
  const clipboard = new TextClipboard();
  clipboard.offer("hello", 100);
  clipboard.reset();
  assert.equal(clipboard.offer("hello", 100).messages.length, 2);
});
