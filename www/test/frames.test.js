import assert from "node:assert/strict";
import { test } from "node:test";

import { FrameDecoder } from "../src/decoders/decode_frame.js";
import { DecodeError } from "../src/errors.js";
import { dropReplaced } from "../src/workers/frame_batch.js";
import { FramePipeline } from "../src/workers/frame_pipeline.js";

/** @typedef {import("../src/protocol/messages.js").Frame} Frame */

/**
 * A frame of one pixel each from the named decoders.
 * @param {number} serial
 * @param {...string} codecs
 * @returns {Frame}
 */
function frame(serial, ...codecs) {
  const times = { changed_s: 0, captured_us: 0, damaged_us: 0, planned_us: 0, encoded_us: 0 };
  const rectangles = codecs.map((codec, x) => ({
    ...{ operation: 0, x, y: 0, width: 1, height: 1, quality: 100 },
    codec: CODECS.indexOf(codec),
    payload: new Uint8Array([serial]),
  }));
  return { type: "Frame", serial, width: 9, height: 1, ...times, rectangles };
}

const CODECS = ["quick", "slow", "broken", "wrong", "absent", "buggy", "late"];

/** A pipeline with decoders of every temper, and what comes out of it. */
function makePipeline() {
  /** @type {(() => void)[]} */
  const waiting = [];
  /** @type {string[]} */
  const log = [];
  const pixel = () => new Uint8ClampedArray(4);
  /** @type {[string, import("../src/decoders/registry.js").ImageDecoder["decode"]][]} */
  const decoders = [
    ["quick", pixel],
    ["slow", () => new Promise((resolve) => waiting.push(() => resolve(pixel())))],
    ["wrong", () => new Uint8ClampedArray(5)],
    ["late", () => Promise.reject(new TypeError("no such thing"))],
    [
      "buggy",
      () => {
        throw new TypeError("no such thing");
      },
    ],
    [
      "broken",
      () => {
        throw new DecodeError("broken", "is cut off");
      },
    ],
  ];
  const byName = new Map(decoders.map(([codec, decode]) => [codec, { codec, decode }]));
  const pipeline = new FramePipeline({
    decoder: new FrameDecoder(CODECS, byName),
    now_ms: () => 10,
    show: (frames) => {
      const shown = frames.map(({ frame, parts }) => `${frame.serial} (${parts.length})`);
      log.push(`show ${shown.join(", ")}`);
    },
    failed: () => {},
    reply: (answer) =>
      log.push(
        answer.type === "FrameShown"
          ? `shown ${answer.serial}, ${answer.queued} queued`
          : `failed ${answer.serial}: ${answer.codec} ${answer.reason}`,
      ),
  });
  /** Let the slow decoder end its oldest piece of work. */
  const finishOne = async () => {
    waiting.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { pipeline, log, finishOne };
}

test("a frame of synchronous decoders is shown before receive returns", () => {
  const { pipeline, log } = makePipeline();
  pipeline.receive(frame(1, "quick", "quick"), 5);
  assert.deepEqual(log, ["show 1 (2)"]);
  pipeline.presented(1, 12);
  assert.deepEqual(log.slice(1), ["shown 1, 0 queued"]);
});

test("a frame is shown only when all of it is decoded", async () => {
  const { pipeline, log, finishOne } = makePipeline();
  pipeline.receive(frame(1, "slow", "quick", "slow"), 5);
  await finishOne();
  assert.deepEqual(log, []);
  await finishOne();
  assert.deepEqual(log, ["show 1 (3)"]);
});

test("a quick frame waits for a slow one before it", async () => {
  const { pipeline, log, finishOne } = makePipeline();
  pipeline.receive(frame(1, "slow"), 5);
  pipeline.receive(frame(2, "quick"), 6);
  assert.deepEqual(log, []);
  await finishOne();
  assert.deepEqual(log, ["show 1 (1), 2 (1)"]);
  pipeline.presented(2, 21);
  assert.deepEqual(log.slice(1), ["shown 1, 1 queued", "shown 2, 0 queued"]);
});

for (const [codec, reason] of [
  ["broken", "is cut off"],
  ["wrong", "gave 5 bytes for 1x1"],
  ["absent", "has no decoder here"],
  ["buggy", "TypeError: no such thing"],
  ["late", "TypeError: no such thing"],
]) {
  test(`a frame whose ${codec} part fails is not shown at all`, async () => {
    const { pipeline, log, finishOne } = makePipeline();
    pipeline.receive(frame(1, "quick", "slow", codec), 5);
    await finishOne();
    assert.deepEqual(log, [`failed 1: ${codec} ${reason}`]);
    pipeline.receive(frame(2, "quick"), 6);
    assert.deepEqual(log.slice(1), ["show 2 (1)"]);
  });
}

test("answers come in the order of the frames", async () => {
  const { pipeline, log } = makePipeline();
  pipeline.receive(frame(1, "quick"), 5);
  pipeline.receive(frame(2, "broken"), 5);
  assert.deepEqual(log, ["show 1 (1)"]);
  pipeline.presented(1, 12);
  assert.deepEqual(log.slice(1), ["shown 1, 1 queued", "failed 2: broken is cut off"]);
});

test("an answer tells how long decoding and showing took", () => {
  const { pipeline } = makePipeline();
  /** @type {unknown[]} */
  const answers = [];
  pipeline.reply = (answer) => answers.push(answer);
  pipeline.receive(frame(1, "quick"), 7.5);
  pipeline.presented(1, 12.25);
  assert.deepEqual(answers, [
    { type: "FrameShown", serial: 1, decode_us: 2500, present_us: 2250, queued: 0 },
  ]);
});

test("pictures of a failed frame are closed", async () => {
  const { pipeline } = makePipeline();
  let closed = 0;
  const image = { width: 1, height: 1, close: () => (closed += 1) };
  const decode = () => /** @type {Promise<ImageBitmap>} */ (Promise.resolve(image));
  pipeline.decoder.decoders.set("slow", { codec: "slow", decode });
  pipeline.receive(frame(1, "slow", "broken"), 5);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(closed, 1);
});

test("frames that are decoded while another one is shown are handed on together", () => {
  const { pipeline, log } = makePipeline();
  for (const serial of [1, 2, 3]) pipeline.receive(frame(serial, "quick"), 5);
  assert.deepEqual(log, ["show 1 (1)"]);
  pipeline.presented(1, 12);
  assert.deepEqual(log.slice(1), ["show 2 (1), 3 (1)", "shown 1, 2 queued"]);
  pipeline.presented(2, 13); // not the last of what is being shown: of another connection
  assert.equal(log.length, 3);
  pipeline.presented(3, 14);
  assert.deepEqual(log.slice(3), ["shown 2, 1 queued", "shown 3, 0 queued"]);
});

test("a closed pipeline frees what was decoded and what comes late", async () => {
  const { pipeline, log, finishOne } = makePipeline();
  let closed = 0;
  const image = { width: 1, height: 1, close: () => (closed += 1) };
  const bitmap = /** @type {ImageBitmap} */ (image);
  pipeline.decoder.decoders.set("quick", { codec: "quick", decode: () => bitmap });
  pipeline.receive(frame(1, "slow"), 5);
  pipeline.receive(frame(2, "quick"), 5);
  pipeline.close();
  await finishOne();
  assert.equal(closed, 1);
  assert.deepEqual(log, []);
});

/**
 * @param {number | null} stream  null: a copy from here
 * @param {[number, number, number, number]} place
 * @param {{freed: number}} count
 * @returns {import("../src/decoders/decode_frame.js").PicturePart}
 */
function part(stream, [x, y, width, height], count) {
  const image = { displayWidth: width, displayHeight: height, close: () => (count.freed += 1) };
  const common = { x, y, width, height, codec: "h264", bytes: 9, shown: { width, height }, stream };
  if (stream === null) return { ...common, x: x + 1, image: null, source: { x, y } };
  return { ...common, image: /** @type {VideoFrame} */ (/** @type {unknown} */ (image)), source: null };
}

for (const { what, places, drawn } of [
  { what: "covers it", places: [[1, 0, 0, 9, 9], [1, 0, 0, 9, 9], [1, 0, 0, 9, 9]], drawn: [2] },
  { what: "is larger", places: [[1, 2, 2, 5, 5], [1, 0, 0, 9, 9]], drawn: [1] },
  { what: "is smaller", places: [[1, 0, 0, 9, 9], [1, 2, 2, 5, 5]], drawn: [0, 1] },
  { what: "is of another stream", places: [[1, 0, 0, 9, 9], [2, 0, 0, 9, 9]], drawn: [0, 1] },
  {
    what: "comes after a copy of it",
    places: [[1, 0, 0, 9, 9], [null, 4, 4, 2, 2], [1, 0, 0, 9, 9], [1, 0, 0, 9, 9]],
    drawn: [0, 3],
  },
  {
    what: "comes after a copy of something else",
    places: [[1, 0, 0, 9, 9], [null, 9, 0, 2, 2], [1, 0, 0, 9, 9]],
    drawn: [2],
  },
]) {
  test(`of waiting pictures of a stream, what a newer one that ${what} replaces is right`, () => {
    const count = { freed: 0 };
    const parts = places.map(([stream, x, y, width, height]) =>
      part(stream, /** @type {[number, number, number, number]} */ ([x, y, width, height]), count),
    );
    const videos = parts.filter(({ stream }) => stream !== null).length;
    dropReplaced(parts);
    const left = parts.flatMap(({ image }, place) => (image === null ? [] : [place]));
    assert.deepEqual(left, drawn);
    assert.equal(count.freed, videos - drawn.length);
  });
}
