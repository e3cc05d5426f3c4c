import assert from "node:assert/strict";
import { test } from "node:test";

import { ProtocolError } from "../src/errors.js";
import { FrameSequence } from "../src/workers/frame_sequence.js";
import { visibleRest } from "../src/workers/visible_rest.js";

/** @typedef {import("../src/protocol/messages.js").FrameRectangle} FrameRectangle */

const IMAGE = 0;
const VIDEO = 2;
const DELTA = 0;
const KEY = 1;
const HIDDEN = 2;

/**
 * @param {[number, number, number, number]} place
 * @param {number} operation
 * @param {number} flags  of a packet
 * @returns {FrameRectangle}
 */
function rectangle([x, y, width, height], operation = IMAGE, flags = 0) {
  const payload = new Uint8Array([0, 1, flags, 9]);
  return { operation, x, y, width, height, codec: 0, quality: 90, payload };
}

function makeSequence() {
  /** @type {string[]} */
  const log = [];
  const sequence = new FrameSequence({
    pass: (frame, _, covers) => {
      const places = covers.map(({ x, y, width, height }) => ` not ${[x, y, width, height]}`);
      log.push(`${frame.serial}${places.join("")}`);
    },
    lose: (serial) => log.push(`lost ${serial}`),
    overflow: () => log.push("refresh"),
  });
  sequence.begin(1);
  /**
   * @param {number} serial
   * @param {object} options
   * @param {boolean=} options.all
   * @param {number[]=} options.after
   * @param {FrameRectangle[]=} options.parts
   * @param {number=} options.width
   * @param {number=} options.at_ms
   * @param {number=} options.bytes
   */
  const receive = (serial, options = {}) => {
    const { all = false, after = [], parts = [rectangle([serial * 10, 0, 5, 5])] } = options;
    const { width = 1000, at_ms = 0, bytes = 100 } = options;
    const times = { changed_s: 0, captured_us: 0, damaged_us: 0, planned_us: 0, encoded_us: 0 };
    sequence.receive({
      frame: { type: "Frame", serial, width, height: 100, rectangles: parts, ...times },
      order: { type: "FrameOrder", serial, after_all: all, after },
      received_ms: at_ms,
      bytes,
    });
  };
  receive(1); // of the first frame the size is not known: nothing comes before it
  log.length = 0;
  return { sequence, receive, log };
}

test("a frame that needs no other is passed on however early it comes", () => {
  const { receive, log } = makeSequence();
  receive(4);
  receive(2);
  receive(3);
  assert.deepEqual(log, ["4", "2 not 40,0,5,5", "3 not 40,0,5,5"]);
});

test("only what is newer covers a late frame, and nothing once all before it have come", () => {
  const { receive, log } = makeSequence();
  receive(3);
  receive(5);
  receive(4);
  receive(2);
  receive(6);
  assert.deepEqual(log, [
    "3",
    "5",
    "4 not 50,0,5,5",
    "2 not 30,0,5,5 not 50,0,5,5 not 40,0,5,5",
    "6",
  ]);
});

test("a frame waits for those that it names, in a chain", () => {
  const { sequence, receive, log } = makeSequence();
  receive(4, { after: [3] });
  receive(3, { after: [2] });
  assert.deepEqual(log, []);
  assert.equal(sequence.heldFrames, 2);
  receive(2);
  assert.deepEqual(log, ["2", "3", "4"]);
  assert.equal(sequence.heldFrames, 0);
});

test("a frame after all waits for every one below it", () => {
  const { receive, log } = makeSequence();
  receive(4, { all: true });
  receive(3);
  assert.deepEqual(log, ["3"]);
  receive(2);
  assert.deepEqual(log, ["3", "2 not 30,0,5,5", "4"]);
});

test("dropped frames hold nobody up, and are ignored when they come after all", () => {
  const { sequence, receive, log } = makeSequence();
  receive(5, { all: true });
  receive(3, { after: [2] });
  sequence.dropped([2]);
  assert.deepEqual(log, ["3"]);
  receive(2);
  sequence.dropped([4]);
  assert.deepEqual(log, ["3", "5"]);
});

test("a held frame that the server drops is not shown", () => {
  const { sequence, receive, log } = makeSequence();
  receive(3, { after: [2] });
  sequence.dropped([3]);
  receive(2);
  assert.deepEqual(log, ["2"]);
});

test("a frame of another size waits for all, and those after it for it", () => {
  const { receive, log } = makeSequence();
  receive(4, { width: 500 });
  receive(3, { width: 500 });
  assert.deepEqual(log, []);
  receive(2);
  assert.deepEqual(log, ["2", "3", "4"]);
});

test("a frame that comes twice is passed on once", () => {
  const { receive, log } = makeSequence();
  receive(2);
  receive(2);
  assert.deepEqual(log, ["2"]);
});

test("what others overtook for long is lost, and holds nobody up", () => {
  const { sequence, receive, log } = makeSequence();
  receive(3, { after: [2], at_ms: 100 });
  sequence.expire(130, 30);
  assert.deepEqual(log, []);
  sequence.expire(131, 30);
  assert.deepEqual(log, ["lost 2", "3"]);
  receive(2, { at_ms: 140 });
  assert.deepEqual(log, ["lost 2", "3"]);
});

