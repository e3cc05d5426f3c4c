import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { ProtocolError } from "../src/errors.js";
import { MessageDecoder, encodeMessage } from "../src/protocol/codec.js";
import { clipText } from "../src/protocol/wire.js";

const file = new URL("../../tests/vectors/messages.json", import.meta.url);
const vectors = JSON.parse(readFileSync(file, "utf8"));

/** @param {string} hex */
const bytes = (hex) => new Uint8Array(Buffer.from(hex, "hex"));

/** @param {"client" | "server"} sender */
function decoderOf(sender) {
  const decoder = new MessageDecoder(sender);
  decoder.codecs = vectors.codecs;
  return decoder;
}

/**
 * The vectors write bytes as hex.
 * @param {any} value
 * @returns {any}
 */
function plain(value) {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]));
}

const BLOBS = ["payload", "rgba", "data"];

/**
 * @param {any} value
 * @returns {any}
 */
function fromVector(value) {
  if (Array.isArray(value)) return value.map(fromVector);
  if (typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      name,
      BLOBS.includes(name) ? bytes(each) : fromVector(each),
    ]),
  );
}

for (const { name, description, sender, fields, hex } of vectors.messages) {
  test(`${name} (${description}) is read as the vector says`, () => {
    assert.deepEqual([...decoderOf(sender).receive(bytes(hex))].map(plain), [
      { type: name, ...fields },
    ]);
  });

  test(`${name} (${description}) is written as the vector says`, () => {
    const written = encodeMessage({ type: name, ...fromVector(fields) });
    assert.equal(Buffer.from(written).toString("hex"), hex);
  });
}

for (const { description, sender, hex, names } of vectors.streams) {
  test(`a stream with ${description} survives every cut`, () => {
    const whole = bytes(hex);
    for (let cut = 0; cut <= whole.length; cut += 1) {
      const decoder = decoderOf(sender);
      const found = [
        ...decoder.receive(whole.subarray(0, cut)),
        ...decoder.receive(whole.subarray(cut)),
      ];
      assert.deepEqual(
        found.map(({ type }) => type),
        names,
      );
    }
  });
}

for (const { description, sender, hex } of vectors.refused) {
  test(`${description} is refused`, () => {
    assert.throws(() => [...decoderOf(sender).receive(bytes(hex))], ProtocolError);
  });
}

test("a field that does not fit its type is not sent", () => {
  assert.throws(() => encodeMessage({ type: "PointerMoved", x: 65536, y: 0 }), RangeError);
  assert.throws(() => encodeMessage({ type: "PointerMoved", x: 0.5, y: 0 }), RangeError);
  assert.throws(() => encodeMessage({ type: "TextTyped", text: "a".repeat(4096) }), RangeError);
});

test("a message from before a refused one is still given", () => {
  const decoder = decoderOf("client");
  const found = decoder.receive(bytes("05000000040000000500000000007f00000000"));
  assert.equal(found.next().value?.type, "Ping");
  assert.throws(() => found.next(), ProtocolError);
});

test("clipped text never ends inside a character", () => {
  assert.equal(clipText("aä🙂", 7), "aä🙂");
  assert.equal(clipText("aä🙂", 6), "aä");
  assert.equal(clipText("aä", 2), "a");
  assert.equal(clipText("a\0b", 9), "ab");
});
