import assert from "node:assert/strict";
import test from "node:test";

import { encodeMessage } from "../src/protocol/codec.js";
import { Line } from "../src/workers/line.js";

const LABELS = ["control", "frames", "bulk", "loose"];

/** A line over data channels that the test plays the server of. */
function line() {
  const channels = Object.fromEntries(
    LABELS.map((label) => [
      label,
      { send: () => {}, bufferedAmount: 0, onopen: null, onmessage: null, onclose: null },
    ]),
  );
  /** @type {string[]} */
  const log = [];
  const page = {
    hasPeers: true,
    openPeer: (/** @type {string} */ _url, /** @type {any} */ events) => {
      queueMicrotask(() => events.made(channels));
      return () => {};
    },
  };
  const made = new Line({ name: "webrtc", url: "https://host/" }, page, {
    opened: () => log.push("opened"),
    message: ({ type }) => {
      log.push(type);
      if (type === "Attached") made.codecs = [];
    },
    closed: (reason) => log.push(`closed: ${reason}`),
  });
  const put = (/** @type {string} */ label, /** @type {Uint8Array} */ bytes) => {
    const take = /** @type {any} */ (channels[label].onmessage);
    take({ data: new Uint8Array(bytes).buffer });
  };
  return { log, put };
}

const DROPPED = encodeMessage(/** @type {any} */ ({ type: "FramesDropped", serials: [1] }));
const ATTACHED = encodeMessage(
  /** @type {any} */ ({ type: "Attached", received: 0, next_serial: 1 }),
);
const frame = [0, 0, 0, 1, 0, 0, 0, 1, ...DROPPED]; // any message does: a chunk's head, one unit

test("what overtakes the first message of the control lane waits for it", async () => {
  const { log, put } = line();
  await Promise.resolve();
  put("frames", Uint8Array.from(frame));
  put("bulk", Uint8Array.from([0, ...DROPPED]));
  assert.deepEqual(log, []);
  put("control", Uint8Array.from([0, ...ATTACHED]));
  await Promise.resolve();
  assert.deepEqual(log, ["Attached", "FramesDropped", "FramesDropped"]);
});

test("a server that never says how to begin is left", async () => {
  const { log, put } = line();
  await Promise.resolve();
  for (let count = 0; count < 300; count += 1) put("frames", Uint8Array.from(frame));
  assert.deepEqual(log, ["closed: it did not begin in order"]);
});