test("packets that build on a lost one are lost too, until a key frame", () => {
  const { sequence, receive, log } = makeSequence();
  const packet = (/** @type {number} */ flags) => [rectangle([0, 0, 64, 64], VIDEO, flags)];
  receive(3, { after: [2], parts: packet(DELTA) });
  receive(4, { after: [3], parts: packet(DELTA) });
  receive(5, { after: [4], parts: packet(KEY) });
  receive(6, { after: [5], parts: packet(DELTA) });
  receive(7, { after: [2] });
  assert.deepEqual(log, []);
  sequence.expire(1000, 30);
  assert.deepEqual(log, ["lost 2", "lost 3", "lost 4", "5", "6", "7"]);
});

test("packets behind a key frame of their stream in the same frame need nothing that was lost", () => {
  const { sequence, receive, log } = makeSequence();
  const packet = (/** @type {number} */ flags) => rectangle([0, 0, 64, 64], VIDEO, flags);
  receive(3, { after: [2], parts: [packet(KEY | HIDDEN), packet(DELTA)] });
  sequence.expire(1000, 30);
  assert.deepEqual(log, ["lost 2", "3"]);
});

test("packets that build on a dropped frame are lost", () => {
  const { sequence, receive, log } = makeSequence();
  receive(3, { after: [2], parts: [rectangle([0, 0, 64, 64], VIDEO, DELTA)] });
  sequence.dropped([2]);
  assert.deepEqual(log, ["lost 3"]);
});

test("a hidden packet covers nothing", () => {
  const { receive, log } = makeSequence();
  receive(3, { parts: [rectangle([0, 0, 64, 64], VIDEO, KEY | HIDDEN)] });
  receive(2);
  assert.deepEqual(log, ["3", "2"]);
});

test("too many held frames end the waiting: what is missing is lost, all must come again", () => {
  const { receive, log } = makeSequence();
  for (let serial = 3; serial <= 66; serial += 1) receive(serial, { all: true });
  assert.deepEqual(log, []);
  receive(67, { all: true });
  assert.equal(log[0], "lost 2");
  assert.deepEqual(log.slice(1, -1), Array.from({ length: 65 }, (_, i) => `${i + 3}`));
  assert.equal(log.at(-1), "refresh");
});

test("too many held bytes end the waiting as well", () => {
  const { receive, log } = makeSequence();
  receive(3, { all: true, bytes: 16 * 1024 * 1024 });
  receive(4, { all: true, bytes: 16 * 1024 * 1024 });
  assert.deepEqual(log, []);
  receive(5, { all: true, bytes: 1 });
  assert.deepEqual(log, ["lost 2", "3", "4", "5", "refresh"]);
});

test("another connection begins anew: nothing older is waited for", () => {
  const { sequence, receive, log } = makeSequence();
  receive(3, { after: [2] });
  sequence.begin(9);
  receive(8);
  receive(10, { after: [2, 7] });
  receive(9, { all: true });
  assert.deepEqual(log, ["9", "10"]);
});

test("a frame that waits for a newer one is refused", () => {
  const { receive } = makeSequence();
  assert.throws(() => receive(2, { after: [2] }), ProtocolError);
  assert.throws(() => receive(2, { after: [3] }), ProtocolError);
});

test("whatever the order, the newest frame of each pixel is what is drawn last", () => {
  let state = 1;
  const random = (/** @type {number} */ below) => {
    state = (state * 48271) % 0x7fffffff;
    return state % below;
  };
  for (let round = 0; round < 200; round += 1) {
    const { sequence } = makeSequence();
    const screen = new Map();
    sequence.pass = (frame, _, covers) => {
      for (const part of frame.rectangles) {
        for (const { x, y, width, height } of visibleRest(part, covers) ?? [part]) {
          for (let i = x; i < x + width; i += 1) {
            for (let j = y; j < y + height; j += 1) screen.set(`${i},${j}`, frame.serial);
          }
        }
      }
    };
    const times = { changed_s: 0, captured_us: 0, damaged_us: 0, planned_us: 0, encoded_us: 0 };
    const wanted = new Map();
    const waiting = [];
    for (let serial = 2; serial < 12; serial += 1) {
      const [x, y, width, height] = [random(6), random(6), 1 + random(6), 1 + random(6)];
      for (let i = x; i < x + width; i += 1) {
        for (let j = y; j < y + height; j += 1) wanted.set(`${i},${j}`, serial);
      }
      const after = random(3) === 0 && serial > 2 ? [serial - 1] : [];
      waiting.push({
        frame: {
          ...{ type: /** @type {const} */ ("Frame"), serial, width: 1000, height: 100, ...times },
          rectangles: [rectangle([x, y, width, height])],
        },
        order: { type: /** @type {const} */ ("FrameOrder"), serial, after, after_all: random(5) === 0 },
        received_ms: 0,
        bytes: 1,
      });
    }
    while (waiting.length > 0) sequence.receive(waiting.splice(random(waiting.length), 1)[0]);
    assert.equal(sequence.heldFrames, 0);
    assert.deepEqual([...screen].sort(), [...wanted].sort());
  }
});
